#include "tollgate/ledger/redis_books.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "ledger/expected_books.h"
#include "ledger/find_reply.h"
#include "ledger/lua_scripts.h"
#include "ledger/packed.h"
#include "ledger/redis_connection.h"
#include "ledger/redis_reply.h"
#include "ledger/redis_summary_cut.h"
#include "ledger/spread_id.h"
#include "ledger/sum_tree.h"
#include "ledger/totals.h"

namespace tollgate::ledger {
namespace {

constexpr size_t kRecentBytes = 13;

struct Sum {
  int64_t count = 0;
  int64_t cents = 0;
};
using Sums = std::array<Sum, 256>;  // by ledger index of the processor

// Adds the fields of one HGETALL that are in `part`. A field is: 'c' or 'a', processor's index,
// node's index.
bool AddFields(const redisReply& fields, const SumPart& part, Sums& sums) {
  const size_t index_bytes = part.level == 5 ? 2 : 1;
  for (size_t i = 0; i + 1 < fields.elements; i += 2) {
    const std::string_view field = TextOf(*fields.element[i]);
    if (field.size() != 2 + index_bytes) return false;
    Unpacker in(field.substr(1));
    Sum& sum = sums[in.Take<1>()];
    const auto node = static_cast<int64_t>(index_bytes == 2 ? in.Take<2>() : in.Take<1>());
    if (node < part.first || node > part.last) continue;
    int64_t& figure = field[0] == 'c' ? sum.count : sum.cents;
    if (__builtin_add_overflow(figure, NumberOf(*fields.element[i + 1]), &figure)) return false;
  }
  return true;
}

// Adds the recent payments in `range`, which record.lua has not put into the tree yet. An entry is:
// processor 1, at 6, cents 6.
bool AddRecent(const redisReply& entries, const payments::SummaryRange& range, Sums& sums) {
  if (entries.type == REDIS_REPLY_NIL) return true;
  Unpacker in(TextOf(entries));
  for (size_t left = TextOf(entries).size(); left != 0; left -= kRecentBytes) {
    if (left < kRecentBytes) return false;
    Sum& sum = sums[in.Take<1>()];
    const auto at_ms = static_cast<int64_t>(in.Take<6>());
    const auto cents = static_cast<int64_t>(in.Take<6>());
    if (at_ms < range.from_ms || at_ms > range.to_ms) continue;
    ++sum.count;
    if (__builtin_add_overflow(sum.cents, cents, &sum.cents)) return false;
  }
  return true;
}

// Nothing if a sum belongs to a processor without a name.
std::optional<Totals> NameThem(const Sums& sums, const std::map<int64_t, std::string>& names) {
  Totals totals;
  for (size_t index = 0; index < sums.size(); ++index) {
    const Sum& sum = sums[index];
    if (sum.count == 0 && sum.cents == 0) continue;
    const auto name = names.find(static_cast<int64_t>(index));
    if (name == names.end()) return std::nullopt;
    totals[name->second] = {.name = name->second, .count = sum.count, .amount_cents = sum.cents};
  }
  return totals;
}

}  // namespace

struct RedisBooks::Impl {
  enum Script : size_t { kFind, kPurge, kSweep, kAcceptLoss, kComplete };

  Impl(net::EventLoop& loop_in, const RedisOptions& options_in,
       payments::ProcessorDirectory& directory_in, const BooksMemory* memory_in,
       size_t queries_max_in)
      : loop(loop_in),
        options(options_in),
        directory(directory_in),
        memory(memory_in),
        queries_max(queries_max_in),
        connection(
            loop_in, options,
            {lua::kFind, lua::kPurge, lua::kSweep, lua::kAcceptLoss, lua::kComplete},
            {.on_ready = [](const RedisFacts&) {}, .on_lost = [this] { cut.OnBooksLost(); }}),
        sweep_timer(loop_in, [this] { SweepStep(); }),
        cut(loop_in, options, connection) {}

  bool Available() const {
    return connection.ready() && connection.outstanding() + cut.waiting() < queries_max;
  }

  // True if the reply is an answer. Reports an error; drops the connection if the server refuses
  // for now.
  bool IsAnswer(const redisReply* reply) {
    if (reply == nullptr) return false;
    if (reply->type != REDIS_REPLY_ERROR) return true;
    const std::string text(TextOf(*reply));
    if (text.starts_with(kOtherBooks)) return false;
    if (options.report) options.report(true, "redis: a question was refused: " + text);
    if (RedisConnection::IsNotNow(*reply)) connection.Drop(text);
    return false;
  }

