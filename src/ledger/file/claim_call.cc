#include <algorithm>
#include <cstdlib>

#include "ledger/file/calls.h"

namespace tollgate::ledger::file {
namespace {

uint64_t Magnitude(int64_t number) { return static_cast<uint64_t>(std::abs(number)); }

ClaimReply ReplyWith(ClaimVerdict verdict) {
  ClaimReply reply;
  reply.verdict = verdict;
  return reply;
}

// One claim of a call.
class Claimer {
 public:
  Claimer(BookFile& file, const ClaimCall& call, const std::vector<uint8_t>& numbers)
      : file_(file), call_(call), numbers_(numbers) {}

  ClaimReply ClaimOne(size_t index) {
    const ClaimRequest& request = call_.requests[index];
    if (const auto settled = file_.FindSettled(request.payment.id)) {
      return OnTheBooks(*settled, request);
    }
    const auto known = file_.FindClaim(request.payment.id);
    if (known) return HeldAlready(*known, index);
    return Grant(index);
  }

 private:
  const Owner& owner() const { return call_.caller.owner; }

  static ClaimReply OnTheBooks(const Settled& settled, const ClaimRequest& request) {
    const bool rejected = settled.kind >= kRejected;
    if (settled.cents != request.payment.amount_cents) {
      ClaimReply reply = ReplyWith(ClaimVerdict::kConflict);
      if (!rejected) reply.processor = settled.processor;
      reply.settled = true;
      return reply;
    }
    if (rejected) return ReplyWith(ClaimVerdict::kRejected);
    ClaimReply reply = ReplyWith(ClaimVerdict::kBooked);
    reply.processor = settled.processor;
    reply.requested_at_ms = settled.at_ms;
    return reply;
  }

  // The claim is the caller's exactly as it was claimed.
  ClaimReply Grant(size_t index) {
    const ClaimRequest& request = call_.requests[index];
    const bool none = request.processor == payments::kNoProcessor;
    const PendingClaim claim{
        .table = owner().table,
        .slot = request.slot,
        .generation = request.generation,
        .attempt = request.attempt,
        .processor = none ? payments::kNoProcessor : numbers_[request.processor],
        .at_ms = request.requested_at_ms,
        .cents = request.payment.amount_cents,
        .epoch = file_.header().epoch,
        .incarnation = owner().incarnation,
        .identity = call_.identities[index]};
    file_.PutClaim(request.payment.id, claim);
    ClaimReply reply = ReplyOf(ClaimVerdict::kYours, claim);
    reply.identity = 0;  // the caller knows which processor it named
    return reply;
  }

  ClaimReply HeldAlready(const PendingClaim& known, size_t index) {
    const ClaimRequest& request = call_.requests[index];
    const bool own = IsSameClaim(known, owner(), request);
    if (!own && known.cents != request.payment.amount_cents) {
      return ReplyWith(ClaimVerdict::kConflict);
    }
    const bool inherited =
        !own && (IsInherited(known, owner(), request) || MayTakeOver(known, index));
    if (!own && !inherited) return Elsewhere(known);
    if (request.attempt > known.attempt && !inherited) return Grant(index);
    const bool equal = request.attempt == known.attempt || inherited;
    const bool others = inherited || known.incarnation != owner().incarnation;
    PendingClaim claim = known;
    if (others) {
      // Taken over from another opening of the table or another owner, so it gets a higher attempt
      // number: an opening that takes the old attempt for refused cannot go past it.
      claim.attempt = static_cast<uint16_t>(
          std::min<int>(std::max(known.attempt, request.attempt) + 1, payments::kAttemptMax));
      claim.table = owner().table;
      claim.slot = request.slot;
      claim.generation = request.generation;
      claim.incarnation = owner().incarnation;
      file_.PutClaim(request.payment.id, claim);
    }
    ClaimReply reply = ReplyOf(equal ? ClaimVerdict::kYours : ClaimVerdict::kStale, claim);
    reply.existed = equal && others;
    return reply;
  }

  // True if this is still the claim that the caller saw, and its owner is still silent (its number
  // has not moved). The number is not compared for the caller's own table, whose slots it knows
  // itself.
  bool MayTakeOver(const PendingClaim& known, size_t index) {
    if (call_.holders.empty()) return false;
    const Holder& holder = call_.holders[index];
    if (known.table != holder.table || known.attempt != call_.held_attempts[index]) return false;
    return known.table == owner().table || HolderOf(known).number == holder.number;
  }

