#include "ledger/summary_questions.h"

#include <algorithm>
#include <utility>

#include "tollgate/base/clock.h"

namespace tollgate::ledger {

SummaryQuestions::SummaryQuestions(int64_t wait_ns, size_t workers_min, Wire wire)
    : wait_ns_(wait_ns), workers_min_(workers_min), wire_(std::move(wire)) {}

void SummaryQuestions::SetListening(bool listening) { listening_ = listening; }

void SummaryQuestions::Ask(Then then, int64_t now_ns) {
  if (!open_ && (!listening_ || wait_ns_ == 0)) return then(0);
  waiting_.push_back(std::move(then));
  if (!open_) Begin(now_ns);
}

void SummaryQuestions::Begin(int64_t now_ns) {
  open_ = true;
  ++number_;
  ends_ns_ = now_ns + wait_ns_;
  answers_ = 0;
  lacking_ = false;
  receivers_.reset();
  asking_ = std::exchange(waiting_, {});
  wire_.ask(number_);
}

void SummaryQuestions::OnReceivers(uint64_t number, std::optional<size_t> receivers,
                                   int64_t now_ns) {
  if (!open_ || number != number_) return;
  if (!receivers || *receivers == 0) return Complete(false, now_ns);
  receivers_ = receivers;
  CheckComplete(now_ns);
}

void SummaryQuestions::OnAnswer(uint64_t number, bool complete, int64_t now_ns) {
  if (!open_ || number != number_) return;
  ++answers_;
  lacking_ = lacking_ || !complete;
  CheckComplete(now_ns);
}

void SummaryQuestions::OnTime(int64_t now_ns) {
  if (open_ && now_ns >= ends_ns_) Complete(false, now_ns);
}

void SummaryQuestions::CheckComplete(int64_t now_ns) {
  if (!receivers_ || answers_ < *receivers_) return;
  Complete(!lacking_ && *receivers_ >= WorkersExpected(*receivers_, now_ns), now_ns);
}

size_t SummaryQuestions::WorkersExpected(size_t receivers, int64_t now_ns) {
  constexpr int64_t kRememberedNs = 10 * base::kNanosPerSecond;
  if (receivers >= most_ || now_ns - most_ns_ >= kRememberedNs) {
    most_ = receivers;
    most_ns_ = now_ns;
  }
  return std::max(most_, workers_min_);
}

void SummaryQuestions::Complete(bool as_of, int64_t now_ns) {
  for (const Then& then : std::exchange(asking_, {})) then(as_of ? ends_ns_ : 0);
  wire_.done(number_);
  open_ = false;
  if (waiting_.empty()) return;
  if (listening_) return Begin(now_ns);
  for (const Then& then : std::exchange(waiting_, {})) then(0);
}

}  // namespace tollgate::ledger
