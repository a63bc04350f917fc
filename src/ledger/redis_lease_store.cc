// The lease in Redis.
#include <hiredis/hiredis.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "ledger/expected_books.h"
#include "ledger/lua_scripts.h"
#include "ledger/redis_connection.h"
#include "ledger/redis_reply.h"
#include "tollgate/base/recent_times.h"
#include "tollgate/ledger/redis_books.h"

namespace tollgate::ledger {
namespace {

std::string TextOfTimes(std::span<const int64_t> times_ms) {
  std::string text;
  for (const int64_t time_ms : times_ms) text += std::to_string(time_ms) + ' ';
  return text;
}

// What is no number is skipped, and so is what comes after as many as anybody keeps.
std::vector<int64_t> TimesOf(std::string_view text) {
  std::vector<int64_t> times;
  while (!text.empty() && times.size() < base::RecentTimes::kCount) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    int64_t time_ms = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), time_ms);
    if (error == std::errc{} && end == word.data() + word.size()) times.push_back(time_ms);
  }
  return times;
}

}  // namespace

struct RedisLeaseStore::Impl {
  enum Script : size_t { kAcquire, kPublish, kRelease, kSweep };

  Impl(net::EventLoop& loop, const RedisOptions& options_in, const BooksMemory* memory_in)
      : options(options_in),
        memory(memory_in),
        connection(loop, options,
                   {lua::kLeaseAcquire, lua::kLeasePublish, lua::kLeaseRelease, lua::kSweep},
                   {.on_ready = [](const RedisFacts&) {}, .on_lost = [] {}}) {}

  void CallForFlag(OnDone done) {
    connection.Call(command, [this, done = std::move(done)](const redisReply* reply) {
      done(IsAnswer(reply) && NumberOf(*reply) == 1);
    });
  }
  bool IsAnswer(const redisReply* reply) {
    if (reply == nullptr) return false;
    if (reply->type != REDIS_REPLY_ERROR) return true;
    // The workers report books that are not ours, because they send the greetings.
    if (!TextOf(*reply).starts_with(kOtherBooks)) connection.Drop(std::string(TextOf(*reply)));
    return false;
  }

  // The holder removes some old keys with each renewal: forgotten shelves, and what a purge left if
  // its instance ended before it was done.
  void SweepStep() {
    if (!connection.ready()) return;
    connection.Begin(command, kSweep, 2).Add(cursor).Add(kSweepKeys);
    connection.Call(command, [this](const redisReply* reply) {
      if (IsAnswer(reply) && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
        cursor = TextOf(*reply->element[0]);
      }
    });
  }

  const RedisOptions options;
  const BooksMemory* const memory;
  RedisConnection connection;
  RedisCommand command;
  std::string cursor = "0";
};

RedisLeaseStore::RedisLeaseStore(net::EventLoop& loop, const RedisOptions& options,
                                 const BooksMemory* memory)
    : impl_(std::make_unique<Impl>(loop, options, memory)) {}
RedisLeaseStore::~RedisLeaseStore() = default;
void RedisLeaseStore::Start() { impl_->connection.Start(); }

void RedisLeaseStore::Acquire(const std::string& token, int64_t ttl_ms,
                              std::span<const int64_t> visits, OnView done) {
  const std::optional<BooksText> books = ExpectedBooks(impl_->memory);
  if (!impl_->connection.ready() || !books) return done(std::nullopt);
  impl_->connection.Begin(impl_->command, Impl::kAcquire, 4)
      .Add(token)
      .Add(std::to_string(ttl_ms))
      .Add(books->text())
      .Add(TextOfTimes(visits));
  impl_->connection.Call(
      impl_->command, [impl = impl_.get(), done = std::move(done)](const redisReply* reply) {
        if (!impl->IsAnswer(reply) || reply->type != REDIS_REPLY_ARRAY || reply->elements != 6) {
          return done(std::nullopt);
        }
        const bool held = NumberOf(*reply->element[0]) == 1;
        if (held) impl->SweepStep();
        done(LeaseView{.held = held,
                       .holder = std::string(TextOf(*reply->element[1])),
                       .snapshot = std::string(TextOf(*reply->element[2])),
                       .snapshot_age_ms = NumberOf(*reply->element[3]),
                       .visits = TimesOf(TextOf(*reply->element[5])),
                       .instances = static_cast<uint32_t>(
                           std::clamp<int64_t>(NumberOf(*reply->element[4]), 1, 1'000'000))});
      });
}

void RedisLeaseStore::Publish(const std::string& token, const std::string& snapshot, OnDone done) {
  if (!impl_->connection.ready()) return done(false);
  impl_->connection.Begin(impl_->command, Impl::kPublish, 2).Add(token).Add(snapshot);
  impl_->CallForFlag(std::move(done));
}

void RedisLeaseStore::Release(const std::string& token, OnDone done) {
  if (!impl_->connection.ready()) return done(false);
  impl_->connection.Begin(impl_->command, Impl::kRelease, 1).Add(token);
  impl_->CallForFlag(std::move(done));
}

}  // namespace tollgate::ledger
