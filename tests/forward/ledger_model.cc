#include "tests/forward/ledger_model.h"

#include <algorithm>

#include "tollgate/base/assert.h"

namespace tollgate::simulation {

using ledger::ClaimReply;
using ledger::ClaimRequest;
using ledger::ClaimVerdict;
using ledger::Owner;
using ledger::RecordReply;
using ledger::RecordRequest;
using ledger::RecordVerdict;
using ledger::TakeOverRequest;

namespace {

constexpr int64_t kHistoryMs = 3'000;

bool SameClaim(const LedgerModel::Pending& pending, const Owner& owner,
               const ClaimRequest& request) {
  return pending.owner.table == owner.table && pending.slot == request.slot &&
         pending.generation == request.generation;
}

// True if the same slot claimed it when the table had another id.
bool Inherited(const LedgerModel::Pending& pending, const Owner& owner,
               const ClaimRequest& request) {
  if (pending.slot != request.slot || pending.generation != request.generation) return false;
  if (pending.owner.table == payments::Uuid{} || pending.owner.table == owner.table) return false;
  return std::find(owner.predecessors.begin(), owner.predecessors.end(), pending.owner.table) !=
         owner.predecessors.end();
}

ClaimReply ReplyOf(ClaimVerdict verdict, const LedgerModel::Pending& pending) {
  return {.verdict = verdict,
          .attempt = pending.attempt,
          .processor = pending.processor,
          .requested_at_ms = pending.requested_at_ms,
          .epoch = pending.epoch,
          .identity = pending.identity};
}

}  // namespace

void LedgerModel::Remember() {
  const int64_t now_ms = clock_.MonotonicNanos() / base::kNanosPerMilli;
  history_.emplace_back(now_ms, state_);
  const auto old = std::find_if(history_.begin(), history_.end(), [&](const auto& item) {
    return item.first >= now_ms - kHistoryMs;
  });
  history_.erase(history_.begin(), old);
}

void LedgerModel::Purge() {
  Remember();
  ++state_.epoch;
  state_.entries.clear();
  state_.forgotten.clear();
}

void LedgerModel::CrashAndLose(int64_t lost_ms) {
  ++run_;
  Lose(lost_ms);
}

void LedgerModel::RollBack(int64_t lost_ms) { Lose(lost_ms); }

void LedgerModel::Lose(int64_t lost_ms) {
  TG_ASSERT(lost_ms <= kHistoryMs);
  const int64_t since = clock_.MonotonicNanos() / base::kNanosPerMilli - lost_ms;
  for (auto& [when, before] : history_) {
    if (when < since) continue;
    state_ = before;
    break;
  }
  history_.clear();
}

bool LedgerModel::Fenced(const Owner& owner) {
  Owner& known = state_.owners.try_emplace(owner.table, owner).first->second;
  if (owner.incarnation > known.incarnation) known = owner;
  return owner.incarnation < known.incarnation || owner.nonce != known.nonce;
}

std::optional<uint64_t> LedgerModel::Raise(const payments::Uuid& table, uint64_t confirmed) {
  uint64_t& number = state_.numbers[table];
  if (number < confirmed || ledger::EraOf(number) != ledger::EraOf(confirmed)) return std::nullopt;
  return ++number;
}

LedgerModel::Answer<ClaimReply> LedgerModel::Claim(const Owner& owner,
                                                   const std::vector<ClaimRequest>& requests,
                                                   uint64_t confirmed, uint32_t epoch) {
  Remember();
  if (epoch != state_.epoch) return {.purged = true, .number = 0, .replies = {}};
  const auto number = Raise(owner.table, confirmed);
  if (!number) return {.lost = true, .number = 0, .replies = {}};
  return {.lost = false, .number = *number, .replies = Claim(owner, requests)};
}

LedgerModel::Answer<ClaimReply> LedgerModel::TakeOver(const Owner& owner,
                                                      const std::vector<TakeOverRequest>& requests,
                                                      uint64_t confirmed, uint32_t epoch) {
  Remember();
  if (epoch != state_.epoch) return {.purged = true, .number = 0, .replies = {}};
  const auto number = Raise(owner.table, confirmed);
  if (!number) return {.lost = true, .number = 0, .replies = {}};
  return {.lost = false, .number = *number, .replies = TakeOver(owner, requests)};
}

LedgerModel::Answer<RecordReply> LedgerModel::Record(const Owner& owner,
                                                     const std::vector<RecordRequest>& requests,
                                                     uint64_t confirmed) {
  Remember();
  const auto number = Raise(owner.table, confirmed);
  if (!number) return {.lost = true, .number = 0, .replies = {}};
  return {.lost = false, .number = *number, .replies = Record(owner, requests)};
}

LedgerModel::Greeted LedgerModel::Greet(const Owner& owner, uint64_t confirmed,
                                        const payments::Uuid& told_to) {
  Remember();
  const bool reported = told_to != payments::Uuid{};
  if (state_.books && reported && *state_.books != told_to) return {.verdict = Greeting::kOthers};
  const bool put_back = !state_.books && reported;
  uint64_t& number = state_.numbers[owner.table];
  const auto known = state_.owners.find(owner.table);
  if (known != state_.owners.end() &&
      (known->second.incarnation > owner.incarnation ||
       (known->second.incarnation == owner.incarnation && known->second.nonce != owner.nonce))) {
    return {.verdict = Greeting::kFenced, .number = number};
  }
  const bool acknowledged =
      ledger::EraOf(number) < ledger::EraOf(confirmed) && confirmed % ledger::kEraNumbers == 0;
  if (!state_.books) state_.books = reported ? told_to : id_;
  if (number < confirmed && !acknowledged) {
    return {.verdict = Greeting::kLost, .number = number, .put_back = put_back};
  }
  Fenced(owner);
  state_.gone.erase(owner.table);
  number = std::max(number, confirmed) + 1;
  return {.verdict = Greeting::kOk, .number = number, .put_back = put_back};
}

std::vector<ClaimReply> LedgerModel::Claim(const Owner& owner,
                                           const std::vector<ClaimRequest>& requests) {
  Remember();
  std::vector<ClaimReply> replies;
  const bool fenced = Fenced(owner);
  for (const ClaimRequest& request : requests) {
    replies.push_back(fenced ? ClaimReply{.verdict = ClaimVerdict::kFenced}
                             : ClaimOne(owner, request));
  }
  return replies;
}

std::vector<ClaimReply> LedgerModel::TakeOver(const Owner& owner,
                                              const std::vector<TakeOverRequest>& requests) {
  Remember();
  std::vector<ClaimReply> replies;
  const bool fenced = Fenced(owner);
  for (const TakeOverRequest& request : requests) {
    replies.push_back(fenced ? ClaimReply{.verdict = ClaimVerdict::kFenced}
                             : TakeOverOne(owner, request));
  }
  return replies;
}

payments::ProcessorId LedgerModel::IndexOf(payments::ProcessorId id) const {
  return asking_ == nullptr || id == payments::kNoProcessor ? id
                                                            : *asking_->Find(asking_->Name(id));
}

uint64_t LedgerModel::IdentityOf(payments::ProcessorId id) const {
  return asking_ == nullptr || id == payments::kNoProcessor ? 0 : asking_->Identity(id);
}

ledger::Holder LedgerModel::HolderOf(const Pending& pending) const {
  ledger::Holder holder{.table = pending.owner.table};
  holder.slot = pending.slot;
  holder.generation = pending.generation;
  const auto number = state_.numbers.find(holder.table);
  if (number == state_.numbers.end()) return holder;
  holder.number = number->second;
  holder.sign = state_.gone.contains(holder.table) ? ledger::Holder::Sign::kGone
                                                   : ledger::Holder::Sign::kNumber;
  return holder;
}

// Takes over if the claim is still the one that was seen, and its owner's number has not moved.
ClaimReply LedgerModel::TakeOverOne(const Owner& owner, const TakeOverRequest& request) {
  const auto it = state_.pending.find(request.claim.payment.id);
  if (it == state_.pending.end()) return ClaimOne(owner, request.claim);
  Pending& pending = it->second;
  const ledger::Holder holder = HolderOf(pending);
  const bool ours = holder.table == owner.table;  // then another slot's, or the same claim
  if (SameClaim(pending, owner, request.claim) || holder.table != request.holder.table ||
      (!ours && holder.number != request.holder.number) || pending.attempt != request.attempt ||
      pending.cents != request.claim.payment.amount_cents) {
    return ClaimOne(owner, request.claim);
  }
  pending.owner = owner;
  pending.slot = request.claim.slot;
  pending.generation = request.claim.generation;
  pending.attempt = std::min<uint16_t>(std::max(pending.attempt, request.claim.attempt) + 1,
                                       payments::kAttemptMax);
  ClaimReply reply = ReplyOf(ClaimVerdict::kYours, pending);
  reply.existed = true;
  return reply;
}

ClaimReply LedgerModel::ClaimOne(const Owner& owner, const ClaimRequest& request) {
  const auto& payment = request.payment;
  if (const auto it = state_.entries.find(payment.id); it != state_.entries.end()) {
    const Entry& entry = it->second;
    if (entry.cents != payment.amount_cents) {
      return {.verdict = ClaimVerdict::kConflict,
              .processor = entry.rejected ? payments::kNoProcessor : entry.processor,
              .settled = true};
    }
    if (entry.rejected) return {.verdict = ClaimVerdict::kRejected};
    return {.verdict = ClaimVerdict::kBooked,
            .processor = entry.processor,
            .requested_at_ms = entry.requested_at_ms};
  }
  const Pending mine{.owner = owner,
                     .slot = request.slot,
                     .generation = request.generation,
                     .attempt = request.attempt,
                     .processor = IndexOf(request.processor),
                     .requested_at_ms = request.requested_at_ms,
                     .cents = payment.amount_cents,
                     .epoch = state_.epoch,
                     .identity = IdentityOf(request.processor)};
  const auto [it, added] = state_.pending.try_emplace(payment.id, mine);
  Pending& pending = it->second;
  if (added) return ReplyOf(ClaimVerdict::kYours, pending);
  const bool inherited =
      pending.cents == payment.amount_cents && Inherited(pending, owner, request);
  if (!SameClaim(pending, owner, request) && !inherited) {
    if (pending.cents != payment.amount_cents) return {.verdict = ClaimVerdict::kConflict};
    ClaimReply reply = ReplyOf(ClaimVerdict::kElsewhere, pending);
    reply.holder = HolderOf(pending);
    return reply;
  }
  if (request.attempt > pending.attempt && !inherited) {
    pending = mine;
    return ReplyOf(ClaimVerdict::kYours, pending);
  }
  const bool equal = request.attempt == pending.attempt || inherited;
  const bool others = pending.owner.incarnation != owner.incarnation || inherited;
  if (others) {
    // Taken over from another opening, with a number of its own.
    pending.attempt =
        std::min<uint16_t>(std::max(pending.attempt, request.attempt) + 1, payments::kAttemptMax);
    pending.owner = owner;
  }
  ClaimReply reply = ReplyOf(equal ? ClaimVerdict::kYours : ClaimVerdict::kStale, pending);
  reply.existed = equal && others;
  return reply;
}

std::vector<RecordReply> LedgerModel::Record(const Owner& owner,
                                             const std::vector<RecordRequest>& requests) {
  Remember();
  std::vector<RecordReply> replies;
  const bool fenced = Fenced(owner);
  if (!fenced) MoveShelf();
  for (const RecordRequest& request : requests) {
    replies.push_back(fenced ? RecordReply{.verdict = RecordVerdict::kFenced}
                             : RecordOne(owner, request));
  }
  return replies;
}

void LedgerModel::MoveShelf() {
  Shelf& shelf = state_.shelf;
  const int64_t now_ms = clock_.WallMillis();
  if (shelf.number != 0 && now_ms < shelf.began_ms + kShelfMs) return;
  shelf = {.number = shelf.number + 1, .began_ms = now_ms, .older_began_ms = shelf.began_ms};
  std::erase_if(state_.entries, [&](const auto& it) {
    const bool known = it.second.shelf >= shelf.number - 1;
    if (!known) state_.forgotten.push_back(it.second);
    return !known;
  });
}

// It was booked before the books' memory began, and no claim is as old.
bool LedgerModel::MayBeForgotten(const RecordRequest& request) const {
  const int64_t at_ms = request.claim.requested_at_ms;
  if (state_.shelf.number <= 2 || at_ms >= state_.shelf.older_began_ms) return false;
  const auto pending = state_.pending.find(request.claim.payment.id);
  return pending == state_.pending.end() || pending->second.requested_at_ms > at_ms;
}

RecordReply LedgerModel::RecordOne(const Owner& owner, const RecordRequest& request) {
  const auto& payment = request.claim.payment;
  const auto pending = state_.pending.find(payment.id);
  const bool others = pending != state_.pending.end() &&
                      !SameClaim(pending->second, owner, request.claim) &&
                      !Inherited(pending->second, owner, request.claim);
  // Another owner may still book it.
  if (!request.booked && others) return {.verdict = RecordVerdict::kDone};
  const bool may_be_forgotten = MayBeForgotten(request);
  state_.pending.erase(payment.id);
  const auto found = state_.entries.find(payment.id);
  if (found != state_.entries.end()) {
    if (!request.booked) return {.verdict = RecordVerdict::kDone};
    if (!found->second.rejected) {
      if (found->second.processor == IndexOf(request.claim.processor)) {
        return {.verdict = RecordVerdict::kDone};
      }
      ++contradictions_;
      return {.verdict = RecordVerdict::kContradiction, .other = found->second.processor};
    }
  }
  state_.entries[payment.id] = {
      .rejected = !request.booked,
      .counted = !may_be_forgotten && (!request.epoch_known || request.epoch >= state_.epoch),
      .reason = request.reason,
      .processor = IndexOf(request.claim.processor),
      .requested_at_ms = request.claim.requested_at_ms,
      .cents = payment.amount_cents,
      .shelf = state_.shelf.number};
  return {.verdict = RecordVerdict::kDone};
}

}  // namespace tollgate::simulation
