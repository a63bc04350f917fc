// SummaryQuestions: an acceptor's part in a summary that is as of the moment it was asked for. It
// asks the workers of the whole fleet to record what is confirmed, and to hold what is confirmed
// later (tollgate/ledger/record_barrier.h). Once all have answered, or after `wait_ns`, the books
// are read; then it says that it has read them.
//
// Thread: one acceptor's. It knows no network and no clock, so a simulation can run it.
// Invariants: at most one question is open. Summaries that are asked for meanwhile share the next
// one: none of them is answered from a cut before its own moment. Each `then` is called once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

namespace tollgate::ledger {

class SummaryQuestions {
 public:
  struct Wire {
    // Sends the question to all workers. OnReceivers says later how many there are.
    std::function<void(uint64_t number)> ask;
    // Tells them that the books are read, after all that `then` has sent.
    std::function<void(uint64_t number)> done;
  };
  // Reads the books. They are as of the question if they are read before `until_ns`: records are
  // held for that long. 0: they are not, as not all workers have answered, or some lack records.
  using Then = std::function<void(int64_t until_ns)>;

  // If fewer than `workers_min` workers hear a question, or fewer than heard one in the last 10 s,
  // its summaries are not as of their moment: some are not connected.
  SummaryQuestions(int64_t wait_ns, size_t workers_min, Wire wire);

  // Answers can be heard, or not any more. Without them nobody is asked.
  void SetListening(bool listening);
  // Calls `then` once the books can be read. Times are monotonic nanoseconds.
  void Ask(Then then, int64_t now_ns);
  // How many workers got the question; empty: it could not be sent.
  void OnReceivers(uint64_t number, std::optional<size_t> receivers, int64_t now_ns);
  // A worker has answered; `complete`: all that it had was recorded. It may be heard before
  // OnReceivers.
  void OnAnswer(uint64_t number, bool complete, int64_t now_ns);
  // Call it at NextDeadlineNs (INT64_MAX: need not).
  void OnTime(int64_t now_ns);
  int64_t NextDeadlineNs() const { return open_ ? ends_ns_ : kNever; }
  // Summaries that wait.
  size_t size() const { return asking_.size() + waiting_.size(); }

 private:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  void Begin(int64_t now_ns);
  void CheckComplete(int64_t now_ns);
  void Complete(bool as_of, int64_t now_ns);
  // The most that heard a question lately.
  size_t WorkersExpected(size_t receivers, int64_t now_ns);

  const int64_t wait_ns_;
  const size_t workers_min_;
  const Wire wire_;
  bool listening_ = false;
  bool open_ = false;
  uint64_t number_ = 0;  // of the open question, or the last one
  int64_t ends_ns_ = 0;
  size_t answers_ = 0;
  bool lacking_ = false;  // a worker has answered so
  std::optional<size_t> receivers_;
  size_t most_ = 0;  // receivers, of late
  int64_t most_ns_ = 0;
  std::vector<Then> asking_;   // of the open question
  std::vector<Then> waiting_;  // of the next one
};

}  // namespace tollgate::ledger
