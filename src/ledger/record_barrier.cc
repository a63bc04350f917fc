#include "tollgate/ledger/record_barrier.h"

#include <utility>

namespace tollgate::ledger {

RecordBarrier::RecordBarrier(RecordGate& gate, Answer answer)
    : gate_(gate), answer_(std::move(answer)) {}

void RecordBarrier::OnAsked(const QuestionId& question, int64_t wait_ns, int64_t now_ns) {
  // Of a question that is left out the asker gets no answer, and reads the books all the same.
  if (waiting_.size() == kWaitingMax) return;
  waiting_.push_back({question, wait_ns, now_ns});
}

void RecordBarrier::OnDone(const QuestionId& question) {
  if (hold_ && hold_->question == question) return End();
  std::erase_if(waiting_, [&](const Asked& asked) { return asked.question == question; });
}

void RecordBarrier::Forget() { waiting_.clear(); }

void RecordBarrier::OnTurn(int64_t now_ns) {
  if (hold_ && now_ns >= hold_->ends_ns) End();
  if (!hold_) Begin(now_ns);
  if (!hold_ || hold_->answered) return;
  const HeldRecords records = gate_.records();
  if (records == HeldRecords::kUnderWay) return;
  hold_->answered = true;
  answer_(hold_->question, records == HeldRecords::kRecorded);
}

void RecordBarrier::Begin(int64_t now_ns) {
  while (!waiting_.empty()) {
    const Asked asked = waiting_.front();
    waiting_.pop_front();
    if (now_ns - asked.came_ns >= asked.wait_ns) continue;  // its asker waits no longer
    hold_ = {.question = asked.question, .ends_ns = now_ns + asked.wait_ns, .answered = false};
    return gate_.Hold();
  }
}

void RecordBarrier::End() {
  hold_.reset();
  gate_.Release();
}

int64_t RecordBarrier::NextDeadlineNs() const { return hold_ ? hold_->ends_ns : kNever; }

}  // namespace tollgate::ledger
