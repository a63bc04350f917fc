#include "tollgate/ledger/redis_ledger.h"

#include <hiredis/hiredis.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <memory>
#include <utility>
#include <vector>

#include "ledger/lua_scripts.h"
#include "ledger/packed.h"
#include "ledger/redis_connection.h"
#include "ledger/redis_reply.h"
#include "ledger/script_replies.h"
#include "ledger/spread_id.h"
#include "tollgate/base/assert.h"

namespace tollgate::ledger {
namespace {

enum Script : size_t { kClaimScript, kRecordScript, kHelloScript, kOwnerScript };
constexpr size_t kClaimBytes = 39;
constexpr size_t kRecordBytes = 46;
constexpr uint64_t kForgotten = 3;  // a verdict of record.lua: booked, and not counted
constexpr size_t kAttemptAt = 24;   // in a packed claim; processor and time follow
constexpr int64_t kRefusedMsMin = 20;

void PackClaim(std::string& out, const ClaimRequest& request) {
  const payments::Uuid id = Spread(request.payment.id);
  Pack<8>(out, id.high);
  Pack<8>(out, id.low);
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

// A greeting is said so often, also while much else is: the others see by it that we live, and we
// see what has become of the books.
constexpr int64_t kGreetingNs = base::kNanosPerSecond / 2;
// What hello.lua answers.
enum class Greeting : uint8_t { kOk, kLost, kFenced, kOthers, kNew, kStranger, kOld };
constexpr size_t kGreetingElements = 7;

uint64_t RandomNumber() {
  uint64_t number = 0;
  TG_ASSERT(::getrandom(&number, sizeof(number), 0) == sizeof(number));
  return number;
}

// As record.lua takes it: how long ids are known, and the bits of a new shelf's buckets.
std::string ShelfText(const RedisOptions& options) {
  TG_ASSERT(std::has_single_bit(options.buckets));
  return std::to_string(options.horizon_s) + ":" +
         std::to_string(std::countr_zero(options.buckets));
}

}  // namespace

const char* Name(BooksStanding standing) {
  switch (standing) {
    case BooksStanding::kUnknown:
      return "away";
    case BooksStanding::kOurs:
      return "ours";
    case BooksStanding::kOthers:
      return "another fleet's";
    case BooksStanding::kStrangers:
      return "without an id, and strange to this table";
    case BooksStanding::kLossy:
      return "incomplete";
    case BooksStanding::kNotNewest:
      return "held by a newer opening of this table";
  }
  return "away";
}

struct RedisLedger::Impl {
  // One batch under way, or what is left of one that is tried entry by entry.
  struct Call {
    bool record = false;
    uint64_t batch = 0;
    size_t count = 0;
    Owner owner;
    uint64_t era = 0;   // of the number that it was sent with
    std::string data;   // packed entries
    size_t single = 0;  // entries answered so far, when they are sent one by one
    bool one_by_one = false;
    std::vector<ClaimReply> claim_replies;
    std::vector<RecordReply> record_replies;
  };

  Impl(net::EventLoop& loop_in, const RedisOptions& options_in,
       payments::ProcessorDirectory& directory_in, std::string known_run_id_in,
       BooksMemory* memory_in)
      : loop(loop_in),
        options(options_in),
        directory(directory_in),
        known_run_id(std::move(known_run_id_in)),
        memory(memory_in),
        connection(loop, options, {lua::kClaim, lua::kRecord, lua::kHello, lua::kOwner},
                   {.on_ready = [this](const RedisFacts& learnt) { OnConnected(learnt); },
                    .on_lost = [this] { OnLost(); }}),
        grace_timer(loop, [this] { events->OnLedgerState(); }),
        refused_timer(loop, [this] { FailRefused(); }),
        greeting_timer(loop, [this] { Greet(); }),
        shelf(ShelfText(options)) {}

  void OnConnected(const RedisFacts& facts_in) {
    facts = facts_in;
    id_from_ns = -1;
    if (memory == nullptr) return Open();
    SendGreeting();
  }

  void AskOwner(const payments::Uuid& table, OnOwner done) {
    if (!connection.ready() || !opened) return done(std::nullopt);
    command.Begin(5)
        .Add("EVALSHA")
        .Add(connection.Sha(kOwnerScript))
        .Add("1")
        .Add(options.prefix)
        .Add(Packed(table));
    connection.Call(command, [done = std::move(done)](const redisReply* reply) {
      if (reply == nullptr || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
        return done(std::nullopt);
      }
      done(OwnerFacts{.known = NumberOf(*reply->element[0]) == 1,
                      .number = NumberOf(*reply->element[1])});
    });
  }

