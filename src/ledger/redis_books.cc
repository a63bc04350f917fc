#include "tollgate/ledger/redis_books.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ledger/lua_scripts.h"
#include "ledger/packed.h"
#include "ledger/redis_connection.h"
#include "ledger/redis_reply.h"
#include "ledger/sum_tree.h"

namespace tollgate::ledger {
namespace {

constexpr const char* kSweepKeys = "200";  // looked at per step: a fraction of a millisecond

using Totals = std::map<std::string, payments::ProcessorTotals>;

// Adds what one HGETALL shows of `part`. Fields: 'c' or 'a', processor's index, node's index.
bool AddFields(const redisReply& fields, const SumPart& part,
               const std::map<int64_t, std::string>& names, Totals& totals) {
  const size_t index_bytes = part.level == 5 ? 2 : 1;
  for (size_t i = 0; i + 1 < fields.elements; i += 2) {
    const std::string_view field = TextOf(*fields.element[i]);
    if (field.size() != 2 + index_bytes) return false;
    Unpacker in(field.substr(1));
    const auto name = names.find(static_cast<int64_t>(in.Take<1>()));
    const auto node = static_cast<int64_t>(index_bytes == 2 ? in.Take<2>() : in.Take<1>());
    if (name == names.end()) return false;
    if (node < part.first || node > part.last) continue;
    payments::ProcessorTotals& sum = totals[name->second];
    int64_t& figure = field[0] == 'c' ? sum.count : sum.amount_cents;
    if (__builtin_add_overflow(figure, NumberOf(*fields.element[i + 1]), &figure)) return false;
  }
  return true;
}

}  // namespace

struct RedisBooks::Impl {
  enum Script : size_t { kSummary, kFind, kPurge, kSweep };

  Impl(net::EventLoop& loop_in, const RedisOptions& options_in,
       payments::ProcessorDirectory& directory_in, size_t queries_max_in)
      : options(options_in),
        directory(directory_in),
        queries_max(queries_max_in),
        connection(loop_in, options, {lua::kSummary, lua::kFind, lua::kPurge, lua::kSweep},
                   {.on_ready = [](const RedisFacts&) {}, .on_lost = [] {}}),
        sweep_timer(loop_in, [this] { SweepStep(); }) {}

  bool Available() const { return connection.ready() && connection.outstanding() < queries_max; }

  RedisCommand& Begin(Script script, size_t arguments) {
    return command.Begin(4 + arguments)
        .Add("EVALSHA")
        .Add(connection.Sha(script))
        .Add("1")
        .Add(options.prefix);
  }

  // True if the reply is an answer; tells and heals what can be healed otherwise.
  bool IsAnswer(const redisReply* reply) {
    if (reply == nullptr) return false;
    if (reply->type != REDIS_REPLY_ERROR) return true;
    const std::string text(TextOf(*reply));
    if (options.tell) options.tell(true, "redis: a question was refused: " + text);
    if (RedisConnection::IsNotNow(*reply)) connection.Drop(text);
    return false;
  }

  void GetSummary(const payments::SummaryRange& range, OnSummary done) {
    if (!Available()) return done(std::nullopt);
    std::vector<SumPart> parts = PlanSum(range);
    Begin(kSummary, parts.size());
    for (const SumPart& part : parts) command.Add(part.key);
    connection.Call(
        command, [this, parts = std::move(parts), done = std::move(done)](const redisReply* reply) {
          if (!IsAnswer(reply)) return done(std::nullopt);
          done(SummaryOf(*reply, parts));
        });
  }

