// RecordBarrier: a worker's part in a summary that is as of the moment it was asked for. When a
// question comes, all that processors have confirmed so far is recorded, then the question is
// answered, and what they confirm later waits until the asker has read the books. So the books that
// it reads are a consistent cut of the fleet (Chandy and Lamport, "Distributed Snapshots", 1985;
// the barrier of Carbone et al., "Lightweight Asynchronous Snapshots", 2015). SummaryQuestions is
// the asker's part (src/ledger/summary_questions.h).
//
// Thread: one worker's. It knows no network and no clock, so a simulation can run it.
// Invariants: records are held for as long as the asker waits, at most, whatever is lost. Questions
// take turns: a hold begins with recording all that the one before held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <optional>

namespace tollgate::ledger {

struct QuestionId {
  uint64_t asker = 0;   // random, of one acceptor's life
  uint64_t number = 0;  // of that asker's questions
  bool operator==(const QuestionId&) const = default;
};

// What was confirmed before a hold.
enum class HeldRecords : uint8_t {
  kUnderWay,  // some of it is being recorded
  kRecorded,  // all of it is on the books
  kLacking,   // some of it will be recorded later: the books are away or have refused it
};

// Of two parts of a worker. What is under way is waited for, even if something else is lacking.
constexpr HeldRecords Worse(HeldRecords a, HeldRecords b) {
  if (a == HeldRecords::kUnderWay || b == HeldRecords::kUnderWay) return HeldRecords::kUnderWay;
  return a == HeldRecords::kLacking ? a : b;
}

// The records of one worker.
class RecordGate {
 public:
  virtual ~RecordGate() = default;
  // What is confirmed after this call waits until Release.
  virtual void Hold() = 0;
  virtual void Release() = 0;
  // REQUIRES: held.
  virtual HeldRecords records() const = 0;
};

// A RecordBarrier that hears questions, wherever the books are.
class WorkerBarrier {
 public:
  virtual ~WorkerBarrier() = default;
  virtual void Start() = 0;
  // Call it in each turn of the loop, after its events and before records are sent.
  virtual void OnTurn() = 0;
};

class RecordBarrier {
 public:
  // `complete`: all that was confirmed is on the books.
  using Answer = std::function<void(const QuestionId&, bool complete)>;
  // REQUIRES: `gate` outlives it.
  RecordBarrier(RecordGate& gate, Answer answer);

  // Messages, in the order in which they come. Times are monotonic nanoseconds; the asker waits for
  // `wait_ns`.
  void OnAsked(const QuestionId& question, int64_t wait_ns, int64_t now_ns);
  void OnDone(const QuestionId& question);
  // Messages are lost. A hold lasts until its time is over, for its asker may be about to read.
  void Forget();
  // Begins and ends holds, and answers. Call it in each turn of the loop after its events and
  // before records are sent: what a processor had confirmed when the question came may be in the
  // same turn.
  void OnTurn(int64_t now_ns);
  // OnTurn must run then even without an event. INT64_MAX: need not.
  int64_t NextDeadlineNs() const;

 private:
  // Each acceptor of the fleet has one question open, so this is more than there are.
  static constexpr size_t kWaitingMax = 256;
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  struct Asked {
    QuestionId question;
    int64_t wait_ns = 0;
    int64_t came_ns = 0;
  };
  struct Hold {
    QuestionId question;
    int64_t ends_ns = 0;
    bool answered = false;
  };
  void Begin(int64_t now_ns);
  void End();

  RecordGate& gate_;
  const Answer answer_;
  std::deque<Asked> waiting_;
  std::optional<Hold> hold_;
};

}  // namespace tollgate::ledger
