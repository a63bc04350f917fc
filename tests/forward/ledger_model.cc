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

constexpr int64_t kGraceMs = 2'000;
constexpr int64_t kHistoryMs = 3'000;
constexpr int64_t kGreetingNs = 500 * base::kNanosPerMilli;

bool SameClaim(const LedgerModel::Pending& pending, const Owner& owner,
               const ClaimRequest& request) {
  return pending.owner.table == owner.table && pending.slot == request.slot &&
         pending.generation == request.generation;
}

// Was it claimed by the same slot, when the table had another id?
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
  const bool told = told_to != payments::Uuid{};
  if (state_.books && told && *state_.books != told_to) return {.verdict = Greeting::kOthers};
  const bool put_back = !state_.books && told;
  uint64_t& number = state_.numbers[owner.table];
  const auto known = state_.owners.find(owner.table);
  if (known != state_.owners.end() &&
      (known->second.incarnation > owner.incarnation ||
       (known->second.incarnation == owner.incarnation && known->second.nonce != owner.nonce))) {
    return {.verdict = Greeting::kFenced, .number = number};
  }
  const bool acknowledged =
      ledger::EraOf(number) < ledger::EraOf(confirmed) && confirmed % ledger::kEraNumbers == 0;
  if (!state_.books) state_.books = told ? told_to : id_;
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
  if (asking_ != nullptr && pending.identity != 0) {
    const auto known = asking_->Identities(pending.processor);
    holder.other_place =
        !known.empty() && std::find(known.begin(), known.end(), pending.identity) == known.end();
  }
  const auto number = state_.numbers.find(holder.table);
  if (number == state_.numbers.end()) return holder;
  holder.number = number->second;
  holder.sign = state_.gone.contains(holder.table) ? ledger::Holder::Sign::kGone
                                                   : ledger::Holder::Sign::kNumber;
  return holder;
}