  struct Question {
    payments::SummaryRange range;
    std::vector<SumPart> parts;
    OnSummary done;
    int tries = kTries;
    int64_t until_ns = 0;  // records are held until then; 0: they are not
  };

  void GetSummary(const payments::SummaryRange& range, OnSummary done) {
    Question question{.range = range, .parts = PlanSum(range), .done = std::move(done)};
    if (!Available()) return question.done(std::nullopt);
    AskInCut(std::move(question));
  }

  void AskInCut(Question question) {
    cut.Ask([this, question = std::move(question)](int64_t until_ns) mutable {
      question.until_ns = until_ns;
      AskForSums(std::move(question));
    });
  }

  // Records are held for so long that an answer in time is as of its question.
  std::optional<payments::Summary> Judged(std::optional<payments::Summary> summary,
                                          const Question& question) {
    const bool as_of = loop.clock().MonotonicNanos() < question.until_ns;
    if (summary && !as_of && on_inexact) on_inexact();
    return summary;
  }

  // A transaction of plain reads: no purge and no record comes in between. A thousand sums cost
  // Redis a fifth of what they cost as values of a script. The keys contain the epoch: it asks with
  // the epoch seen last, and again if a new one has begun. An unfinished record (its journal
  // exists) is completed first.
  void AskForSums(Question question) {
    if (!Available() || !ExpectedBooks(memory)) return question.done(std::nullopt);
    // An error here makes EXEC fail, which OnSums sees, or drops the connection.
    const auto queued = [this](const redisReply* reply) { IsAnswer(reply); };
    connection.AskRole();
    connection.Queue(command.Begin(1).Add("MULTI"), queued);
    connection.Queue(command.Begin(2).Add("GET").Add(options.prefix + "epoch"), queued);
    connection.Queue(command.Begin(2).Add("EXISTS").Add(options.prefix + "journal"), queued);
    connection.Queue(command.Begin(2).Add("HGETALL").Add(options.prefix + "names"), queued);
    connection.Queue(command.Begin(2).Add("GET").Add(options.prefix + "books"), queued);
    connection.Queue(command.Begin(2).Add("EXISTS").Add(options.prefix + "lossy"), queued);
    const std::string nodes = options.prefix + "s:" + epoch + ":";
    connection.Queue(command.Begin(2).Add("GET").Add(nodes + "recent"), queued);
    for (const SumPart& part : question.parts) {
      connection.Queue(command.Begin(2).Add("HGETALL").Add(nodes + part.key), queued);
    }
    connection.Call(
        command.Begin(1).Add("EXEC"),
        [this, asked = epoch, question = std::move(question)](const redisReply* reply) mutable {
          OnSums(reply, asked, std::move(question));
        });
  }

  void OnSums(const redisReply* reply, const std::string& asked, Question question) {
    if (!IsAnswer(reply) || reply->type != REDIS_REPLY_ARRAY ||
        reply->elements != question.parts.size() + kBeforeParts) {
      return question.done(std::nullopt);
    }
    const redisReply& current = *reply->element[0];
    if (!IsAnswer(&current)) return question.done(std::nullopt);
    // No summary of other books, nor of our books while they are lossy.
    const std::optional<BooksText> expected = ExpectedBooks(memory);
    const bool ours =
        expected && (expected->text().empty() || TextOf(*reply->element[3]) == expected->text());
    const bool lacking = memory != nullptr && NumberOf(*reply->element[4]) != 0;
    if (!ours || lacking) return question.done(std::nullopt);
    epoch = current.type == REDIS_REPLY_NIL ? "0" : TextOf(current);
    const redisReply& journal = *reply->element[1];
    if (!IsAnswer(&journal)) return question.done(std::nullopt);
    const bool half_done = NumberOf(journal) != 0;
    if (epoch == asked && !half_done)
      return question.done(Judged(SummaryOf(*reply, question), question));
    if (--question.tries == 0) return question.done(std::nullopt);
    half_done ? Complete(std::move(question)) : AskInCut(std::move(question));
  }

  void Complete(Question question) {
    if (!Available()) return question.done(std::nullopt);
    connection.AskRole();
    connection.Call(connection.Begin(command, kComplete, 0),
                    [this, question = std::move(question)](const redisReply* reply) mutable {
                      if (!IsAnswer(reply)) return question.done(std::nullopt);
                      AskInCut(std::move(question));
                    });
  }

