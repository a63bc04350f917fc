#include "reconcile/admin_totals.h"

#include <algorithm>
#include <utility>

#include "tollgate/config/reconcile_options.h"
#include "tollgate/upstream/processor_protocol.h"

namespace tollgate::reconcile {
namespace {

constexpr int kTriesMax = 4;
constexpr int64_t kPauseNs = 500 * base::kNanosPerMilli;

}  // namespace

AdminTotals::AdminTotals(net::EventLoop& loop,
                         const std::vector<upstream::ProcessorOptions>& processors,
                         const std::map<std::string, std::string>& tokens,
                         const payments::SummaryRange& range, OnTotals done)
    : done_(std::move(done)), timer_(loop, [this] {
        for (const size_t target : std::exchange(again_, {})) Ask(target);
      }) {
  std::vector<upstream::GetTarget> targets;
  for (const auto& processor : processors) {
    const auto token = tokens.find(processor.name);
    if (token == tokens.end()) continue;
    asked_.push_back(processor);
    targets.push_back(upstream::MakeAdminSummaryTarget(processor, range, token->second));
  }
  tries_.resize(asked_.size());
  getter_ = std::make_unique<upstream::HttpGetter>(
      loop, targets,
      [this](size_t target, const upstream::GetAnswer& answer) { OnAnswer(target, answer); });
}

void AdminTotals::Read() {
  totals_.clear();
  std::fill(tries_.begin(), tries_.end(), 0);
  if (asked_.empty()) return done_(totals_);
  for (size_t i = 0; i < asked_.size(); ++i) Ask(i);
}

void AdminTotals::Ask(size_t target) {
  ++tries_[target];
  if (getter_->Get(target)) return;
  AdminTotal none;
  none.problem = asked_[target].name + ": no admin summary (out of memory)";
  Set(target, std::move(none));
}

void AdminTotals::OnAnswer(size_t target, const upstream::GetAnswer& answer) {
  const upstream::ProcessorOptions& processor = asked_[target];
  AdminTotal total;
  const upstream::AdminSummaryAnswer read = upstream::ReadAdminSummary(answer);
  switch (read.verdict) {
    case upstream::AdminSummaryVerdict::kSummary:
      total.summary = read.summary;
      return Set(target, std::move(total));
    case upstream::AdminSummaryVerdict::kNotUnderstood:
      total.problem = processor.name + ": its admin summary is not understood";
      return Set(target, std::move(total));
    case upstream::AdminSummaryVerdict::kTokenRefused:
      total.refused = true;
      total.problem = processor.name + " refuses the admin token (" +
                      std::to_string(answer.status) + "): set " +
                      config::TokenVariable(processor.name) + " or --tokens to the right one";
      return Set(target, std::move(total));
    case upstream::AdminSummaryVerdict::kFailed:
      break;
  }
  if (tries_[target] < kTriesMax) {
    again_.push_back(target);
    if (!timer_.armed()) timer_.ArmIn(kPauseNs);
    return;
  }
  const std::string why =
      answer.complete ? "answers " + std::to_string(answer.status) : answer.error;
  total.problem = processor.name + ": no admin summary (" + why + ")";
  Set(target, std::move(total));
}

void AdminTotals::Set(size_t target, AdminTotal total) {
  totals_[asked_[target].name] = std::move(total);
  if (totals_.size() == asked_.size()) done_(totals_);
}

}  // namespace tollgate::reconcile