  std::optional<payments::Summary> SummaryOf(const redisReply& reply,
                                             const std::vector<SumPart>& parts) const {
    if (reply.type != REDIS_REPLY_ARRAY || reply.elements != parts.size() + 1) return std::nullopt;
    const std::map<int64_t, std::string> names = NamesOf(*reply.element[0]);
    Totals totals;
    for (size_t i = 0; i < parts.size(); ++i) {
      if (!AddFields(*reply.element[i + 1], parts[i], names, totals)) return std::nullopt;
    }
    // The configured ones always and in their order, then whoever else has something.
    payments::Summary summary;
    for (size_t id = 0; id < directory.configured_count(); ++id) {
      const std::string& name = directory.Name(static_cast<payments::ProcessorId>(id));
      payments::ProcessorTotals sum = totals[name];
      sum.name = name;
      summary.push_back(std::move(sum));
      totals.erase(name);
    }
    for (auto& [name, sum] : totals) {
      sum.name = name;
      summary.push_back(sum);
    }
    return summary;
  }

  void Find(const payments::Uuid& id, OnEntry done) {
    if (!Available()) return done(std::nullopt);
    std::string packed;
    Pack<8>(packed, id.high);
    Pack<8>(packed, id.low);
    Begin(kFind, 1).Add(packed);
    connection.Call(command, [this, done = std::move(done)](const redisReply* reply) {
      if (!IsAnswer(reply)) return done(std::nullopt);
      done(EntryOf(*reply));
    });
  }

  std::optional<BookEntry> EntryOf(const redisReply& reply) {
    if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 8) return std::nullopt;
    BookEntry entry;
    entry.state = static_cast<EntryState>(NumberOf(*reply.element[0]));
    entry.attempt = static_cast<uint16_t>(NumberOf(*reply.element[1]));
    const std::string_view name = TextOf(*reply.element[2]);
    if (!name.empty()) {
      entry.processor = directory.Add(name).value_or(payments::kNoProcessor);
    }
    entry.requested_at_ms = NumberOf(*reply.element[3]);
    entry.amount_cents = NumberOf(*reply.element[4]);
    entry.reason = static_cast<uint8_t>(NumberOf(*reply.element[5]));
    entry.counted = NumberOf(*reply.element[6]) == 1;
    entry.epoch = static_cast<uint32_t>(NumberOf(*reply.element[7]));
    return entry;
  }

  void Purge(OnPurged done) {
    if (!Available()) return done(false);
    connection.Call(Begin(kPurge, 0), [this, done = std::move(done)](const redisReply* reply) {
      const bool purged = IsAnswer(reply);
      if (purged) {
        cursor = "0";
        sweep_timer.ArmIn(kSweepPauseNs);
      }
      done(purged);
    });
  }

  // A page at a time with pauses between, so that Redis never feels it.
  void SweepStep() {
    if (!Available()) return sweep_timer.ArmIn(base::kNanosPerSecond);
    Begin(kSweep, 3).Add(cursor).Add(kSweepKeys).Add(std::to_string(options.horizon_s));
    connection.Call(command, [this](const redisReply* reply) {
      if (!IsAnswer(reply) || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
        return sweep_timer.ArmIn(base::kNanosPerSecond);
      }
      cursor = TextOf(*reply->element[0]);
      if (cursor != "0") sweep_timer.ArmIn(kSweepPauseNs);
    });
  }

  static constexpr int64_t kSweepPauseNs = 5 * base::kNanosPerMilli;
  const RedisOptions options;
  payments::ProcessorDirectory& directory;
  const size_t queries_max;
  RedisConnection connection;
  RedisCommand command;
  net::Timer sweep_timer;
  std::string cursor = "0";
};

RedisBooks::RedisBooks(net::EventLoop& loop, const RedisOptions& options,
                       payments::ProcessorDirectory& directory, size_t queries_max)
    : impl_(std::make_unique<Impl>(loop, options, directory, queries_max)) {}
RedisBooks::~RedisBooks() = default;
void RedisBooks::Start() { impl_->connection.Start(); }
bool RedisBooks::ready() const { return impl_->connection.ready(); }
void RedisBooks::GetSummary(const payments::SummaryRange& range, OnSummary done) {
  impl_->GetSummary(range, std::move(done));
}
void RedisBooks::Find(const payments::Uuid& id, OnEntry done) { impl_->Find(id, std::move(done)); }
void RedisBooks::Purge(OnPurged done) { impl_->Purge(std::move(done)); }

