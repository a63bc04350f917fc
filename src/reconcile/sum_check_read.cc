// Reads pages of the sums and of the payments for SumCheck, and retries while Redis is away.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "reconcile/sum_check.h"

namespace tollgate::reconcile {
namespace {

constexpr int kTurnMs = 100;
constexpr int64_t kRetryMs = 100;

}  // namespace

void SumCheck::Pause(int64_t ms) {
  const int64_t end_ns = parts_.loop.clock().MonotonicNanos() + ms * base::kNanosPerMilli;
  while (parts_.loop.clock().MonotonicNanos() < end_ns) {
    parts_.loop.RunOnce(static_cast<int>(std::min<int64_t>(ms, kTurnMs)));
    parts_.on_turn();
  }
}

// `start` begins a call and passes it the given callback.
template <typename Answer, typename Start>
std::optional<Answer> SumCheck::Ask(Start start) {
  const base::Clock& clock = parts_.loop.clock();
  const int64_t end_ns = clock.MonotonicNanos() + options_.patience_ms * base::kNanosPerMilli;
  while (true) {
    std::optional<std::optional<Answer>> answer;
    start([&](std::optional<Answer> it) { answer = std::move(it); });
    while (!answer) {
      parts_.loop.RunOnce(kTurnMs);
      parts_.on_turn();
    }
    if (*answer) return std::move(*answer);
    if (clock.MonotonicNanos() >= end_ns || parts_.claims.is_damaged()) break;
    Pause(kRetryMs);
  }
  state_ = State::kAway;
  return std::nullopt;
}

std::optional<ledger::SumPage> SumCheck::ReadPage(std::span<const ledger::SumFamily> families) {
  auto page = Ask<ledger::SumPage>(
      [&](ledger::SumNodes::OnPage done) { parts_.nodes.Read(families, std::move(done)); });
  if (page && begun_ && (page->epoch != epoch_ || page->shelf != shelf_)) {
    state_ = State::kMoved;
    return std::nullopt;
  }
  return page;
}

bool SumCheck::ReadFamilies(const std::vector<ledger::SumFamily>& families, const OnFamily& use) {
  for (size_t at = 0; at < families.size();) {
    const size_t count = std::min(ledger::kSumFamiliesMax, families.size() - at);
    const auto page = ReadPage(std::span(families).subspan(at, count));
    if (!page) return false;
    for (const ledger::SumFamilyPage& family : page->families) use(family, *page);
    at += page->families.size();
  }
  return true;
}

// Calls `use` once for each counted payment. A bucket of several pages may list a payment twice
// when its hash shrinks.
bool SumCheck::EachCounted(const std::function<void(const ledger::BookEntry&)>& use) {
  std::optional<ledger::ClaimCursor> cursor = ledger::ClaimCursor{};
  std::unordered_set<payments::Uuid> of_bucket;
  std::string run_id;
  share_ = 0;
  while (cursor) {
    const auto page = Ask<ledger::ClaimPage>(
        [&](ledger::ClaimReader::OnPage done) { parts_.claims.Read(*cursor, std::move(done)); });
    if (!page) return false;
    if (run_id.empty()) run_id = page->run_id;
    if (page->epoch != epoch_ || page->shelf != shelf_ || page->run_id != run_id) {
      state_ = State::kMoved;
      return false;
    }
    const bool goes_on = page->next && page->next->scan != "0";
    const bool in_pages = goes_on || cursor->scan != "0";
    for (const ledger::Claim& claim : page->claims) {
      if (in_pages && !of_bucket.insert(claim.id).second) continue;
      const ledger::BookEntry& entry = claim.entry;
      if (entry.state == ledger::EntryState::kBooked && entry.counted &&
          entry.processor != payments::kNoProcessor && InRange(entry.requested_at_ms)) {
        use(entry);
      }
    }
    if (!goes_on) of_bucket.clear();
    share_ = page->share;
    cursor = page->next;
  }
  return true;
}

// Calls `use` for each cell of a family of level 0, with the recent payments that belong to it.
void SumCheck::EachCell(const ledger::SumFamilyPage& family, const ledger::SumPage& page,
                        const OnCell& use) const {
  const int64_t first_ms = family.family.node << ledger::kSumBits;
  for (const auto& [processor, children] : family.children) {
    for (size_t i = 0; i < children.size(); ++i) {
      const int64_t at_ms = first_ms + static_cast<int64_t>(i);
      if (children[i] != ledger::SumFigures{} && InRange(at_ms)) use(processor, at_ms, children[i]);
    }
  }
  for (const ledger::RecentSum& it : page.recent) {
    if (it.requested_at_ms >> ledger::kSumBits != family.family.node) continue;
    if (!InRange(it.requested_at_ms)) continue;
    use(it.processor, it.requested_at_ms, {.count = 1, .cents = it.amount_cents});
  }
}

bool SumCheck::ReadCells(const std::vector<int64_t>& spans, Cells& cells) {
  std::vector<ledger::SumFamily> families;
  for (const int64_t span : spans) {
    for (int64_t i = 0; i < static_cast<int64_t>(ledger::kSumChildren); ++i) {
      families.push_back({.level = 0, .node = (span << ledger::kSumBits) + i});
    }
  }
  return ReadFamilies(families, [&](const auto& family, const auto& page) {
    EachCell(family, page, [&](auto processor, int64_t at_ms, const ledger::SumFigures& sum) {
      ledger::SumFigures& cell = cells[{processor, at_ms}];
      cell = Plus(cell, sum);
    });
  });
}

bool SumCheck::Mend(ledger::MendRequest request) {
  request.epoch = epoch_;
  request.shelf = shelf_;
  request.mends = mends_;
  request.range = report_.range;
  const auto reply = Ask<ledger::MendReply>(
      [&](ledger::SumNodes::OnMended done) { parts_.nodes.Mend(request, std::move(done)); });
  if (!reply) return false;
  if (!reply->mended) {
    changed_meanwhile_ = true;
  } else {
    mends_ = reply->mends;
  }
  return true;
}

}  // namespace tollgate::reconcile