  ClaimReply Elsewhere(const PendingClaim& known) {
    ClaimReply reply = ReplyOf(ClaimVerdict::kElsewhere, known);
    reply.holder = HolderOf(known);
    return reply;
  }

  Holder HolderOf(const PendingClaim& claim) {
    Holder holder{.table = claim.table, .slot = claim.slot, .generation = claim.generation};
    const auto row = file_.FindOwner(claim.table);
    if (!row || !row->number) return holder;
    holder.number = Magnitude(*row->number);
    holder.sign = row->gone ? Holder::Sign::kGone : Holder::Sign::kNumber;
    return holder;
  }

  static ClaimReply ReplyOf(ClaimVerdict verdict, const PendingClaim& claim) {
    ClaimReply reply = ReplyWith(verdict);
    reply.attempt = claim.attempt;
    reply.processor = claim.processor;
    reply.requested_at_ms = claim.at_ms;
    reply.epoch = claim.epoch;
    reply.identity = claim.identity;
    return reply;
  }

  BookFile& file_;
  const ClaimCall& call_;
  const std::vector<uint8_t>& numbers_;
};

}  // namespace

bool RaiseNumber(BookFile& file, const Caller& caller, CallResult& result) {
  if (!caller.confirmed) return true;
  OwnerRow row = file.FindOwner(caller.owner.table).value_or(OwnerRow{});
  const int64_t known = row.number.value_or(0);
  const auto before = static_cast<uint64_t>(known);
  if (row.gone || before < *caller.confirmed || EraOf(before) != EraOf(*caller.confirmed)) {
    result.verdict = CallVerdict::kLost;
    result.number = before;
    return false;
  }
  row.number = known + 1;
  result.number = before + 1;
  file.PutOwner(caller.owner.table, row);
  return true;
}

bool IsNotNewest(const OwnerRow& known, const Owner& owner) {
  return known.incarnation > owner.incarnation ||
         (known.incarnation == owner.incarnation && known.nonce != owner.nonce);
}

bool Enter(BookFile& file, const Caller& caller) {
  const Owner& owner = caller.owner;
  const auto known = file.FindOwner(owner.table);
  // A row that only RaiseNumber has made has no opening yet.
  const bool entered = known && (known->incarnation != 0 || known->nonce != 0);
  if (entered && IsNotNewest(*known, owner)) return false;
  if (entered && known->incarnation == owner.incarnation) return true;
  OwnerRow row = known.value_or(OwnerRow{});
  row.incarnation = owner.incarnation;
  row.nonce = owner.nonce;
  file.PutOwner(owner.table, row);
  return true;
}

std::optional<std::vector<uint8_t>> NumbersOf(BookFile& file, const Caller& caller) {
  std::vector<uint8_t> numbers;
  for (const std::string& name : *caller.names) {
    const auto number = file.NumberOf(name);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

bool IsInherited(const PendingClaim& claim, const Owner& owner, const ClaimRequest& request) {
  if (claim.slot != request.slot || claim.generation != request.generation) return false;
  if (claim.table == payments::Uuid{} || claim.table == owner.table) return false;
  return std::find(owner.predecessors.begin(), owner.predecessors.end(), claim.table) !=
         owner.predecessors.end();
}

void Claim(BookFile& file, ClaimCall& call) {
  call.result = {};
  call.result.run = file.header().run;
  call.replies.clear();
  const uint32_t epoch = file.header().epoch;
  call.result.epoch = epoch;
  if (call.known_epoch && *call.known_epoch != epoch) {
    call.result.verdict = CallVerdict::kPurged;
    return;
  }
  // Before the first write: a call that cannot be executed changes nothing.
  const auto numbers = NumbersOf(file, call.caller);
  if (!numbers) {
    call.result.verdict = CallVerdict::kTooManyNames;
    return;
  }
  if (!RaiseNumber(file, call.caller, call.result)) return;
  const bool fenced = !Enter(file, call.caller);
  Claimer claimer(file, call, *numbers);
  for (size_t i = 0; i < call.requests.size(); ++i) {
    call.replies.push_back(fenced ? ReplyWith(ClaimVerdict::kFenced) : claimer.ClaimOne(i));
  }
  call.result.names = file.header().names;
}

}  // namespace tollgate::ledger::file
