#include <hiredis/hiredis.h>

#include <algorithm>
#include <string>
#include <utility>

#include "ledger/lua_scripts.h"
#include "ledger/packed.h"
#include "ledger/packed_batch.h"
#include "ledger/redis_connection.h"
#include "ledger/redis_reply.h"
#include "tollgate/base/assert.h"
#include "tollgate/ledger/silent_claims.h"

namespace tollgate::ledger {
namespace {

constexpr const char* kClaimsPerPage = "500";  // a fraction of a millisecond of Redis' time
constexpr size_t kFields = 4;                  // of an owner in a page

}  // namespace

struct RedisSilentClaims::Impl {
  Impl(net::EventLoop& loop, const RedisOptions& options_in)
      : options(options_in),
        connection(loop, options, {lua::kSilent},
                   {.on_ready = [](const RedisFacts&) {}, .on_lost = [] {}}) {}

  void ReadPage() {
    connection.AskRole();
    connection.Begin(command, 0, 3)
        .Add(cursor)
        .Add(kClaimsPerPage)
        .Add(std::to_string(silent_after_s));
    connection.Call(command, [this](const redisReply* reply) { OnPage(reply); });
  }

  void OnPage(const redisReply* reply) {
    if (reply == nullptr) return Answer(false);
    if (!IsPage(*reply)) {
      connection.Drop(reply->type == REDIS_REPLY_ERROR ? std::string(TextOf(*reply))
                                                       : "an answer that silent.lua cannot give");
      return Answer(false);
    }
    for (size_t i = 1; i < reply->elements; i += kFields) Add(*reply, i);
    cursor = TextOf(*reply->element[0]);
    if (cursor == "0") return Answer(true);
    if (!connection.ready()) return Answer(false);
    ReadPage();
  }

  static bool IsPage(const redisReply& reply) {
    if (reply.type != REDIS_REPLY_ARRAY || reply.elements % kFields != 1) return false;
    if (reply.element[0]->type != REDIS_REPLY_STRING) return false;
    for (size_t i = 1; i < reply.elements; i += kFields) {
      if (reply.element[i]->type != REDIS_REPLY_STRING) return false;
      for (size_t field = 1; field < kFields; ++field) {
        if (reply.element[i + field]->type != REDIS_REPLY_INTEGER) return false;
      }
    }
    return true;
  }

  // An owner's id has 16 bytes; other claims are not of this version and are skipped.
  void Add(const redisReply& reply, size_t at) {
    const std::string_view id = TextOf(*reply.element[at]);
    if (id.size() != kIdBytes) return;
    const payments::Uuid table = Unpacker(id).TakeUuid();
    auto owner = std::find_if(owners.begin(), owners.end(),
                              [&](const SilentOwner& it) { return it.table == table; });
    if (owner == owners.end()) {
      if (owners.size() == kSilentOwnersMax) return;
      owner = owners.insert(owners.end(), SilentOwner{.table = table});
    }
    owner->claims += static_cast<uint64_t>(std::max<int64_t>(reply.element[at + 1]->integer, 0));
    owner->silent_s = reply.element[at + 2]->integer;
    owner->gone = reply.element[at + 3]->integer == 1;
  }

  void Answer(bool counted) {
    std::sort(owners.begin(), owners.end(),
              [](const SilentOwner& a, const SilentOwner& b) { return a.claims > b.claims; });
    auto all = std::exchange(owners, {});
    const OnCounted answer = std::exchange(done, nullptr);
    if (counted) return answer(std::move(all));
    answer(std::nullopt);
  }

  const RedisOptions options;
  RedisConnection connection;
  RedisCommand command;
  std::string cursor;
  int64_t silent_after_s = 0;
  std::vector<SilentOwner> owners;
  OnCounted done;
};

RedisSilentClaims::RedisSilentClaims(net::EventLoop& loop, const RedisOptions& options)
    : impl_(std::make_unique<Impl>(loop, options)) {}
RedisSilentClaims::~RedisSilentClaims() = default;
void RedisSilentClaims::Start() { impl_->connection.Start(); }
bool RedisSilentClaims::ready() const { return impl_->connection.ready(); }

void RedisSilentClaims::Count(int64_t silent_after_s, OnCounted done) {
  TG_ASSERT(!impl_->done);
  if (!impl_->connection.ready()) return done(std::nullopt);
  impl_->done = std::move(done);
  impl_->silent_after_s = silent_after_s;
  impl_->cursor = "0";
  impl_->ReadPage();
}

}  // namespace tollgate::ledger