  void OnLost() {
    if (gone) std::exchange(gone, nullptr)();
    opened = false;
    if (standing != BooksStanding::kNotNewest) standing = BooksStanding::kUnknown;
    greeting_timer.Disarm();
    events->OnLedgerState();
  }

  // The server's run and its replication's: a new one begins when a replica is promoted. The
  // table's era: a new one begins when its number fell.
  std::string RunId() const {
    if (memory == nullptr) return facts.run_id;
    return Server() + ":" + std::to_string(EraOf(memory->Number()));
  }
  std::string Server() const {
    constexpr size_t kPart = 16;  // of forty hexadecimal digits
    return facts.run_id.substr(0, kPart) + ":" + facts.replication_id.substr(0, kPart);
  }

  void Greet() {
    if (silent) return;
    greeting_timer.ArmIn(kGreetingNs);
    if (connection.ready() && !greeting && standing != BooksStanding::kNotNewest) SendGreeting();
  }

  void SendGreeting(std::string_view note = "") {
    if (!silent && opened && EraOf(memory->Number()) != era) {
      return connection.Drop("the books have lost something: another worker of this table saw it");
    }
    if (!silent) greeting_timer.ArmIn(kGreetingNs);
    greeting = true;
    const uint64_t number = memory->Number();
    Identify(owner);
    const payments::Uuid books = memory->Books();
    const bool may_make = id_from_ns >= 0 && loop.now_ns() >= id_from_ns;
    if (may_make && fresh_id == payments::Uuid{}) fresh_id = {RandomNumber(), RandomNumber()};
    command.Begin(13)
        .Add("EVALSHA")
        .Add(connection.Sha(kHelloScript))
        .Add("1")
        .Add(options.prefix)
        .Add(table_id)
        .Add(incarnation)
        .Add(nonce)
        .Add(Names())
        .Add(std::to_string(number))
        .Add(books == payments::Uuid{} ? "" : Packed(books))
        .Add(may_make ? Packed(fresh_id) : "")
        .Add(note)
        .Add(Server());
    connection.Call(command, [this, sent = EraOf(number)](const redisReply* reply) {
      greeting = false;
      if (!silent) return OnGreeted(reply, sent);
      if (gone) std::exchange(gone, nullptr)();
    });
  }

  void SayGone(std::function<void()> done) {
    if (memory == nullptr || !connection.ready() || !opened) return done();
    silent = true;
    greeting_timer.Disarm();
    gone = std::move(done);
    SendGreeting("gone");
  }

  static std::string Packed(const payments::Uuid& id) {
    std::string text;
    Pack<8>(text, id.high);
    Pack<8>(text, id.low);
    return text;
  }

  void OnGreeted(const redisReply* reply, uint64_t sent_era) {
    if (reply == nullptr) return;
    if (reply->type == REDIS_REPLY_ERROR) {
      const std::string why(TextOf(*reply));
      return connection.Drop(why);
    }
    const bool sound = reply->type == REDIS_REPLY_ARRAY && reply->elements == kGreetingElements &&
                       reply->element[0]->type == REDIS_REPLY_INTEGER &&
                       reply->element[2]->type == REDIS_REPLY_STRING;
    if (!sound) return connection.Drop("an answer that hello.lua cannot have given");
    const auto number = static_cast<uint64_t>(std::max<int64_t>(0, NumberOf(*reply->element[1])));
    const std::string_view id = TextOf(*reply->element[2]);
    const bool lossy = NumberOf(*reply->element[3]) == 1;
    const bool put_back = NumberOf(*reply->element[4]) == 1;
    // Books that began on this very server, which has not been started again: nothing was lost.
    without_grace = TextOf(*reply->element[5]) == Server();
    switch (reply->element[0]->integer) {
      case static_cast<int>(Greeting::kOk):
        NoteBefore(static_cast<uint64_t>(std::max<int64_t>(0, NumberOf(*reply->element[6]))),
                   number, lossy);
        return OnOurs(number, id, lossy);
      case static_cast<int>(Greeting::kLost):
        return OnBooksLost(number, sent_era, put_back);
      case static_cast<int>(Greeting::kFenced):
        return OnFenced();
      case static_cast<int>(Greeting::kOthers):
        return Refuse(BooksStanding::kOthers,
                      "the books in this Redis (prefix " + options.prefix +
                          ") are not those that this instance's payments are claimed in. "
                          "Nothing is sent. Point REDIS_SOCKET, REDIS_URL or REDIS_PREFIX at its "
                          "own books; or start it with a new DATA_DIR, once `tollgate pending` "
                          "shows nothing in the old one");
      case static_cast<int>(Greeting::kStranger):
        return Refuse(BooksStanding::kStrangers,
                      "the books in this Redis (prefix " + options.prefix +
                          ") have no id and do not know this instance's table, which was told to "
                          "other books. Nothing is sent. Point REDIS_SOCKET, REDIS_URL or "
                          "REDIS_PREFIX at its own books, or start it with a new DATA_DIR");
      case static_cast<int>(Greeting::kOld):
        return Refuse(BooksStanding::kStrangers,
                      "the books in this Redis (prefix " + options.prefix +
                          ") are of version 0.1, which this one does not read. Nothing is sent. "
                          "Let its gateways finish (`tollgate pending` shows nothing) and stop "
                          "them; then use another REDIS_PREFIX, or, once no payment of the last "
                          "two days can come again, delete the keys " +
                          options.prefix + "owners and " + options.prefix +
                          "pending: the sums are taken over");
      case static_cast<int>(Greeting::kNew):
        return WaitWithoutId(number == 1);
      default:
        return connection.Drop("an answer that hello.lua cannot have given");
    }
  }

