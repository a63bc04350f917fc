#include "ledger/file/loop_calls.h"

namespace tollgate::ledger::file {

LoopCalls::LoopCalls(net::EventLoop& loop, std::shared_ptr<FileStore> store, int64_t timeout_ms,
                     size_t calls_max)
    : loop_(loop),
      store_(std::move(store)),
      timeout_ns_(timeout_ms * base::kNanosPerMilli),
      calls_max_(calls_max),
      mail_(std::make_shared<LoopMail>(loop)),
      deadline_timer_(loop, [this] { OnDeadline(); }) {}

LoopCalls::~LoopCalls() { mail_->Close(); }

uint64_t LoopCalls::Add(std::function<void()> give_up) {
  const int64_t deadline_ns = loop_.clock().MonotonicNanos() + timeout_ns_;
  open_[++last_number_] = {.deadline_ns = deadline_ns, .give_up = std::move(give_up)};
  if (!deadline_timer_.armed()) deadline_timer_.Arm(deadline_ns);
  return last_number_;
}

void LoopCalls::OnDeadline() {
  while (!open_.empty() && open_.begin()->second.deadline_ns <= loop_.now_ns()) {
    const std::function<void()> give_up = std::move(open_.begin()->second.give_up);
    open_.erase(open_.begin());
    give_up();
  }
  if (!open_.empty()) deadline_timer_.Arm(open_.begin()->second.deadline_ns);
}

}  // namespace tollgate::ledger::file