// The claim is still the one that was seen, and its owner as silent as it was.
ClaimReply LedgerModel::TakeOverOne(const Owner& owner, const TakeOverRequest& request) {
  const auto it = state_.pending.find(request.claim.payment.id);
  if (it == state_.pending.end()) return ClaimOne(owner, request.claim);
  Pending& pending = it->second;
  const ledger::Holder holder = HolderOf(pending);
  const bool ours = holder.table == owner.table;  // then another slot's, or the very same
  if (holder.other_place || SameClaim(pending, owner, request.claim) ||
      holder.table != request.holder.table || (!ours && holder.number != request.holder.number) ||
      pending.attempt != request.attempt || pending.cents != request.claim.payment.amount_cents) {
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
    // Taken over from another opening, under a number of its own.
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

// It was booked before what the books remember, and they hold no claim that is as old.
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

// --- A connection

LedgerSession::LedgerSession(Timeline& timeline, LedgerModel& model, LedgerFaults faults,
                             ledger::BooksMemory& memory, std::string known_run)
    : timeline_(timeline),
      model_(model),
      faults_(faults),
      memory_(memory),
      known_run_(std::move(known_run)) {}

LedgerSession::~LedgerSession() = default;

bool LedgerSession::can_claim() const {
  return connected_ && timeline_.now_ns() >= claims_from_ns_;
}

ledger::BooksStanding LedgerSession::standing() const {
  return connected_ ? ledger::BooksStanding::kOurs : ledger::BooksStanding::kUnknown;
}

std::string LedgerSession::RunId() const {
  return std::to_string(model_.run()) + ":" + std::to_string(ledger::EraOf(memory_.Number()));
}

void LedgerSession::Connect() {
  if (timeline_.now_ns() < model_.away_until_ns) return;
  ++connection_;
  for (;;) {
    const uint64_t confirmed = memory_.Number();
    const auto greeted = model_.Greet(owner_, confirmed, memory_.Books());
    if (greeted.verdict == LedgerModel::Greeting::kLost) {
      memory_.BeginEra(ledger::EraOf(confirmed));
      continue;
    }
    if (greeted.verdict == LedgerModel::Greeting::kFenced) {
      const payments::Uuid refused = owner_.table;
      events_->OnNotNewest();
      if (owner_.table == refused) return;
      known_run_ = RunId();
      continue;
    }
    if (greeted.verdict == LedgerModel::Greeting::kOthers) return;
    TG_ASSERT(greeted.verdict == LedgerModel::Greeting::kOk);
    TG_ASSERT(memory_.Books() == *model_.state().books || memory_.SetBooks(*model_.state().books));
    memory_.Confirm(greeted.number, timeline_.now_ns());
    epoch_ = model_.state().epoch;
    break;
  }
  connected_ = true;
  last_number_ = 0;
  greeted_ns_ = timeline_.now_ns();
  era_ = ledger::EraOf(memory_.Number());
  const bool lost = !known_run_.empty() && known_run_ != RunId();
  known_run_ = RunId();
  if (lost) {
    claims_from_ns_ = timeline_.now_ns() + kGraceMs * base::kNanosPerMilli;
    events_->OnTailLost();
  }
  events_->OnLedgerState();
}

void LedgerSession::OnTurn() {
  if (!connected_) return;
  if (ledger::EraOf(memory_.Number()) != era_) return Disconnect();
  if (timeline_.now_ns() - greeted_ns_ < kGreetingNs) return;
  greeted_ns_ = timeline_.now_ns();
  const uint64_t confirmed = memory_.Number();
  const auto greeted = model_.Greet(owner_, confirmed, memory_.Books());
  if (greeted.verdict == LedgerModel::Greeting::kLost) return OnLost();
  if (greeted.verdict == LedgerModel::Greeting::kFenced) return events_->OnNotNewest();
  epoch_ = model_.state().epoch;
  memory_.Confirm(greeted.number, timeline_.now_ns());
}

void LedgerSession::OnLost() {
  if (connected_) Disconnect();
}

void LedgerSession::Disconnect() {
  connected_ = false;
  ++connection_;
  const auto failed = std::exchange(outstanding_, {});
  for (const uint64_t batch : failed) events_->OnBatchFailed(batch);
}

void LedgerSession::Send(uint64_t batch,
                         std::function<std::function<void()>(uint64_t confirmed)> execute) {
  TG_ASSERT(connected_);
  TG_ASSERT(outstanding_.insert(batch).second);
  const uint64_t run = model_.run();
  const uint64_t confirmed = memory_.Number();
  if (ledger::EraOf(confirmed) != era_) {
    // Another worker of the table has seen a loss.
    timeline_.After(1, [this, connection = connection_, life = std::weak_ptr<bool>(life_)] {
      if (!life.expired() && connection == connection_) Disconnect();
    });
    return;
  }
  const bool lost = timeline_.Chance(faults_.command_lost);
  const bool late = timeline_.Chance(faults_.command_late);
  const bool mute = timeline_.Chance(faults_.reply_lost);
  const int64_t pause_us = std::max<int64_t>(model_.paused_until_ns - timeline_.now_ns(), 0) / 1000;
  // One connection: what is sent first is executed and answered first.
  const int64_t soonest_ns = timeline_.now_ns() + (pause_us + timeline_.Between(20, 400)) * 1000;
  there_ns_ = std::max(there_ns_, soonest_ns);
  back_ns_ = std::max(back_ns_, there_ns_ + timeline_.Between(20, 400) * 1000);
  const auto fail = [this, connection = connection_, life = std::weak_ptr<bool>(life_)] {
    if (!life.expired() && connection == connection_) Disconnect();
  };
  if (late) {
    // It waits in a dead connection, whatever becomes of its sender; a server that restarted does
    // not know the connection any more.
    timeline_.After(timeline_.Between(1'000, 5'000'000),
                    [run, confirmed, execute, &model = model_] {
                      if (model.run() == run) execute(confirmed);
                    });
  } else if (!lost) {
    timeline_.After(
        (there_ns_ - timeline_.now_ns()) / 1000,
        [this, run, confirmed, execute, mute, back_ns = back_ns_, connection = connection_,
         &model = model_, &timeline = timeline_, life = std::weak_ptr<bool>(life_)] {
          if (model.run() != run) return;
          auto reply = execute(confirmed);
          if (mute) return;
          timeline.After((back_ns - timeline.now_ns()) / 1000, [=, this] {
            if (life.expired() || connection != connection_) return;
            if (!reply) return OnLost();
            reply();
          });
        });
  }
  if (late || lost || mute) timeline_.After(timeline_.Between(1'000, 50'000), fail);
}

// On one connection numbers rise from reply to reply, unless the books were rolled back meanwhile.
bool LedgerSession::Confirm(uint64_t number) {
  if (number <= std::exchange(last_number_, number)) {
    memory_.BeginEra(ledger::EraOf(number));
    return false;
  }
  memory_.Confirm(number, timeline_.now_ns());
  return true;
}

// The books were purged since the call was sent, and it did nothing.
void LedgerSession::AskAgain(uint64_t batch) {
  epoch_ = model_.state().epoch;
  outstanding_.erase(batch);
  events_->OnBatchFailed(batch);
}

void LedgerSession::TakeClaimReplies(const std::vector<ClaimRequest>& requests,
                                     LedgerModel::Answer<ClaimReply> answer, uint64_t batch) {
  if (!Confirm(answer.number)) return OnLost();
  if (timeline_.Chance(faults_.entry_failed)) {
    answer.replies[timeline_.random().Below(answer.replies.size())] = {.verdict =
                                                                           ClaimVerdict::kFailed};
  }
  for (size_t i = 0; look_ && i < requests.size(); ++i) {
    look_(requests[i], answer.replies[i].verdict);
  }
  outstanding_.erase(batch);
  events_->OnClaimed(batch, answer.replies);
}

void LedgerSession::Claim(const Owner& owner, std::span<const ClaimRequest> requests,
                          uint64_t batch) {
  Send(batch,
       [this, owner, copy = std::vector<ClaimRequest>(requests.begin(), requests.end()), batch,
        names = directory_, &model = model_,
        epoch = epoch_](uint64_t confirmed) -> std::function<void()> {
         model.SetAsking(names);
         auto answer = model.Claim(owner, copy, confirmed, epoch);
         if (answer.lost) return nullptr;
         if (answer.purged) return [this, batch] { AskAgain(batch); };
         return [this, copy, answer, batch] { TakeClaimReplies(copy, answer, batch); };
       });
}

void LedgerSession::TakeOver(const Owner& owner, std::span<const TakeOverRequest> requests,
                             uint64_t batch) {
  Send(batch,
       [this, owner, copy = std::vector<TakeOverRequest>(requests.begin(), requests.end()), batch,
        names = directory_, &model = model_,
        epoch = epoch_](uint64_t confirmed) -> std::function<void()> {
         model.SetAsking(names);
         auto answer = model.TakeOver(owner, copy, confirmed, epoch);
         if (answer.lost) return nullptr;
         if (answer.purged) return [this, batch] { AskAgain(batch); };
         std::vector<ClaimRequest> claims;
         for (const TakeOverRequest& request : copy) claims.push_back(request.claim);
         return [this, claims, answer, batch] { TakeClaimReplies(claims, answer, batch); };
       });
}

void LedgerSession::Record(const Owner& owner, std::span<const RecordRequest> requests,
                           uint64_t batch) {
  Send(batch,
       [this, owner, copy = std::vector<RecordRequest>(requests.begin(), requests.end()), batch,
        names = directory_, &model = model_](uint64_t confirmed) -> std::function<void()> {
         model.SetAsking(names);
         const auto answer = model.Record(owner, copy, confirmed);
         if (answer.lost) return nullptr;
         return [this, answer, batch] {
           if (!Confirm(answer.number)) return OnLost();
           outstanding_.erase(batch);
           events_->OnRecorded(batch, answer.replies);
         };
       });
}

}  // namespace tollgate::simulation
