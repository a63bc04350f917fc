#include "ledger/copy/redis_session.h"

#include <utility>

#include "ledger/lua_scripts.h"
#include "ledger/redis_reply.h"

namespace tollgate::ledger::copy {
namespace {

constexpr int kTurnMs = 20;
constexpr int64_t kPatienceNs = 10 * base::kNanosPerSecond;
// Commands without an answer, so that neither side has to keep many.
constexpr size_t kOpenMax = 1'024;

}  // namespace

RedisSession::RedisSession(const RedisOptions& options)
    : options_([&] {
        RedisOptions own = options;
        own.while_away = "waiting for it";
        own.report = [this](bool problem, std::string_view text) { told_ = problem ? text : ""; };
        return own;
      }()),
      connection_(loop_, options_, {lua::kComplete},
                  {.on_ready = [](const RedisFacts&) {}, .on_lost = [] {}}) {}

base::Status RedisSession::Open() {
  if (opened_) return base::OkStatus();
  connection_.Start();
  const int64_t end_ns = clock_.MonotonicNanos() + kPatienceNs;
  while (!connection_.ready()) {
    if (clock_.MonotonicNanos() >= end_ns) {
      return base::Error{told_.empty() ? "Redis does not answer" : told_};
    }
    loop_.RunOnce(kTurnMs);
  }
  opened_ = true;
  Send(connection_.Begin(command_, 0, 0), [](const redisReply&) {});
  return Wait();
}

void RedisSession::Fail(const std::string& why) {
  if (problem_.empty()) problem_ = why;
}

void RedisSession::Send(const RedisCommand& command, OnReply use) {
  while (problem_.empty() && connection_.outstanding() >= kOpenMax) loop_.RunOnce(kTurnMs);
  if (!connection_.ready()) Fail("the connection to Redis was lost");
  if (!problem_.empty()) return;
  connection_.Call(command, [this, use = std::move(use)](const redisReply* reply) {
    if (reply == nullptr) return Fail("the connection to Redis was lost: " + told_);
    if (reply->type == REDIS_REPLY_ERROR) {
      return Fail("Redis refused a command: " + std::string(TextOf(*reply)));
    }
    use(*reply);
  });
}

base::Status RedisSession::Wait() {
  while (problem_.empty() && connection_.outstanding() != 0) loop_.RunOnce(kTurnMs);
  if (problem_.empty()) return base::OkStatus();
  return base::Error{problem_};
}

}  // namespace tollgate::ledger::copy
