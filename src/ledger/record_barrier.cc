#include "tollgate/ledger/record_barrier.h"

#include <utility>

namespace tollgate::ledger {

RecordBarrier::RecordBarrier(RecordGate& gate, int64_t wait_ns, Answer answer)
    : gate_(gate), wait_ns_(wait_ns), answer_(std::move(answer)) {}

void RecordBarrier::OnAsked(const QuestionId& question, int64_t now_ns) {
  // Of a question that is left out the asker gets no answer, and reads the books all the same.
  if (waiting_.size() < kWaitingMax) waiting_.push_back({question, now_ns});
}

void RecordBarrier::OnDone(const QuestionId& question) {
  if (hold_ && hold_->question == question) return End();
  std::erase_if(waiting_, [&](const Asked& asked) { return asked.question == question; });
}

void RecordBarrier::Forget() { waiting_.clear(); }

void RecordBarrier::OnTurn(int64_t now_ns) {
  if (hold_ && now_ns >= hold_->ends_ns) End();
  if (!hold_) Begin(now_ns);
  if (!hold_ || hold_->answered || !gate_.recorded()) return;
  hold_->answered = true;
  answer_(hold_->question);
}

void RecordBarrier::Begin(int64_t now_ns) {
  while (!waiting_.empty()) {
    const Asked asked = waiting_.front();
    waiting_.pop_front();
    if (now_ns - asked.came_ns >= wait_ns_) continue;  // its asker waits no longer
    hold_ = {.question = asked.question, .ends_ns = now_ns + wait_ns_, .answered = false};
    return gate_.Hold();
  }
}

void RecordBarrier::End() {
  hold_.reset();
  gate_.Release();
}

int64_t RecordBarrier::NextDeadlineNs() const { return hold_ ? hold_->ends_ns : kNever; }

}  // namespace tollgate::ledger
