#include "tollgate/ledger/redis_ledger.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "ledger/lua_scripts.h"
#include "ledger/packed.h"
#include "ledger/redis_connection.h"
#include "tollgate/base/assert.h"

namespace tollgate::ledger {
namespace {

enum Script : size_t { kClaimScript, kRecordScript };
constexpr size_t kClaimBytes = 39;
constexpr size_t kRecordBytes = 46;
constexpr size_t kClaimReplyBytes = 15;  // or one byte, kAsAsked
constexpr size_t kRecordReplyBytes = 2;
constexpr uint8_t kAsAsked = 7;
constexpr size_t kAttemptAt = 24;  // in a packed claim; processor and time follow
constexpr int64_t kRefusedMsMin = 20;
constexpr uint64_t kUnnamed = 32;  // from here on: 32 + an index of the ledger's own

void PackClaim(std::string& out, const ClaimRequest& request) {
  Pack<8>(out, request.payment.id.high);
  Pack<8>(out, request.payment.id.low);
  Pack<4>(out, request.slot);
  Pack<4>(out, request.generation);
  Pack<2>(out, request.attempt);
  Pack<1>(out, request.processor);
  Pack<6>(out, static_cast<uint64_t>(request.requested_at_ms));
  Pack<6>(out, static_cast<uint64_t>(request.payment.amount_cents));
}

void PackRecord(std::string& out, const RecordRequest& request) {
  PackClaim(out, request.claim);
  Pack<1>(out, request.booked ? 1 : 0);
  Pack<1>(out, request.reason);
  Pack<1>(out, request.epoch_known ? 1 : 0);
  Pack<4>(out, request.epoch);
}

std::string_view TextOf(const redisReply& reply) { return {reply.str, reply.len}; }

}  // namespace

struct RedisLedger::Impl {
  // One batch under way, or what is left of one that is tried entry by entry.
  struct Call {
    bool record = false;
    uint64_t batch = 0;
    size_t count = 0;
    Owner owner;
    std::string data;   // packed entries
    size_t single = 0;  // entries answered so far, when they are sent one by one
    bool one_by_one = false;
    std::vector<ClaimReply> claim_replies;
    std::vector<RecordReply> record_replies;
  };

  Impl(net::EventLoop& loop_in, const RedisOptions& options_in,
       payments::ProcessorDirectory& directory_in, std::string known_run_id_in)
      : loop(loop_in),
        options(options_in),
        directory(directory_in),
        known_run_id(std::move(known_run_id_in)),
        connection(loop, options, {lua::kClaim, lua::kRecord},
                   {.on_ready = [this](const RedisFacts& facts) { OnReady(facts); },
                    .on_lost = [this] { events->OnLedgerState(); }}),
        grace_timer(loop, [this] { events->OnLedgerState(); }),
        refused_timer(loop, [this] { FailRefused(); }),
        horizon(std::to_string(options.horizon_s)) {}

  void OnReady(const RedisFacts& facts) {
    const bool lost_tail = !known_run_id.empty() && known_run_id != facts.run_id;
    int64_t grace_ms = 0;
    if (lost_tail) {
      grace_ms = options.grace_ms;
    } else if (known_run_id.empty()) {
      // Whether it lost something is not known; others may still have to tell it.
      grace_ms = std::max<int64_t>(0, options.grace_ms - facts.uptime_s * 1000);
    }
    known_run_id = facts.run_id;
    claims_from_ns = std::max(claims_from_ns, loop.now_ns() + grace_ms * base::kNanosPerMilli);
    if (grace_ms > 0) grace_timer.Arm(claims_from_ns);
    if (lost_tail) events->OnTailLost();
    events->OnLedgerState();
  }

  // All names, by ProcessorId; joined anew when one was added.
  const std::string& Names() {
    if (names_count != directory.size()) {
      names.clear();
      names_count = directory.size();
      for (size_t id = 0; id < names_count; ++id) {
        names += directory.Name(static_cast<payments::ProcessorId>(id)) + '\n';
      }
    }
    return names;
  }