  // `reply` is: the epoch, the journal, the names, the books' id, whether they are lossy, the
  // recent payments, the parts.
  std::optional<payments::Summary> SummaryOf(const redisReply& reply, const Question& question) {
    Sums sums;
    const redisReply* const recent = reply.element[kBeforeParts - 1];
    if (!IsAnswer(recent)) return std::nullopt;
    if (!AddRecent(*recent, question.range, sums)) return std::nullopt;
    for (size_t i = 0; i < question.parts.size(); ++i) {
      const redisReply* part = reply.element[i + kBeforeParts];
      if (!IsAnswer(part)) return std::nullopt;
      if (!AddFields(*part, question.parts[i], sums)) return std::nullopt;
    }
    std::optional<Totals> totals = NameThem(sums, NamesOf(*reply.element[2]));
    if (!totals) return std::nullopt;
    return InOrder(std::move(*totals), directory);
  }

  void Find(const payments::Uuid& id, OnEntry done) {
    const std::optional<BooksText> books = ExpectedBooks(memory);
    if (!Available() || !books) return done(std::nullopt);
    std::string packed;
    PackUuid(packed, Spread(id));
    connection.AskRole();
    // "1": a caller without a table (reconcile) gets an answer from lossy books too.
    connection.Begin(command, kFind, 3).Add(packed).Add(books->text()).Add(memory ? "" : "1");
    connection.Call(command, [this, done = std::move(done)](const redisReply* reply) {
      if (!IsAnswer(reply)) return done(std::nullopt);
      const auto entry = ReadFindReply(*reply, directory);
      if (!entry && options.report) {
        options.report(true, "redis: an answer that find.lua cannot have given");
      }
      done(entry);
    });
  }

  void Purge(OnPurged done) {
    const std::optional<BooksText> books = ExpectedBooks(memory);
    if (!Available() || !books) return done(false);
    connection.AskRole();
    connection.Call(connection.Begin(command, kPurge, 1).Add(books->text()),
                    [this, done = std::move(done)](const redisReply* reply) {
                      const bool purged = IsAnswer(reply);
                      if (purged) {
                        cursor = "0";
                        sweep_timer.ArmIn(kSweepPauseNs);
                      }
                      done(purged);
                    });
  }

  void AcceptLoss(OnAccepted done) {
    if (!Available()) return done(std::nullopt);
    connection.AskRole();
    connection.Call(connection.Begin(command, kAcceptLoss, 0),
                    [this, done = std::move(done)](const auto* reply) {
                      if (!IsAnswer(reply)) return done(std::nullopt);
                      done(NumberOf(*reply));
                    });
  }

  // One page at a time with pauses, to keep the load on Redis low.
  void SweepStep() {
    if (!Available()) return sweep_timer.ArmIn(base::kNanosPerSecond);
    connection.Begin(command, kSweep, 2).Add(cursor).Add(kSweepKeys);
    connection.Call(command, [this](const redisReply* reply) {
      if (!IsAnswer(reply) || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
        return sweep_timer.ArmIn(base::kNanosPerSecond);
      }
      cursor = TextOf(*reply->element[0]);
      if (cursor != "0") sweep_timer.ArmIn(kSweepPauseNs);
    });
  }

  static constexpr size_t kBeforeParts = 6;
  // Another try is needed only if a purge or an unfinished record came in between.
  static constexpr int kTries = 4;
  static constexpr int64_t kSweepPauseNs = 5 * base::kNanosPerMilli;
  net::EventLoop& loop;
  const RedisOptions options;
  payments::ProcessorDirectory& directory;
  const BooksMemory* const memory;
  const size_t queries_max;
  RedisConnection connection;
  RedisCommand command;
  net::Timer sweep_timer;
  RedisSummaryCut cut;
  std::function<void()> on_inexact;
  std::string cursor = "0";
  std::string epoch = "0";  // when last seen
};

RedisBooks::RedisBooks(net::EventLoop& loop, const RedisOptions& options,
                       payments::ProcessorDirectory& directory, const BooksMemory* memory,
                       size_t queries_max)
    : impl_(std::make_unique<Impl>(loop, options, directory, memory, queries_max)) {}
RedisBooks::~RedisBooks() = default;
void RedisBooks::Start() {
  impl_->connection.Start();
  impl_->cut.Start();
}
void RedisBooks::OnInexactSummary(std::function<void()> count) {
  impl_->on_inexact = std::move(count);
}
bool RedisBooks::ready() const { return impl_->connection.ready(); }
void RedisBooks::GetSummary(const payments::SummaryRange& range, OnSummary done) {
  impl_->GetSummary(range, std::move(done));
}
void RedisBooks::Find(const payments::Uuid& id, OnEntry done) { impl_->Find(id, std::move(done)); }
void RedisBooks::Purge(OnPurged done) { impl_->Purge(std::move(done)); }

void RedisBooks::AcceptLoss(OnAccepted done) { impl_->AcceptLoss(std::move(done)); }

}  // namespace tollgate::ledger
