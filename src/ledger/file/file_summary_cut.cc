#include "ledger/file/file_summary_cut.h"

#include <utility>

namespace tollgate::ledger::file {

FileSummaryCut::FileSummaryCut(net::EventLoop& loop, std::shared_ptr<SummaryHub> hub,
                               int64_t wait_ms, size_t workers_min)
    : loop_(loop),
      hub_(std::move(hub)),
      mail_(std::make_shared<LoopMail>(loop)),
      questions_(wait_ms * base::kNanosPerMilli, workers_min,
                 {.ask =
                      [this](uint64_t number) {
                        const QuestionId question{.asker = asker_, .number = number};
                        cut_ = std::make_shared<const Cut>(hub_, question);
                        questions_.OnReceivers(number, hub_->Ask(question), loop_.now_ns());
                      },
                  .done = [this](uint64_t /*number*/) { cut_.reset(); }}),
      timer_(loop, [this] {
        questions_.OnTime(loop_.now_ns());
        Arm();
      }) {
  asker_ = hub_->JoinAsker(mail_, life_.Guard([this](uint64_t number, bool complete) {
    questions_.OnAnswer(number, complete, loop_.now_ns());
    Arm();
  }));
  questions_.SetListening(true);
}

FileSummaryCut::~FileSummaryCut() {
  hub_->Leave(asker_);
  mail_->Close();
}

void FileSummaryCut::Ask(Then then) {
  questions_.Ask([this, then = std::move(then)](int64_t until_ns) { then(until_ns, cut_); },
                 loop_.now_ns());
  Arm();
}

void FileSummaryCut::Arm() {
  const int64_t next_ns = questions_.NextDeadlineNs();
  if (next_ns == INT64_MAX) return timer_.Disarm();
  if (!timer_.armed() || timer_.deadline_ns() != next_ns) timer_.Arm(next_ns);
}

}  // namespace tollgate::ledger::file
