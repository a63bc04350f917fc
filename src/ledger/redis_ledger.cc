#include <hiredis/hiredis.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <utility>
#include <vector>

#include "ledger/lua_scripts.h"
#include "ledger/packed_batch.h"
#include "ledger/redis_ledger_impl.h"
#include "ledger/redis_reply.h"
#include "ledger/script_replies.h"
#include "tollgate/base/assert.h"

namespace tollgate::ledger {
namespace {

constexpr uint64_t kForgotten = 3;  // a verdict of record.lua: booked, and not counted
constexpr base::BackoffRange kRefusedWaits{.min_ms = 20, .max_ms = 1'000};

}  // namespace

RedisLedger::Impl::Impl(net::EventLoop& loop_in, const RedisOptions& options_in,
                        payments::ProcessorDirectory& directory_in, std::string known_run_id_in,
                        BooksMemory* memory_in)
    : loop(loop_in),
      options(options_in),
      directory(directory_in),
      memory(memory_in),
      connection(loop, options, {lua::kClaim, lua::kRecord, lua::kHello, lua::kOwner},
                 {.on_ready = [this](const RedisFacts& learnt) { OnConnected(learnt); },
                  .on_lost = [this] { greeting.OnLost(); }}),
      greeting(loop, MakeGreetingOptions(), std::move(known_run_id_in), memory, *this),
      refused_timer(loop, [this] { FailRefused(); }),
      shelf(ShelfText(options)) {}

RedisLedger::Impl::Call* RedisLedger::Impl::NewCall(bool record, const Owner& from, uint64_t batch,
                                                    size_t count) {
  if (idle.empty()) {
    calls.push_back(std::make_unique<Call>());
    idle.push_back(calls.back().get());
  }
  Call* const call = idle.back();
  idle.pop_back();
  call->record = record;
  call->owner = from;
  call->batch = batch;
  call->count = count;
  const std::optional<uint32_t> known_epoch = greeting.epoch();
  call->known_epoch = known_epoch ? std::to_string(*known_epoch) : std::string();
  call->batched.Clear();
  call->single = 0;
  call->one_by_one = false;
  call->claim_replies.clear();
  call->record_replies.clear();
  return call;
}

void RedisLedger::Impl::AddClaim(Call& call, const ClaimRequest& request) const {
  uint32_t claimed_in = 0;
  std::from_chars(call.known_epoch.data(), call.known_epoch.data() + call.known_epoch.size(),
                  claimed_in);
  const uint64_t identity =
      request.processor < directory.size() ? directory.Identity(request.processor) : 0;
  PackClaim(call.batched, request, call.owner, claimed_in, identity);
}

void RedisLedger::Impl::Identify(const Owner& who) {
  table_id.clear();
  PackUuid(table_id, who.table);
  incarnation.clear();
  Pack<8>(incarnation, who.incarnation);
  nonce.clear();
  Pack<8>(nonce, who.nonce);
  predecessors.clear();
  for (const payments::Uuid& id : who.predecessors) {
    if (id == payments::Uuid{}) break;
    PackUuid(predecessors, id);
  }
}

std::string_view RedisLedger::Impl::NumberText(uint64_t number) {
  if (memory == nullptr) return {};
  const auto end =
      std::to_chars(number_text.data(), number_text.data() + number_text.size(), number);
  return {number_text.data(), static_cast<size_t>(end.ptr - number_text.data())};
}

void RedisLedger::Impl::Send(Call* call) {
  const uint64_t number = memory == nullptr ? 0 : memory->Number();
  call->era = EraOf(number);
  if (memory != nullptr && call->era != greeting.era()) {
    // Another worker of this table has seen a loss: send nothing before the replay.
    loop.Post(life.Guard([this, call] {
      Fail(call);
      if (connection.ready()) connection.Drop("the books have lost something");
    }));
    return;
  }
  Identify(call->owner);
  const size_t count = call->one_by_one ? 1 : call->count;
  const auto part = [&](const std::string& column, size_t bytes_each) {
    return PartOf(column, bytes_each, call->single, count);
  };
  const PackedBatch& batched = call->batched;
  connection.Begin(command, call->record ? kRecordScript : kClaimScript, call->record ? 13 : 12)
      .Add(table_id)
      .Add(incarnation)
      .Add(nonce)
      .Add(Names())
      .Add(part(batched.ids, kIdBytes));
  if (call->record) {
    command.Add(part(batched.settled, kBookedBytes))
        .Add(part(batched.slots, kSlotBytes))
        .Add(part(batched.epochs, kClaimEpochBytes))
        .Add(shelf);
  } else {
    command.Add(part(batched.entries, kEntryBytes)).Add(part(batched.processors, 1));
  }
  const std::string_view distinct = AreDistinct(part(batched.ids, kIdBytes)) ? "1" : "";
  command.Add(NumberText(number)).Add(predecessors).Add(distinct);
  if (call->record) {
    command.Add(call->one_by_one ? std::string_view{} : batched.sums);
  } else {
    command.Add(part(batched.take_overs, kTakeOverBytes)).Add(call->known_epoch);
  }
  connection.Call(command, [this, call](const redisReply* reply) { OnReply(call, reply); });
}

void RedisLedger::Impl::OnReply(Call* call, const redisReply* reply) {
  if (reply == nullptr) return Fail(call);
  if (reply->type == REDIS_REPLY_ERROR) return OnError(call, *reply);
  const size_t expected = call->one_by_one ? 1 : call->count;
  if (!IsSound(*call, *reply, expected)) {
    Fail(call);
    return connection.Drop("an answer that the scripts cannot have given");
  }
  if (!greeting.Confirm(static_cast<uint64_t>(reply->element[call->record ? 2 : 3]->integer))) {
    // The call worked on books that were rolled back: everything is replayed.
    Fail(call);
    return connection.Drop("the books have lost something");
  }
  ledger_names = TextOf(*reply->element[1]);
  if (!call->record) epoch = static_cast<uint32_t>(reply->element[2]->integer);
  if (!call->record) refusals.Reset();
  Unpacker in(TextOf(*reply->element[0]));
  for (size_t i = 0; i < expected; ++i) {
    call->record ? TakeRecordReply(*call, in) : TakeClaimReply(*call, in, call->single + i);
  }
  if (forgotten != 0) ReportForgotten();
  Advance(call, expected);
}

bool RedisLedger::Impl::IsSound(const Call& call, const redisReply& reply, size_t expected) const {
  const size_t elements = call.record ? 3 : 4;
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements != elements ||
      reply.element[0]->type != REDIS_REPLY_STRING ||
      reply.element[1]->type != REDIS_REPLY_STRING) {
    return false;
  }
  const redisReply& number = *reply.element[elements - 1];
  if (number.type != REDIS_REPLY_INTEGER || number.integer < 0 ||
      static_cast<uint64_t>(number.integer) > kNumberMax) {
    return false;
  }
  const std::string_view replies = TextOf(*reply.element[0]);
  if (call.record) return AreRecordReplies(replies, expected, directory.size());
  return reply.element[2]->type == REDIS_REPLY_INTEGER &&
         AreClaimReplies(replies, expected, directory.size());
}

void RedisLedger::Impl::Advance(Call* call, size_t answered) {
  call->single += answered;
  if (call->single < call->count) {
    if (!connection.ready()) return Fail(call);
    return Send(call);
  }
  idle.push_back(call);
  if (call->record) {
    events->OnRecorded(call->batch, call->record_replies);
  } else {
    events->OnClaimed(call->batch, call->claim_replies);
  }
}

void RedisLedger::Impl::OnError(Call* call, const redisReply& reply) {
  if (memory != nullptr && TextOf(reply).starts_with("LOST ")) {
    // Nothing was done. The greeting of the next connection finds out how much was lost.
    Fail(call);
    if (connection.ready()) connection.Drop("the books have lost something");
    return;
  }
  constexpr std::string_view kPurged = "PURGED ";
  if (TextOf(reply).starts_with(kPurged)) {
    // Nothing was done. The caller's repeat claims it on the emptied books.
    uint32_t purged = 0;
    const std::string_view text = TextOf(reply).substr(kPurged.size());
    std::from_chars(text.data(), text.data() + text.size(), purged);
    greeting.OnPurged(purged);
    return Fail(call);
  }
  if (RedisConnection::IsNotNow(reply)) {
    if (TextOf(reply).starts_with("OOM")) return FailLater(call, std::string(TextOf(reply)));
    Fail(call);
    // The hand-shake loads the scripts again and finds out what is wrong.
    return connection.Drop(std::string(TextOf(reply)));
  }
  // One entry of the batch is at fault. Send each alone, so that a bad one does not delay the rest.
  if (!call->one_by_one) {
    call->one_by_one = true;
    return Send(call);
  }
  Report("one payment of a batch cannot be executed: " + std::string(TextOf(reply)));
  if (call->record) {
    call->record_replies.push_back(
        {.verdict = RecordVerdict::kFailed, .other = payments::kNoProcessor});
  } else {
    ClaimReply failed;
    failed.verdict = ClaimVerdict::kFailed;
    call->claim_replies.push_back(failed);
  }
  Advance(call, 1);
}

void RedisLedger::Impl::Fail(Call* call) {
  idle.push_back(call);
  events->OnBatchFailed(call->batch);
}

void RedisLedger::Impl::FailLater(Call* call, const std::string& why) {
  Report("claims wait until it has memory again: " + why + " Raise its maxmemory");
  refused.push_back(call);
  refused_timer.ArmIn(refusals.NextMs(kRefusedWaits) * base::kNanosPerMilli);
}

void RedisLedger::Impl::FailRefused() {
  const std::vector<Call*> calls_refused = std::exchange(refused, {});
  for (Call* call : calls_refused) Fail(call);
}

void RedisLedger::Impl::TakeClaimReply(Call& call, Unpacker& in, size_t entry) {
  ClaimReply reply;
  if (in.Peek() == kAsAsked) {
    in.Take<1>();
    Unpacker asked(PartOf(call.batched.entries, kEntryBytes, entry, 1).substr(kAttemptAt));
    reply.verdict = ClaimVerdict::kYours;
    reply.attempt = static_cast<uint16_t>(asked.Take<2>());
    reply.processor = static_cast<payments::ProcessorId>(asked.Take<1>());
    reply.requested_at_ms = static_cast<int64_t>(asked.Take<6>());
    reply.epoch = epoch;
    call.claim_replies.push_back(reply);
    return;
  }
  reply.verdict = static_cast<ClaimVerdict>(in.Take<1>());
  reply.attempt = static_cast<uint16_t>(in.Take<2>());
  const uint64_t processor = in.Take<1>();
  reply.requested_at_ms = static_cast<int64_t>(in.Take<6>());
  reply.epoch = static_cast<uint32_t>(in.Take<4>());
  const uint64_t flags = in.Take<1>();
  const bool granted =
      reply.verdict == ClaimVerdict::kYours || reply.verdict == ClaimVerdict::kStale;
  reply.existed = reply.verdict == ClaimVerdict::kYours && flags == 1;
  reply.settled = reply.verdict == ClaimVerdict::kConflict && flags == 1;
  reply.identity = in.Take<8>();
  reply.processor = ProcessorOf(processor, reply.identity);
  if (reply.verdict == ClaimVerdict::kElsewhere) {
    reply.holder.sign = static_cast<Holder::Sign>(flags);
    reply.holder.table = in.TakeUuid();
    reply.holder.number = in.Take<8>();
    reply.holder.slot = static_cast<uint32_t>(in.Take<4>());
    reply.holder.generation = static_cast<uint32_t>(in.Take<4>());
  }
  if (granted && !CanBeAdopted(reply)) {
    Report("the claim of a payment is not one that a gateway can have made (attempt " +
           std::to_string(reply.attempt) + ", requestedAt " +
           std::to_string(reply.requested_at_ms) + " ms); the payment waits");
    reply = {};
    reply.verdict = ClaimVerdict::kFailed;
  }
  call.claim_replies.push_back(reply);
}

bool RedisLedger::Impl::CanBeAdopted(const ClaimReply& reply) {
  return reply.attempt > 0 && reply.attempt <= payments::kAttemptMax &&
         reply.processor != payments::kNoProcessor &&
         payments::IsRequestedAt(reply.requested_at_ms);
}

void RedisLedger::Impl::TakeRecordReply(Call& call, Unpacker& in) {
  RecordReply reply;
  const uint64_t verdict = in.Take<1>();
  reply.verdict = static_cast<RecordVerdict>(verdict == kForgotten ? 0 : verdict);
  if (verdict == kForgotten) ++forgotten;
  reply.other = ProcessorOf(in.Take<1>(), 0);
  call.record_replies.push_back(reply);
}

void RedisLedger::Impl::ReportForgotten() {
  Report("payments booked before the time that the books remember: " +
         std::to_string(std::exchange(forgotten, 0)) +
         ". They may have been counted then, so they are on the books and not in the summary. "
         "Where this is frequent, set a longer DEDUP_WINDOW");
}

payments::ProcessorId RedisLedger::Impl::ProcessorOf(uint64_t code, uint64_t identity) {
  if (code == payments::kNoProcessor) return payments::kNoProcessor;
  if (code < kUnnamed && identity == 0) return static_cast<payments::ProcessorId>(code);
  const auto named = static_cast<payments::ProcessorId>(code);
  const auto id =
      code < kUnnamed
          ? directory.Add(directory.Name(named), identity)
          : directory.Add(LedgerName(static_cast<uint8_t>(code), ledger_names), identity);
  return id ? *id : payments::kNoProcessor;
}

void RedisLedger::Impl::Report(const std::string& text) const {
  if (options.report) options.report(true, "redis: " + text);
}

RedisLedger::RedisLedger(net::EventLoop& loop, const RedisOptions& options,
                         payments::ProcessorDirectory& directory, std::string known_run_id,
                         BooksMemory* memory)
    : impl_(std::make_unique<Impl>(loop, options, directory, std::move(known_run_id), memory)) {}
RedisLedger::~RedisLedger() = default;

void RedisLedger::Start() {
  TG_ASSERT(impl_->events != nullptr);
  impl_->connection.Start();
}
const std::string& RedisLedger::run_id() const { return impl_->greeting.known_run_id(); }
void RedisLedger::SetEvents(LedgerEvents* events) {
  impl_->events = events;
  impl_->greeting.SetEvents(events);
}
void RedisLedger::SetOwner(const Owner& owner) { impl_->greeting.SetOwner(owner); }
bool RedisLedger::ready() const { return impl_->connection.ready() && impl_->greeting.opened(); }
bool RedisLedger::can_claim() const { return ready() && impl_->greeting.can_claim(); }
BooksStanding RedisLedger::standing() const { return impl_->greeting.standing(); }
void RedisLedger::AskOwner(const payments::Uuid& table, OnOwner done) {
  impl_->AskOwner(table, std::move(done));
}
void RedisLedger::SayGone(std::function<void()> done) { impl_->greeting.SayGone(std::move(done)); }

void RedisLedger::Claim(const Owner& owner, std::span<const ClaimRequest> requests,
                        uint64_t batch) {
  TG_ASSERT(!requests.empty() && requests.size() <= payments::kLedgerBatchMax);
  Impl::Call* const call = impl_->NewCall(false, owner, batch, requests.size());
  for (const ClaimRequest& request : requests) impl_->AddClaim(*call, request);
  impl_->Send(call);
}

void RedisLedger::TakeOver(const Owner& owner, std::span<const TakeOverRequest> requests,
                           uint64_t batch) {
  TG_ASSERT(!requests.empty() && requests.size() <= payments::kLedgerBatchMax);
  Impl::Call* const call = impl_->NewCall(false, owner, batch, requests.size());
  for (const TakeOverRequest& request : requests) {
    impl_->AddClaim(*call, request.claim);
    PackTakeOver(call->batched, request);
  }
  impl_->Send(call);
}

void RedisLedger::Record(const Owner& owner, std::span<const RecordRequest> requests,
                         uint64_t batch) {
  TG_ASSERT(!requests.empty() && requests.size() <= payments::kLedgerBatchMax);
  Impl::Call* const call = impl_->NewCall(true, owner, batch, requests.size());
  for (const RecordRequest& request : requests) PackRecord(call->batched, request);
  PackSums(call->batched);
  impl_->Send(call);
}

uint64_t RedisLedger::connected_count() const { return impl_->connected_count; }

void RedisLedger::Publish(const std::string& channel, const std::string& text) {
  Impl& it = *impl_;
  if (!it.connection.ready()) return;
  it.command.Begin(3).Add("PUBLISH").Add(channel).Add(text);
  // A refusal is for operators alone: whoever waits for the message gives up by itself.
  it.connection.Call(it.command, [&it](const redisReply* reply) {
    if (reply == nullptr || reply->type != REDIS_REPLY_ERROR) return;
    it.Report("a message was refused: " + std::string(TextOf(*reply)));
  });
}

}  // namespace tollgate::ledger