// --- The lease

struct RedisLeaseStore::Impl {
  enum Script : size_t { kAcquire, kPublish, kRelease, kSweep };

  Impl(net::EventLoop& loop, const RedisOptions& options_in)
      : options(options_in),
        connection(loop, options,
                   {lua::kLeaseAcquire, lua::kLeasePublish, lua::kLeaseRelease, lua::kSweep},
                   {.on_ready = [](const RedisFacts&) {}, .on_lost = [] {}}) {}

  RedisCommand& Begin(Script script, size_t arguments) {
    return command.Begin(4 + arguments)
        .Add("EVALSHA")
        .Add(connection.Sha(script))
        .Add("1")
        .Add(options.prefix);
  }
  void CallForFlag(OnDone done) {
    connection.Call(command, [this, done = std::move(done)](const redisReply* reply) {
      done(IsAnswer(reply) && NumberOf(*reply) == 1);
    });
  }
  bool IsAnswer(const redisReply* reply) {
    if (reply == nullptr) return false;
    if (reply->type != REDIS_REPLY_ERROR) return true;
    connection.Drop(std::string(TextOf(*reply)));
    return false;
  }

  // The holder clears away a little with each renewal: booked claims whose horizon has passed, and
  // what a purge left if its instance did not live to do it.
  void SweepStep() {
    if (!connection.ready()) return;
    Begin(kSweep, 3).Add(cursor).Add(kSweepKeys).Add(std::to_string(options.horizon_s));
    connection.Call(command, [this](const redisReply* reply) {
      if (IsAnswer(reply) && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
        cursor = TextOf(*reply->element[0]);
      }
    });
  }

  const RedisOptions options;
  RedisConnection connection;
  RedisCommand command;
  std::string cursor = "0";
};

RedisLeaseStore::RedisLeaseStore(net::EventLoop& loop, const RedisOptions& options)
    : impl_(std::make_unique<Impl>(loop, options)) {}
RedisLeaseStore::~RedisLeaseStore() = default;
void RedisLeaseStore::Start() { impl_->connection.Start(); }

void RedisLeaseStore::Acquire(const std::string& token, int64_t ttl_ms, OnView done) {
  if (!impl_->connection.ready()) return done(std::nullopt);
  impl_->Begin(Impl::kAcquire, 2).Add(token).Add(std::to_string(ttl_ms));
  impl_->connection.Call(
      impl_->command, [impl = impl_.get(), done = std::move(done)](const redisReply* reply) {
        if (!impl->IsAnswer(reply) || reply->type != REDIS_REPLY_ARRAY || reply->elements != 5) {
          return done(std::nullopt);
        }
        const bool held = NumberOf(*reply->element[0]) == 1;
        if (held) impl->SweepStep();
        done(LeaseView{.held = held,
                       .holder = std::string(TextOf(*reply->element[1])),
                       .snapshot = std::string(TextOf(*reply->element[2])),
                       .snapshot_age_ms = NumberOf(*reply->element[3]),
                       .instances = static_cast<uint32_t>(
                           std::clamp<int64_t>(NumberOf(*reply->element[4]), 1, 1'000'000))});
      });
}

void RedisLeaseStore::Publish(const std::string& token, const std::string& snapshot, OnDone done) {
  if (!impl_->connection.ready()) return done(false);
  impl_->Begin(Impl::kPublish, 2).Add(token).Add(snapshot);
  impl_->CallForFlag(std::move(done));
}

void RedisLeaseStore::Release(const std::string& token, OnDone done) {
  if (!impl_->connection.ready()) return done(false);
  impl_->Begin(Impl::kRelease, 1).Add(token);
  impl_->CallForFlag(std::move(done));
}

}  // namespace tollgate::ledger
