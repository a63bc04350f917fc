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

namespace {

constexpr int64_t kGraceMs = 2'000;
constexpr int64_t kHistoryMs = 3'000;

bool SameClaim(const LedgerModel::Pending& pending, const Owner& owner,
               const ClaimRequest& request) {
  return pending.owner.table == owner.table && pending.slot == request.slot &&
         pending.generation == request.generation;
}

ClaimReply ReplyOf(ClaimVerdict verdict, const LedgerModel::Pending& pending) {
  return {.verdict = verdict,
          .attempt = pending.attempt,
          .processor = pending.processor,
          .requested_at_ms = pending.requested_at_ms,
          .epoch = pending.epoch};
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
}

void LedgerModel::CrashAndLose(int64_t lost_ms) {
  TG_ASSERT(lost_ms <= kHistoryMs);
  ++run_;
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

ClaimReply LedgerModel::ClaimOne(const Owner& owner, const ClaimRequest& request) {
  const auto& payment = request.payment;
  if (const auto it = state_.entries.find(payment.id); it != state_.entries.end()) {
    const Entry& entry = it->second;
    if (entry.cents != payment.amount_cents) return {.verdict = ClaimVerdict::kConflict};
    if (entry.rejected) return {.verdict = ClaimVerdict::kRejected};
    return {.verdict = ClaimVerdict::kBooked,
            .processor = entry.processor,
            .requested_at_ms = entry.requested_at_ms};
  }
  const Pending mine{.owner = owner,
                     .slot = request.slot,
                     .generation = request.generation,
                     .attempt = request.attempt,
                     .processor = request.processor,
                     .requested_at_ms = request.requested_at_ms,
                     .cents = payment.amount_cents,
                     .epoch = state_.epoch};
  const auto [it, added] = state_.pending.try_emplace(payment.id, mine);
  Pending& pending = it->second;
  if (added) return ReplyOf(ClaimVerdict::kYours, pending);
  if (!SameClaim(pending, owner, request)) {
    return {.verdict = pending.cents == payment.amount_cents ? ClaimVerdict::kElsewhere
                                                             : ClaimVerdict::kConflict};
  }
  if (request.attempt > pending.attempt) {
    pending = mine;
    return ReplyOf(ClaimVerdict::kYours, pending);
  }
  const bool equal = request.attempt == pending.attempt;
  const bool others = pending.owner.incarnation != owner.incarnation;
  if (others) {
    // Taken over from another opening, under a number of its own.
    pending.attempt = std::min<uint16_t>(pending.attempt + 1, payments::kAttemptMax);
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
  for (const RecordRequest& request : requests) {
    replies.push_back(fenced ? RecordReply{.verdict = RecordVerdict::kFenced}
                             : RecordOne(owner, request));
  }
  return replies;
}

RecordReply LedgerModel::RecordOne(const Owner& owner, const RecordRequest& request) {
  const auto& payment = request.claim.payment;
  const auto pending = state_.pending.find(payment.id);
  const bool others =
      pending != state_.pending.end() && !SameClaim(pending->second, owner, request.claim);
  // Another owner may still book it.
  if (!request.booked && others) return {.verdict = RecordVerdict::kDone};
  state_.pending.erase(payment.id);
  const auto found = state_.entries.find(payment.id);
  if (found != state_.entries.end()) {
    if (!request.booked) return {.verdict = RecordVerdict::kDone};
    if (!found->second.rejected) {
      if (found->second.processor == request.claim.processor) {
        return {.verdict = RecordVerdict::kDone};
      }
      ++contradictions_;
      return {.verdict = RecordVerdict::kContradiction, .other = found->second.processor};
    }
  }
  state_.entries[payment.id] = {.rejected = !request.booked,
                                .counted = !request.epoch_known || request.epoch >= state_.epoch,
                                .reason = request.reason,
                                .processor = request.claim.processor,
                                .requested_at_ms = request.claim.requested_at_ms,
                                .cents = payment.amount_cents};
  return {.verdict = RecordVerdict::kDone};
}

// --- A connection

LedgerSession::LedgerSession(Timeline& timeline, LedgerModel& model, LedgerFaults faults,
                             std::optional<uint64_t> known_run)
    : timeline_(timeline), model_(model), faults_(faults), known_run_(known_run) {}

LedgerSession::~LedgerSession() = default;

bool LedgerSession::can_claim() const {
  return connected_ && timeline_.now_ns() >= claims_from_ns_;
}

void LedgerSession::Connect() {
  connected_ = true;
  ++connection_;
  const bool lost = known_run_.has_value() && *known_run_ != model_.run();
  known_run_ = model_.run();
  if (lost) {
    claims_from_ns_ = timeline_.now_ns() + kGraceMs * base::kNanosPerMilli;
    events_->OnTailLost();
  }
  events_->OnLedgerState();
}

void LedgerSession::Disconnect() {
  connected_ = false;
  ++connection_;
  const auto failed = std::exchange(outstanding_, {});
  for (const uint64_t batch : failed) events_->OnBatchFailed(batch);
}

void LedgerSession::Send(uint64_t batch, std::function<std::function<void()>()> execute) {
  TG_ASSERT(connected_);
  TG_ASSERT(outstanding_.insert(batch).second);
  const uint64_t run = model_.run();
  const bool lost = timeline_.Chance(faults_.command_lost);
  const bool late = timeline_.Chance(faults_.command_late);
  const bool mute = timeline_.Chance(faults_.reply_lost);
  const int64_t pause_us = std::max<int64_t>(model_.paused_until_ns - timeline_.now_ns(), 0) / 1000;
  const int64_t there_us = pause_us + timeline_.Between(20, 400);
  const auto fail = [this, connection = connection_, life = std::weak_ptr<bool>(life_)] {
    if (!life.expired() && connection == connection_) Disconnect();
  };
  if (late) {
    // It waits in a dead connection, whatever becomes of its sender; a server that restarted does
    // not know the connection any more.
    timeline_.After(timeline_.Between(1'000, 5'000'000), [run, execute, &model = model_] {
      if (model.run() == run) execute();
    });
  } else if (!lost) {
    timeline_.After(there_us,
                    [this, run, execute, mute, batch, connection = connection_, &model = model_,
                     &timeline = timeline_, life = std::weak_ptr<bool>(life_)] {
                      if (model.run() != run) return;
                      auto reply = execute();
                      if (mute) return;
                      timeline.After(timeline.Between(20, 400), [=, this] {
                        if (life.expired() || connection != connection_) return;
                        outstanding_.erase(batch);
                        reply();
                      });
                    });
  }
  if (late || lost || mute) timeline_.After(timeline_.Between(1'000, 50'000), fail);
}

void LedgerSession::Claim(const Owner& owner, std::span<const ClaimRequest> requests,
                          uint64_t batch) {
  Send(batch, [this, owner, copy = std::vector<ClaimRequest>(requests.begin(), requests.end()),
               batch, &model = model_] {
    auto replies = model.Claim(owner, copy);
    return [this, replies, batch]() mutable {
      if (timeline_.Chance(faults_.entry_failed)) {
        replies[timeline_.random().Below(replies.size())] = {.verdict = ClaimVerdict::kFailed};
      }
      events_->OnClaimed(batch, replies);
    };
  });
}

void LedgerSession::Record(const Owner& owner, std::span<const RecordRequest> requests,
                           uint64_t batch) {
  Send(batch, [this, owner, copy = std::vector<RecordRequest>(requests.begin(), requests.end()),
               batch, &model = model_] {
    auto replies = model.Record(owner, copy);
    return [this, replies, batch] { events_->OnRecorded(batch, replies); };
  });
}

}  // namespace tollgate::simulation
