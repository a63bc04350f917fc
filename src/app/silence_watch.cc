#include "app/silence_watch.h"

#include <algorithm>
#include <string>
#include <utility>

#include "tollgate/base/duration.h"

namespace tollgate::app {
namespace {

constexpr int64_t kIntervalMsMax = 30'000;

}  // namespace

SilenceWatch::SilenceWatch(net::EventLoop& loop, ledger::BooksPlace& place, int64_t silent_after_ms,
                           Report report)
    : reader_(place.MakeSilentClaims(loop)),
      silent_after_s_(silent_after_ms / 1'000 + 1),
      interval_ns_(std::min(silent_after_ms, kIntervalMsMax) * base::kNanosPerMilli),
      report_(std::move(report)),
      timer_(loop, [this] { Count(); }) {}

void SilenceWatch::Start() {
  reader_->Start();
  timer_.ArmIn(interval_ns_);
}

void SilenceWatch::Count() {
  timer_.ArmIn(interval_ns_);
  reader_->Count(silent_after_s_, [this](auto silent) {
    if (silent) OnCounted(*silent);
  });
}

void SilenceWatch::OnCounted(const std::vector<ledger::SilentOwner>& silent) {
  uint64_t claims = 0;
  for (const auto& owner : silent) claims += owner.claims;
  claims_.store(claims, std::memory_order_relaxed);
  owners_.store(silent.size(), std::memory_order_relaxed);
  if (claims == std::exchange(reported_, claims)) return;
  if (claims == 0) return report_(false, "no payment belongs to a silent gateway any more");
  const auto& most = silent.front();
  const std::string since = most.silent_s < 0 ? "which never greeted these books"
                            : most.gone       ? "which has ended and its table with it"
                                              : "silent for " + base::RoughTime(most.silent_s);
  report_(true, std::to_string(claims) + " payments on the books belong to " +
                    std::to_string(silent.size()) + " silent gateways, most of them (" +
                    std::to_string(most.claims) + ") to the one with the table " +
                    payments::ToString(most.table) + ", " + since +
                    ": start it again with its DATA_DIR; what clients repeat is finished by the "
                    "others; tollgate reconcile lists them");
}

}  // namespace tollgate::app
