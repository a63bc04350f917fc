#include "tests/forward/ledger_session.h"

#include <algorithm>
#include <utility>

#include "tollgate/base/assert.h"

namespace tollgate::simulation {

using ledger::ClaimReply;
using ledger::ClaimRequest;
using ledger::ClaimVerdict;
using ledger::Owner;
using ledger::RecordRequest;
using ledger::TakeOverRequest;

namespace {

constexpr int64_t kGraceMs = 2'000;
constexpr int64_t kGreetingNs = 500 * base::kNanosPerMilli;

}  // namespace

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
    // It waits in a dead connection and may be executed after its sender has ended. A server that
    // restarted does not know the connection any more.
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

// On one connection numbers rise from reply to reply, unless the books were rolled back in between.
bool LedgerSession::Confirm(uint64_t number) {
  if (number <= std::exchange(last_number_, number)) {
    memory_.BeginEra(ledger::EraOf(number));
    return false;
  }
  memory_.Confirm(number, timeline_.now_ns());
  return true;
}

// The books were purged after the call was sent, so it did nothing.
void LedgerSession::AskAgain(uint64_t batch) {
  epoch_ = model_.state().epoch;
  outstanding_.erase(batch);
  events_->OnBatchFailed(batch);
}

void LedgerSession::TakeClaimReplies(const std::vector<ClaimRequest>& requests,
                                     LedgerModel::Answer<ClaimReply> answer, uint64_t batch) {
  if (!Confirm(answer.number)) return OnLost();
  for (ClaimReply& reply : answer.replies) {
    if (directory_ == nullptr || reply.identity == 0) continue;
    reply.processor = *directory_->Add(directory_->Name(reply.processor), reply.identity);
  }
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