  // Books without an id: those who know one, and come back now, put it there. After the grace we
  // make one.
  void WaitWithoutId(bool empty) {
    const int64_t wait_ms = empty && options.new_fleet ? 0 : options.grace_ms;
    if (id_from_ns < 0) id_from_ns = loop.now_ns() + wait_ms * base::kNanosPerMilli;
    if (loop.now_ns() >= id_from_ns) return SendGreeting();
    greeting_timer.Arm(std::min(id_from_ns, loop.now_ns() + kGreetingNs));
  }

  void OnOurs(uint64_t number, std::string_view id, bool lossy) {
    if (id.size() != 16 || number == 0 || number > kNumberMax) {
      return connection.Drop("an answer that hello.lua cannot have given");
    }
    Unpacker in(id);
    payments::Uuid books;
    books.high = in.Take<8>();
    books.low = in.Take<8>();
    if (memory->Books() != books && !memory->SetBooks(books)) {
      return connection.Drop("the table cannot store which books it is told to; see the disk");
    }
    memory->Confirm(number, loop.now_ns());
    if (beyond && !options.accept_loss && !lossy) return SendGreeting("lossy");
    const BooksStanding before = standing;
    standing = lossy ? BooksStanding::kLossy : BooksStanding::kOurs;
    if (lossy && before != standing) {
      Tell(
          "the books have lost payments that no table can tell them again. Summaries are not "
          "answered and nothing new is sent, until `tollgate books accept-loss` or a purge; "
          "`tollgate reconcile --repair` beforehand books what the processors still know");
    } else if (beyond && options.accept_loss) {
      Tell(
          "the books have lost payments that no table can tell them again; as ALLOW_PURGE is on, "
          "this is taken for a purge");
    }
    beyond = false;
    if (!opened) return Open();
    if (before != standing) events->OnLedgerState();
  }

  // A loss that an earlier life of this process saw, and did not live to note.
  void NoteBefore(uint64_t before, uint64_t number, bool lossy) {
    if (!lossy && EraOf(before) < EraOf(number) && before < memory->Forgotten()) beyond = true;
  }

  // `known`: the highest number that the books still have of us.
  void OnBooksLost(uint64_t known, uint64_t sent_era, bool put_back) {
    // What was recorded later than that is lost, and what of it no slot holds is lost for good.
    if (known < memory->Forgotten() || put_back) beyond = true;
    memory->BeginEra(sent_era);
    if (opened) return connection.Drop("the books have lost something");
    SendGreeting();
  }

  void OnFenced() {
    const Owner asked = owner;
    events->OnNotNewest();
    if (owner.table != asked.table) {
      // The same payments under another owner, who has told these books nothing and lost nothing.
      era = EraOf(memory->Number());
      known_run_id = RunId();
      return SendGreeting();
    }
    standing = BooksStanding::kNotNewest;
    greeting_timer.Disarm();
    events->OnLedgerState();
  }

  // Looks again every second: a name that points to the wrong server for a while ends nothing.
  void Refuse(BooksStanding why, const std::string& text) {
    const bool news = standing != why;
    standing = why;
    opened = false;
    if (news) {
      Tell(text);
      events->OnLedgerState();
    }
    greeting_timer.ArmIn(base::kNanosPerSecond);
  }

