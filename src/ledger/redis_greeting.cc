// The greeting of RedisLedger on the wire: hello.lua's arguments and its answer.
#include <hiredis/hiredis.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "ledger/redis_ledger_impl.h"
#include "ledger/redis_reply.h"

namespace tollgate::ledger {
namespace {

constexpr size_t kGreetingElements = 8;

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

std::string Packed(const payments::Uuid& id) {
  std::string text;
  PackUuid(text, id);
  return text;
}

std::string_view TextOf(GreetingNote note) {
  switch (note) {
    case GreetingNote::kLossy:
      return "lossy";
    case GreetingNote::kGone:
      return "gone";
    case GreetingNote::kNone:
      break;
  }
  return {};
}

uint64_t UnsignedOf(const redisReply& reply) {
  return static_cast<uint64_t>(std::max<int64_t>(0, NumberOf(reply)));
}

}  // namespace

GreetingOptions RedisLedger::Impl::MakeGreetingOptions() {
  const std::string where = "the books in this Redis (prefix " + options.prefix;
  return {
      .grace_ms = options.grace_ms,
      .new_fleet = options.new_fleet,
      .accept_loss = options.accept_loss,
      .about_others = where +
                      ") are not those that this instance's payments are claimed in. "
                      "Nothing is sent. Point REDIS_SOCKET, REDIS_URL or REDIS_PREFIX at its "
                      "own books; or start it with a new DATA_DIR, once `tollgate pending` "
                      "says 0 pending for the old one and none of its payments can come again",
      .about_strangers = where +
                         ") have no id and do not know this instance's table, which was told to "
                         "other books. Nothing is sent. Point REDIS_SOCKET, REDIS_URL or "
                         "REDIS_PREFIX at its own books, or start it with a new DATA_DIR",
      .about_old =
          where +
          ") are of version 0.1, which this one does not read. Nothing is sent, and "
          "nothing is lost: once all gateways of 0.1 on these books are stopped, give "
          "another REDIS_PREFIX, where this table goes on and tells what it holds; the "
          "sums and the ids of before stay under the old prefix, so no payment of the last "
          "two days may come again. They are taken over only where "
          "those gateways had drained (`tollgate pending` showed nothing), with an empty "
          "DATA_DIR, once no payment of the last two days can come again: then delete "
          "the keys " +
          options.prefix + "owners and " + options.prefix + "pending",
      .report = [this](const std::string& text) { Report(text); }};
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

void RedisLedger::Impl::OnConnected(const RedisFacts& facts) {
  ++connected_count;
  constexpr size_t kPart = 16;  // of forty hexadecimal digits
  server = facts.run_id.substr(0, kPart) + ":" + facts.replication_id.substr(0, kPart);
  greeting.OnConnected({.id = facts.run_id, .server = server, .uptime_ms = facts.uptime_s * 1'000});
}

void RedisLedger::Impl::AskOwner(const payments::Uuid& table, OnOwner done) {
  if (!connection.ready() || !greeting.opened()) return done(std::nullopt);
  connection.Begin(command, kOwnerScript, 1).Add(Packed(table));
  connection.Call(command, [done = std::move(done)](const redisReply* reply) {
    if (reply == nullptr || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
      return done(std::nullopt);
    }
    done(OwnerFacts{.known = NumberOf(*reply->element[0]) == 1,
                    .number = NumberOf(*reply->element[1])});
  });
}

void RedisLedger::Impl::Send(const GreetingCall& call) {
  Identify(call.owner);
  books_text.clear();  // keeps its capacity: greetings are sent while payments are in flight
  if (call.told_to != payments::Uuid{}) PackUuid(books_text, call.told_to);
  connection.Begin(command, kHelloScript, 10)
      .Add(table_id)
      .Add(incarnation)
      .Add(nonce)
      .Add(Names())
      .Add(NumberText(call.confirmed))
      .Add(books_text)
      .Add(call.fresh_id == payments::Uuid{} ? "" : Packed(call.fresh_id))
      .Add(TextOf(call.note))
      .Add(server)
      .Add(call.accept_loss ? "1" : "0");
  connection.Call(command, [this](const redisReply* reply) {
    if (reply == nullptr) return;  // OnLost follows
    if (reply->type == REDIS_REPLY_ERROR) return connection.Drop(std::string(TextOf(*reply)));
    greeting.OnAnswer(GreetingAnswerOf(*reply));
  });
}

std::optional<GreetingAnswer> RedisLedger::Impl::GreetingAnswerOf(const redisReply& reply) const {
  const bool sound = reply.type == REDIS_REPLY_ARRAY && reply.elements == kGreetingElements &&
                     reply.element[0]->type == REDIS_REPLY_INTEGER &&
                     reply.element[2]->type == REDIS_REPLY_STRING;
  if (!sound) return std::nullopt;
  const int64_t verdict = reply.element[0]->integer;
  if (verdict < 0 || verdict > static_cast<int64_t>(GreetingVerdict::kOld)) return std::nullopt;
  const std::string_view id = TextOf(*reply.element[2]);
  return GreetingAnswer{.verdict = static_cast<GreetingVerdict>(verdict),
                        .number = UnsignedOf(*reply.element[1]),
                        .books = id.size() == kIdBytes ? Unpacker(id).TakeUuid() : payments::Uuid{},
                        .lossy = NumberOf(*reply.element[3]) == 1,
                        .put_back = NumberOf(*reply.element[4]) == 1,
                        .born_on_run = TextOf(*reply.element[5]) == server,
                        .before = UnsignedOf(*reply.element[6]),
                        .epoch = static_cast<uint32_t>(NumberOf(*reply.element[7]))};
}

void RedisLedger::Impl::Drop(const std::string& why) { connection.Drop(why); }

bool RedisLedger::Impl::IsConnected() const { return connection.ready(); }

}  // namespace tollgate::ledger
