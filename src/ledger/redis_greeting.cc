// The greeting of RedisLedger: whose books these are, and what they have lost.
#include <hiredis/hiredis.h>
#include <sys/random.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "ledger/redis_ledger_impl.h"
#include "ledger/redis_reply.h"
#include "tollgate/base/assert.h"

namespace tollgate::ledger {
namespace {

// The interval of greetings, also under load. Other instances see by it that this table is alive,
// and this one sees the state of the books.
constexpr int64_t kGreetingNs = base::kNanosPerSecond / 2;
// The verdicts of hello.lua.
enum class Greeting : uint8_t { kOk, kLost, kFenced, kOthers, kNew, kStranger, kOld };
constexpr size_t kGreetingElements = 8;

uint64_t RandomNumber() {
  uint64_t number = 0;
  TG_CHECK(::getrandom(&number, sizeof(number), 0) == sizeof(number));
  return number;
}

// In the form that _prelude.lua takes.
std::string IdentitiesText(const payments::ProcessorDirectory& directory,
                           payments::ProcessorId processor) {
  std::string text;
  for (const uint64_t identity : directory.Identities(processor)) {
    char hex[20];
    std::snprintf(hex, sizeof(hex), "%016llx", static_cast<unsigned long long>(identity));
    text += (text.empty() ? "" : ",") + std::string(hex);
  }
  return text;
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

const std::string& RedisLedger::Impl::Names() {
  if (names_count != directory.size()) {
    names.clear();
    names_count = directory.size();
    for (size_t id = 0; id < names_count; ++id) {
      const auto processor = static_cast<payments::ProcessorId>(id);
      names += directory.Name(processor) + '\t' + IdentitiesText(directory, processor) + '\n';
    }
  }
  return names;
}

void RedisLedger::Impl::OnConnected(const RedisFacts& facts_in) {
  facts = facts_in;
  constexpr size_t kPart = 16;  // of forty hexadecimal digits
  server = facts.run_id.substr(0, kPart) + ":" + facts.replication_id.substr(0, kPart);
  id_from_ns = -1;
  last_number = 0;
  if (memory == nullptr) return Open();
  SendGreeting();
}

void RedisLedger::Impl::AskOwner(const payments::Uuid& table, OnOwner done) {
  if (!connection.ready() || !opened) return done(std::nullopt);
  connection.Begin(command, kOwnerScript, 1).Add(Packed(table));
  connection.Call(command, [done = std::move(done)](const redisReply* reply) {
    if (reply == nullptr || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
      return done(std::nullopt);
    }
    done(OwnerFacts{.known = NumberOf(*reply->element[0]) == 1,
                    .number = NumberOf(*reply->element[1])});
  });
}

void RedisLedger::Impl::OnLost() {
  if (gone) std::exchange(gone, nullptr)();
  opened = false;
  if (standing != BooksStanding::kNotNewest) standing = BooksStanding::kUnknown;
  greeting_timer.Disarm();
  events->OnLedgerState();
}

std::string RedisLedger::Impl::RunId() const {
  if (memory == nullptr) return facts.run_id;
  return server + ":" + std::to_string(EraOf(memory->Number()));
}

void RedisLedger::Impl::Greet() {
  if (silent) return;
  greeting_timer.ArmIn(kGreetingNs);
  if (connection.ready() && !greeting && standing != BooksStanding::kNotNewest) SendGreeting();
}

void RedisLedger::Impl::SendGreeting(std::string_view note) {
  if (!silent && opened && EraOf(memory->Number()) != era) {
    return connection.Drop("the books have lost something: another worker of this table saw it");
  }
  if (!silent) greeting_timer.ArmIn(kGreetingNs);
  greeting = true;
  const uint64_t number = memory->Number();
  Identify(owner);
  const payments::Uuid books = memory->Books();
  books_text.clear();  // keeps its capacity: greetings are sent while payments are in flight
  if (books != payments::Uuid{}) {
    PackUuid(books_text, books);
  }
  const bool may_make = id_from_ns >= 0 && loop.now_ns() >= id_from_ns;
  if (may_make && fresh_id == payments::Uuid{}) fresh_id = {RandomNumber(), RandomNumber()};
  connection.Begin(command, kHelloScript, 10)
      .Add(table_id)
      .Add(incarnation)
      .Add(nonce)
      .Add(Names())
      .Add(NumberText(number))
      .Add(books_text)
      .Add(may_make ? Packed(fresh_id) : "")
      .Add(note)
      .Add(server)
      .Add(options.accept_loss ? "1" : "0");
  connection.Call(command, [this, sent = EraOf(number)](const redisReply* reply) {
    greeting = false;
    if (!silent) return OnGreeted(reply, sent);
    if (gone) std::exchange(gone, nullptr)();
  });
}

void RedisLedger::Impl::SayGone(std::function<void()> done) {
  if (memory == nullptr || !connection.ready() || !opened) return done();
  silent = true;
  greeting_timer.Disarm();
  gone = std::move(done);
  SendGreeting("gone");
}

std::string RedisLedger::Impl::Packed(const payments::Uuid& id) {
  std::string text;
  PackUuid(text, id);
  return text;
}

void RedisLedger::Impl::OnGreeted(const redisReply* reply, uint64_t sent_era) {
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
  // Books that were made on this run of the server have lost nothing.
  without_grace = TextOf(*reply->element[5]) == server;
  known_epoch = std::to_string(NumberOf(*reply->element[7]));
  switch (reply->element[0]->integer) {
    case static_cast<int>(Greeting::kOk):
      NoteBefore(static_cast<uint64_t>(std::max<int64_t>(0, NumberOf(*reply->element[6]))), number,
                 lossy);
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
                        "says 0 pending for the old one and none of its payments can come again");
    case static_cast<int>(Greeting::kStranger):
      return Refuse(BooksStanding::kStrangers,
                    "the books in this Redis (prefix " + options.prefix +
                        ") have no id and do not know this instance's table, which was told to "
                        "other books. Nothing is sent. Point REDIS_SOCKET, REDIS_URL or "
                        "REDIS_PREFIX at its own books, or start it with a new DATA_DIR");
    case static_cast<int>(Greeting::kOld):
      return Refuse(
          BooksStanding::kStrangers,
          "the books in this Redis (prefix " + options.prefix +
              ") are of version 0.1, which this one does not read. Nothing is sent, and "
              "nothing is lost: once all gateways of 0.1 on these books are stopped, give "
              "another REDIS_PREFIX, where this table goes on and tells what it holds; the "
              "sums and the ids of before stay under the old prefix, so no payment of the last "
              "two days may come again. They are taken over only where "
              "those gateways had drained (`tollgate pending` showed nothing), with an empty "
              "DATA_DIR, once no payment of the last two days can come again: then delete "
              "the keys " +
              options.prefix + "owners and " + options.prefix + "pending");
    case static_cast<int>(Greeting::kNew):
      return WaitWithoutId(number == 1);
    default:
      return connection.Drop("an answer that hello.lua cannot have given");
  }
}

void RedisLedger::Impl::WaitWithoutId(bool empty) {
  // A server that is empty and has just started never had books. One that has run for longer may
  // have been emptied; then the other tables put their id back within the grace.
  const bool young = facts.uptime_s * 1'000 < options.grace_ms;
  const int64_t wait_ms = empty && young && options.new_fleet ? 0 : options.grace_ms;
  if (id_from_ns < 0) id_from_ns = loop.now_ns() + wait_ms * base::kNanosPerMilli;
  if (loop.now_ns() >= id_from_ns) return SendGreeting();
  greeting_timer.Arm(std::min(id_from_ns, loop.now_ns() + kGreetingNs));
}

void RedisLedger::Impl::OnOurs(uint64_t number, std::string_view id, bool lossy) {
  if (id.size() != 16 || number == 0 || number > kNumberMax) {
    return connection.Drop("an answer that hello.lua cannot have given");
  }
  const payments::Uuid books = Unpacker(id).TakeUuid();
  if (memory->Books() != books && !memory->SetBooks(books)) {
    return connection.Drop("the table cannot store which books it is told to; see the disk");
  }
  if (!Confirm(number)) return connection.Drop("the books have lost something");
  id_from_ns = -1;
  if (beyond && !options.accept_loss && !lossy) return SendGreeting("lossy");
  const BooksStanding before = standing;
  standing = lossy ? BooksStanding::kLossy : BooksStanding::kOurs;
  if (lossy && before != standing) {
    Report(
        "the books have lost payments that no table can replay. Summaries are not "
        "answered and nothing new is sent, until `tollgate books accept-loss` or a purge; "
        "`tollgate reconcile --repair` beforehand books what the processors still know");
  } else if (beyond && options.accept_loss) {
    Report(
        "the books have lost payments that no table can replay; as ALLOW_PURGE is on, "
        "this is taken for a purge");
  }
  beyond = false;
  if (!opened) return Open();
  if (before != standing) events->OnLedgerState();
}

void RedisLedger::Impl::NoteBefore(uint64_t before, uint64_t number, bool lossy) {
  if (!lossy && EraOf(before) < EraOf(number) && before < memory->Forgotten()) beyond = true;
}

void RedisLedger::Impl::OnBooksLost(uint64_t known, uint64_t sent_era, bool put_back) {
  // Records with a higher number than `known` are lost. Those that no slot holds cannot be
  // replayed.
  if (known < memory->Forgotten() || put_back) beyond = true;
  memory->BeginEra(sent_era);
  if (opened) return connection.Drop("the books have lost something");
  SendGreeting();
}

void RedisLedger::Impl::OnFenced() {
  const Owner asked = owner;
  events->OnNotNewest();
  if (owner.table != asked.table) {
    // The same payments have another owner now, which has sent these books nothing and lost
    // nothing.
    era = EraOf(memory->Number());
    known_run_id = RunId();
    return SendGreeting();
  }
  standing = BooksStanding::kNotNewest;
  greeting_timer.Disarm();
  events->OnLedgerState();
}

void RedisLedger::Impl::Refuse(BooksStanding why, const std::string& text) {
  const bool news = standing != why;
  standing = why;
  opened = false;
  if (news) {
    Report(text);
    events->OnLedgerState();
  }
  greeting_timer.ArmIn(base::kNanosPerSecond);
}

void RedisLedger::Impl::Open() {
  opened = true;
  const std::string run_id = RunId();
  if (memory != nullptr) era = EraOf(memory->Number());
  const bool lost_tail = !known_run_id.empty() && known_run_id != run_id;
  int64_t grace_ms = 0;
  if (lost_tail) {
    grace_ms = options.grace_ms;
  } else if (known_run_id.empty() && !without_grace) {
    // It is not known whether the books lost something. Other tables may still have to replay.
    grace_ms = std::max<int64_t>(0, options.grace_ms - facts.uptime_s * 1000);
  }
  known_run_id = run_id;
  claims_from_ns = std::max(claims_from_ns, loop.now_ns() + grace_ms * base::kNanosPerMilli);
  if (grace_ms > 0) grace_timer.Arm(claims_from_ns);
  if (lost_tail) events->OnTailLost();
  events->OnLedgerState();
}

}  // namespace tollgate::ledger