  Call* NewCall(bool record, const Owner& owner, uint64_t batch, size_t count) {
    if (idle.empty()) {
      calls.push_back(std::make_unique<Call>());
      idle.push_back(calls.back().get());
    }
    Call* const call = idle.back();
    idle.pop_back();
    call->record = record;
    call->owner = owner;
    call->batch = batch;
    call->count = count;
    call->data.clear();
    call->single = 0;
    call->one_by_one = false;
    call->claim_replies.clear();
    call->record_replies.clear();
    return call;
  }

  void Send(Call* call) {
    const size_t size = call->record ? kRecordBytes : kClaimBytes;
    std::string_view data = call->data;
    if (call->one_by_one) data = data.substr(call->single * size, size);
    table_id.clear();
    Pack<8>(table_id, call->owner.table.high);
    Pack<8>(table_id, call->owner.table.low);
    incarnation.clear();
    Pack<8>(incarnation, call->owner.incarnation);
    nonce.clear();
    Pack<8>(nonce, call->owner.nonce);
    command.Begin(call->record ? 10 : 9)
        .Add("EVALSHA")
        .Add(connection.Sha(call->record ? kRecordScript : kClaimScript))
        .Add("1")
        .Add(options.prefix)
        .Add(table_id)
        .Add(incarnation)
        .Add(nonce)
        .Add(Names())
        .Add(data);
    if (call->record) command.Add(horizon);
    connection.Call(command, [this, call](const redisReply* reply) { OnReply(call, reply); });
  }

  void OnReply(Call* call, const redisReply* reply) {
    if (reply == nullptr) return Fail(call);
    if (reply->type == REDIS_REPLY_ERROR) return OnError(call, *reply);
    const size_t expected = call->one_by_one ? 1 : call->count;
    if (!IsSound(*call, *reply, expected)) {
      Fail(call);
      return connection.Drop("an answer that the scripts cannot have given");
    }
    ledger_names = TextOf(*reply->element[1]);
    if (!call->record) epoch = static_cast<uint32_t>(reply->element[2]->integer);
    if (!call->record) refused_ms = 0;
    Unpacker in(TextOf(*reply->element[0]));
    for (size_t i = 0; i < expected; ++i) {
      call->record ? TakeRecordReply(*call, in) : TakeClaimReply(*call, in, call->single + i);
    }
    Advance(call, expected);
  }

  // As many replies as entries, and not a byte more.
  static bool IsSound(const Call& call, const redisReply& reply, size_t expected) {
    const size_t elements = call.record ? 2 : 3;
    if (reply.type != REDIS_REPLY_ARRAY || reply.elements != elements ||
        reply.element[0]->type != REDIS_REPLY_STRING ||
        reply.element[1]->type != REDIS_REPLY_STRING) {
      return false;
    }
    std::string_view replies = TextOf(*reply.element[0]);
    if (call.record) return replies.size() == expected * kRecordReplyBytes;
    if (reply.element[2]->type != REDIS_REPLY_INTEGER) return false;
    for (size_t i = 0; i < expected; ++i) {
      if (replies.empty()) return false;
      const size_t bytes = replies.front() == kAsAsked ? 1 : kClaimReplyBytes;
      if (replies.size() < bytes) return false;
      replies.remove_prefix(bytes);
    }
    return replies.empty();
  }

