#include <algorithm>

#include "ledger/file/calls.h"

namespace tollgate::ledger::file {
namespace {

constexpr int64_t kDayS = 86'400;

// The shelf's number rises by one when its time is over. It never falls or skips one: after a long
// silence ids are known for longer. If a shelf began by a clock that was far ahead, its beginning
// is set to now.
void MoveShelf(BookFile& file, int64_t now_s, int64_t window_s) {
  const auto& present = file.header().present;
  const int64_t lasts_s = std::max(window_s, kDayS);
  if (!present) {
    file.AddShelf(1, now_s, lasts_s);
  } else if (now_s >= present->began_s + present->lasts_s) {
    file.AddShelf(present->number + 1, now_s, lasts_s);
  } else if (present->began_s > now_s + kDayS) {
    file.SetShelfBegan(now_s);
  }
}

// A payment that was booked before the books' memory may have been counted and forgotten. It was
// not if the books still hold a claim that is as old, because a record removes the claim.
bool MayBeForgotten(const BookFile& file, const std::optional<PendingClaim>& claim, int64_t at_ms) {
  const auto memory_ms = file.header().memory_began_ms();
  if (!memory_ms || at_ms >= *memory_ms) return false;
  return !claim || claim->at_ms > at_ms;
}

RecordReply RecordOne(BookFile& file, RecordCall& call, const RecordRequest& request,
                      const std::vector<uint8_t>& numbers) {
  const RecordReply done{.verdict = RecordVerdict::kDone};
  const payments::Uuid& id = request.claim.payment.id;
  const Owner& owner = call.caller.owner;
  const auto claim = file.FindClaim(id);
  const bool own = !claim || IsSameClaim(*claim, owner, request.claim) ||
                   IsInherited(*claim, owner, request.claim);
  // Another owner may still book it.
  if (!request.booked && !own) return done;
  const bool none = request.claim.processor == payments::kNoProcessor;
  Settled settled{.kind = request.booked ? kCounted
                                         : static_cast<uint8_t>(
                                               kRejected + static_cast<uint8_t>(request.reason)),
                  .processor = none ? payments::kNoProcessor : numbers[request.claim.processor],
                  .at_ms = request.claim.requested_at_ms,
                  .cents = request.claim.payment.amount_cents};
  bool forgotten = false;
  if (request.booked) {
    const bool counts = !request.epoch_known || request.epoch >= file.header().epoch;
    forgotten = counts && MayBeForgotten(file, claim, settled.at_ms);
    if (!counts || forgotten) settled.kind = kNotCounted;
  }
  if (claim) file.RemoveClaim(id);
  // What is pending is not on a shelf, so a payment with a claim needs no look at the shelves.
  const auto older = claim ? std::nullopt : file.FindSettled(id);
  if (older) {
    if (!request.booked) return done;
    if (older->kind < kRejected) {
      if (older->processor == settled.processor) return done;
      return {.verdict = RecordVerdict::kContradiction, .other = older->processor};
    }
    // It was recorded as rejected, and is booked after all.
  }
  file.PutSettled(id, settled);
  if (settled.kind == kCounted) file.Count(settled);
  if (forgotten) ++call.forgotten;
  return done;
}

}  // namespace

void Record(BookFile& file, RecordCall& call, int64_t now_s) {
  call.result = {};
  call.result.run = file.header().run;
  call.replies.clear();
  call.forgotten = 0;
  call.result.epoch = file.header().epoch;
  const auto numbers = NumbersOf(file, call.caller);
  if (!numbers) {
    call.result.verdict = CallVerdict::kTooManyNames;
    return;
  }
  if (!RaiseNumber(file, call.caller, call.result)) return;
  const bool fenced = !Enter(file, call.caller);
  if (!fenced) MoveShelf(file, now_s, call.window_s);
  for (const RecordRequest& request : call.requests) {
    call.replies.push_back(fenced ? RecordReply{.verdict = RecordVerdict::kFenced}
                                  : RecordOne(file, call, request, *numbers));
  }
  call.result.names = file.header().names;
}

}  // namespace tollgate::ledger::file
