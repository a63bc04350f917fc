#include "ledger/file/file_barrier.h"

#include <utility>

namespace tollgate::ledger::file {

FileBarrier::FileBarrier(net::EventLoop& loop, std::shared_ptr<SummaryHub> hub, int64_t wait_ms,
                         RecordGate& gate)
    : loop_(loop),
      hub_(std::move(hub)),
      mail_(std::make_shared<LoopMail>(loop)),
      wait_ns_(wait_ms * base::kNanosPerMilli),
      barrier_(gate, [this](const QuestionId& question,
                            bool complete) { hub_->Answer(question, complete); }),
      timer_(loop, [] {}) {}

FileBarrier::~FileBarrier() {
  hub_->Leave(member_);
  mail_->Close();
}

void FileBarrier::Start() {
  member_ = hub_->JoinWorker(
      mail_,
      {.on_asked = life_.Guard([this](const QuestionId& question) {
         barrier_.OnAsked(question, wait_ns_, loop_.now_ns());
       }),
       .on_done = life_.Guard([this](const QuestionId& question) { barrier_.OnDone(question); })});
}

void FileBarrier::OnTurn() {
  barrier_.OnTurn(loop_.now_ns());
  const int64_t next_ns = barrier_.NextDeadlineNs();
  if (next_ns == INT64_MAX) return timer_.Disarm();
  if (!timer_.armed() || timer_.deadline_ns() != next_ns) timer_.Arm(next_ns);
}

}  // namespace tollgate::ledger::file