  // After `answered` more entries.
  void Advance(Call* call, size_t answered) {
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

  void OnError(Call* call, const redisReply& reply) {
    if (RedisConnection::IsNotNow(reply)) {
      if (TextOf(reply).starts_with("OOM")) return FailLater(call, std::string(TextOf(reply)));
      Fail(call);
      // The hand-shake loads the scripts again, and finds out what is wrong.
      return connection.Drop(std::string(TextOf(reply)));
    }
    // Something in the batch. One bad entry must not hold up the rest: each by itself.
    if (!call->one_by_one) {
      call->one_by_one = true;
      return Send(call);
    }
    Tell("one payment of a batch cannot be executed: " + std::string(TextOf(reply)));
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

  void Fail(Call* call) {
    idle.push_back(call);
    events->OnBatchFailed(call->batch);
  }

  // Out of memory, claims wait and records still go through, on the same connection. The caller
  // repeats a batch that failed, so it learns of that the later the more often it was so.
  void FailLater(Call* call, const std::string& why) {
    Tell("claims wait until it has memory again: " + why + " Raise its maxmemory");
    refused_ms = std::clamp<int64_t>(2 * refused_ms, kRefusedMsMin, options.reconnect_ms_max);
    refused.push_back(call);
    refused_timer.ArmIn(refused_ms * base::kNanosPerMilli);
  }
  void FailRefused() {
    const std::vector<Call*> calls_refused = std::exchange(refused, {});
    for (Call* call : calls_refused) Fail(call);
  }

  // `entry`: its number in the call.
  void TakeClaimReply(Call& call, Unpacker& in, size_t entry) {
    ClaimReply reply;
    if (in.Peek() == kAsAsked) {
      in.Take<1>();
      Unpacker asked(std::string_view(call.data).substr(entry * kClaimBytes + kAttemptAt));
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
    reply.processor = ProcessorOf(in.Take<1>());
    reply.requested_at_ms = static_cast<int64_t>(in.Take<6>());
    reply.epoch = static_cast<uint32_t>(in.Take<4>());
    reply.existed = in.Take<1>() == 1 && reply.verdict == ClaimVerdict::kYours;
    call.claim_replies.push_back(reply);
  }
  void TakeRecordReply(Call& call, Unpacker& in) {
    RecordReply reply;
    reply.verdict = static_cast<RecordVerdict>(in.Take<1>());
    reply.other = ProcessorOf(in.Take<1>());
    call.record_replies.push_back(reply);
  }

  payments::ProcessorId ProcessorOf(uint64_t code) {
    if (code < kUnnamed) return static_cast<payments::ProcessorId>(code);
    std::string_view rest = ledger_names;
    for (uint64_t i = kUnnamed; i < code && !rest.empty(); ++i) {
      rest.remove_prefix(std::min(rest.size(), rest.find('\n') + 1));
    }
    const auto id = directory.Add(rest.substr(0, rest.find('\n')));
    return id ? *id : payments::kNoProcessor;
  }

  void Tell(const std::string& text) const {
    if (options.tell) options.tell(true, "redis: " + text);
  }

  net::EventLoop& loop;
  const RedisOptions options;
  payments::ProcessorDirectory& directory;
  std::string known_run_id;
  LedgerEvents* events = nullptr;
  RedisConnection connection;
  net::Timer grace_timer;
  net::Timer refused_timer;
  std::vector<Call*> refused;  // until the timer
  int64_t refused_ms = 0;      // of the last wait; 0 again once claims are granted
  int64_t claims_from_ns = 0;
  RedisCommand command;
  const std::string horizon;
  std::string names, table_id, incarnation, nonce;
  size_t names_count = 0;
  std::string_view ledger_names;  // during OnReply
  uint32_t epoch = 0;             // likewise
  std::vector<std::unique_ptr<Call>> calls;
  std::vector<Call*> idle;
};

RedisLedger::RedisLedger(net::EventLoop& loop, const RedisOptions& options,
                         payments::ProcessorDirectory& directory, std::string known_run_id)
    : impl_(std::make_unique<Impl>(loop, options, directory, std::move(known_run_id))) {}
RedisLedger::~RedisLedger() = default;

void RedisLedger::Start() {
  TG_ASSERT(impl_->events != nullptr);
  impl_->connection.Start();
}
const std::string& RedisLedger::run_id() const { return impl_->known_run_id; }
void RedisLedger::SetEvents(LedgerEvents* events) { impl_->events = events; }
bool RedisLedger::ready() const { return impl_->connection.ready(); }
bool RedisLedger::can_claim() const {
  return ready() && impl_->loop.now_ns() >= impl_->claims_from_ns;
}

void RedisLedger::Claim(const Owner& owner, std::span<const ClaimRequest> requests,
                        uint64_t batch) {
  TG_ASSERT(!requests.empty() && requests.size() <= payments::kLedgerBatchMax);
  Impl::Call* const call = impl_->NewCall(false, owner, batch, requests.size());
  for (const ClaimRequest& request : requests) PackClaim(call->data, request);
  impl_->Send(call);
}

void RedisLedger::Record(const Owner& owner, std::span<const RecordRequest> requests,
                         uint64_t batch) {
  TG_ASSERT(!requests.empty() && requests.size() <= payments::kLedgerBatchMax);
  Impl::Call* const call = impl_->NewCall(true, owner, batch, requests.size());
  for (const RecordRequest& request : requests) PackRecord(call->data, request);
  impl_->Send(call);
}

}  // namespace tollgate::ledger
