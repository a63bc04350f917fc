// FileSummaryCut: runs an acceptor's SummaryQuestions among the workers of its process.
//
// Thread: one acceptor's loop. A Cut may end on any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "ledger/file/summary_hub.h"
#include "ledger/summary_questions.h"
#include "tollgate/base/lifetime.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::ledger::file {

// The right to read the books as they are. With the last one the workers go on.
class Cut {
 public:
  Cut(std::shared_ptr<SummaryHub> hub, const QuestionId& question)
      : hub_(std::move(hub)), question_(question) {}
  ~Cut() { hub_->Done(question_); }
  Cut(const Cut&) = delete;
  Cut& operator=(const Cut&) = delete;

 private:
  const std::shared_ptr<SummaryHub> hub_;
  const QuestionId question_;
};

class FileSummaryCut {
 public:
  FileSummaryCut(net::EventLoop& loop, std::shared_ptr<SummaryHub> hub, int64_t wait_ms,
                 size_t workers_min);
  ~FileSummaryCut();

  // Calls `then` when the books can be read. The cut lasts as long as `cut`; null: nobody holds
  // anything. `until_ns`: see SummaryQuestions::Then.
  using Then = std::function<void(int64_t until_ns, std::shared_ptr<const Cut> cut)>;
  void Ask(Then then);
  // Summaries that wait.
  size_t waiting() const { return questions_.size(); }

 private:
  void Arm();

  net::EventLoop& loop_;
  const std::shared_ptr<SummaryHub> hub_;
  const std::shared_ptr<LoopMail> mail_;
  std::shared_ptr<const Cut> cut_;  // of the open question
  SummaryQuestions questions_;
  base::Lifetime life_;
  uint64_t asker_ = 0;
  net::Timer timer_;
};

}  // namespace tollgate::ledger::file