  void Open() {
    opened = true;
    const std::string run_id = RunId();
    if (memory != nullptr) era = EraOf(memory->Number());
    const bool lost_tail = !known_run_id.empty() && known_run_id != run_id;
    int64_t grace_ms = 0;
    if (lost_tail) {
      grace_ms = options.grace_ms;
    } else if (known_run_id.empty() && !without_grace) {
      // Whether it lost something is not known; others may still have to tell it.
      grace_ms = std::max<int64_t>(0, options.grace_ms - facts.uptime_s * 1000);
    }
    known_run_id = run_id;
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

  Call* NewCall(bool record, const Owner& from, uint64_t batch, size_t count) {
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
    call->data.clear();
    call->single = 0;
    call->one_by_one = false;
    call->claim_replies.clear();
    call->record_replies.clear();
    return call;
  }

  void Identify(const Owner& who) {
    table_id.clear();
    Pack<8>(table_id, who.table.high);
    Pack<8>(table_id, who.table.low);
    incarnation.clear();
    Pack<8>(incarnation, who.incarnation);
    nonce.clear();
    Pack<8>(nonce, who.nonce);
    predecessors.clear();
    for (const payments::Uuid& id : who.predecessors) {
      if (id == payments::Uuid{}) break;
      Pack<8>(predecessors, id.high);
      Pack<8>(predecessors, id.low);
    }
  }

  // The number that a call says, as text; empty without a table. Not std::to_string: no memory is
  // asked for on the way of a payment.
  std::string_view NumberText(uint64_t number) {
    if (memory == nullptr) return {};
    const auto end =
        std::to_chars(number_text.data(), number_text.data() + number_text.size(), number);
    return {number_text.data(), static_cast<size_t>(end.ptr - number_text.data())};
  }

  void Send(Call* call) {
    const size_t size = call->record ? kRecordBytes : kClaimBytes;
    std::string_view data = call->data;
    if (call->one_by_one) data = data.substr(call->single * size, size);
    const uint64_t number = memory == nullptr ? 0 : memory->Number();
    call->era = EraOf(number);
    if (memory != nullptr && call->era != era) {
      // Another worker of this table has seen a loss: nothing goes out before it was told again.
      loop.Post([this, call, life = std::weak_ptr<bool>(life)] {
        if (life.expired()) return;
        Fail(call);
        if (connection.ready()) connection.Drop("the books have lost something");
      });
      return;
    }
    Identify(call->owner);
    command.Begin(call->record ? 12 : 11)
        .Add("EVALSHA")
        .Add(connection.Sha(call->record ? kRecordScript : kClaimScript))
        .Add("1")
        .Add(options.prefix)
        .Add(table_id)
        .Add(incarnation)
        .Add(nonce)
        .Add(Names())
        .Add(data);
    if (call->record) command.Add(shelf);
    command.Add(NumberText(number));
    command.Add(predecessors);
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
    Confirm(*reply->element[call->record ? 2 : 3]);
    ledger_names = TextOf(*reply->element[1]);
    if (!call->record) epoch = static_cast<uint32_t>(reply->element[2]->integer);
    if (!call->record) refused_ms = 0;
    Unpacker in(TextOf(*reply->element[0]));
    for (size_t i = 0; i < expected; ++i) {
      call->record ? TakeRecordReply(*call, in) : TakeClaimReply(*call, in, call->single + i);
    }
    if (forgotten != 0) TellForgotten();
    Advance(call, expected);
  }

  void Confirm(const redisReply& number) {
    if (memory != nullptr) {
      memory->Confirm(static_cast<uint64_t>(number.integer), loop.now_ns());
    }
  }

  // The data in the replies is looked at entry by entry, later.
  bool IsSound(const Call& call, const redisReply& reply, size_t expected) const {
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
    if (memory != nullptr && TextOf(reply).starts_with("LOST ")) {
      // Nothing was done. The greeting of the next connection finds out how much is gone.
      Fail(call);
      if (connection.ready()) connection.Drop("the books have lost something");
      return;
    }
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
    const bool flag = in.Take<1>() == 1;
    reply.existed = flag && reply.verdict == ClaimVerdict::kYours;
    reply.settled = flag && reply.verdict == ClaimVerdict::kConflict;
    const bool granted =
        reply.verdict == ClaimVerdict::kYours || reply.verdict == ClaimVerdict::kStale;
    if (granted && !CanBeAdopted(reply)) {
      Tell("the claim of a payment is not one that a gateway can have made (attempt " +
           std::to_string(reply.attempt) + ", requestedAt " +
           std::to_string(reply.requested_at_ms) + " ms); the payment waits");
      reply = {};
      reply.verdict = ClaimVerdict::kFailed;
    }
    call.claim_replies.push_back(reply);
  }
  // What stands in the books may be of anybody who can write there. It is this one payment's
  // trouble, and no reason to leave the books.
  static bool CanBeAdopted(const ClaimReply& reply) {
    return reply.attempt > 0 && reply.attempt <= payments::kAttemptMax &&
           reply.processor != payments::kNoProcessor &&
           payments::IsRequestedAt(reply.requested_at_ms);
  }
  void TakeRecordReply(Call& call, Unpacker& in) {
    RecordReply reply;
    const uint64_t verdict = in.Take<1>();
    reply.verdict = static_cast<RecordVerdict>(verdict == kForgotten ? 0 : verdict);
    if (verdict == kForgotten) ++forgotten;
    reply.other = ProcessorOf(in.Take<1>());
    call.record_replies.push_back(reply);
  }

  void TellForgotten() {
    Tell("payments booked before the time that the books remember: " +
         std::to_string(std::exchange(forgotten, 0)) +
         ". They may have been counted then, so they are on the books and not in the summary. "
         "Where this is frequent, set a longer DEDUP_HORIZON");
  }

  // None as well if its name is lost, or there is no room for one more.
  payments::ProcessorId ProcessorOf(uint64_t code) {
    if (code < kUnnamed) return static_cast<payments::ProcessorId>(code);
    const auto id = directory.Add(LedgerName(static_cast<uint8_t>(code), ledger_names));
    return id ? *id : payments::kNoProcessor;
  }

  void Tell(const std::string& text) const {
    if (options.tell) options.tell(true, "redis: " + text);
  }

  net::EventLoop& loop;
  const RedisOptions options;
  payments::ProcessorDirectory& directory;
  std::string known_run_id;
  BooksMemory* const memory;
  LedgerEvents* events = nullptr;
  Owner owner;  // who greets
  RedisFacts facts;
  BooksStanding standing = BooksStanding::kUnknown;
  bool opened = false;         // greeted, and known to be ours
  bool greeting = false;       // one is under way
  bool beyond = false;         // more is lost than the table holds: to be noted on the books
  bool without_grace = false;  // the books began on the server as it runs now
  bool silent = false;         // it has said, or says, that it is gone
  std::function<void()> gone;  // to call once that is said
  uint64_t era = 0;            // in which this connection was opened
  int64_t id_from_ns = -1;     // from then on an id may be made; negative: not wanted yet
  payments::Uuid fresh_id;
  std::array<char, 24> number_text{};
  const std::shared_ptr<bool> life = std::make_shared<bool>(true);
  RedisConnection connection;
  net::Timer grace_timer;
  net::Timer refused_timer;
  std::vector<Call*> refused;  // until the timer
  int64_t refused_ms = 0;      // of the last wait; 0 again once claims are granted
  net::Timer greeting_timer;
  int64_t claims_from_ns = 0;
  RedisCommand command;
  const std::string shelf;
  std::string names, table_id, incarnation, nonce, predecessors;
  size_t names_count = 0;
  std::string_view ledger_names;  // during OnReply
  uint32_t epoch = 0;             // likewise
  size_t forgotten = 0;           // likewise
  std::vector<std::unique_ptr<Call>> calls;
  std::vector<Call*> idle;
};

RedisLedger::RedisLedger(net::EventLoop& loop, const RedisOptions& options,
                         payments::ProcessorDirectory& directory, std::string known_run_id,
                         BooksMemory* memory)
    : impl_(std::make_unique<Impl>(loop, options, directory, std::move(known_run_id), memory)) {}
RedisLedger::~RedisLedger() = default;

void RedisLedger::Start() {
  TG_ASSERT(impl_->events != nullptr);
  impl_->connection.Start();
}
const std::string& RedisLedger::run_id() const { return impl_->known_run_id; }
void RedisLedger::SetEvents(LedgerEvents* events) { impl_->events = events; }
void RedisLedger::SetOwner(const Owner& owner) { impl_->owner = owner; }
bool RedisLedger::ready() const { return impl_->connection.ready() && impl_->opened; }
bool RedisLedger::can_claim() const {
  return ready() && impl_->loop.now_ns() >= impl_->claims_from_ns &&
         (impl_->memory == nullptr || impl_->standing == BooksStanding::kOurs);
}
BooksStanding RedisLedger::standing() const { return impl_->standing; }
void RedisLedger::AskOwner(const payments::Uuid& table, OnOwner done) {
  impl_->AskOwner(table, std::move(done));
}
void RedisLedger::SayGone(std::function<void()> done) { impl_->SayGone(std::move(done)); }

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
