#include <algorithm>
#include <utility>

#include "ledger/lua_scripts.h"
#include "ledger/packed.h"
#include "ledger/packed_batch.h"
#include "ledger/redis_connection.h"
#include "ledger/redis_reply.h"
#include "ledger/spread_id.h"
#include "tollgate/ledger/claim_reader.h"

namespace tollgate::ledger {
namespace {

// One page takes a fraction of a millisecond of Redis' time.
constexpr const char* kBucketsPerPage = "128";
constexpr const char* kEntriesPerPage = "128";
constexpr size_t kOwnerBytes = 24;
constexpr size_t kReplyHead = 8;

// `buckets`: of the shelf that was read. Pending claims are a small part and count as 0.
double ShareOf(const ClaimCursor& next, int64_t buckets) {
  if (next.shelf == 0) return 0;
  const double of_shelf = static_cast<double>(next.bucket) / static_cast<double>(buckets);
  return (static_cast<double>(next.shelf - 1) + of_shelf) / 2;
}

// The shelves stay those of the first page, also if a new shelf begins during the run.
std::optional<ClaimCursor> Next(const ClaimCursor& cursor, int64_t present, int64_t bucket,
                                std::string_view scan) {
  ClaimCursor next = cursor;
  next.present = present;
  next.bucket = std::max<int64_t>(bucket, 0);
  next.scan = scan;
  next.older = 1;  // there are no others
  if (bucket < 0 && ++next.shelf > 2) return std::nullopt;
  return next;
}

}  // namespace

struct RedisClaimReader::Impl {
  Impl(net::EventLoop& loop, const RedisOptions& options_in,
       payments::ProcessorDirectory& directory_in)
      : options(options_in),
        directory(directory_in),
        connection(loop, options, {lua::kScanClaims},
                   {.on_ready = [this](const RedisFacts& facts) { run_id = facts.run_id; },
                    .on_lost = [] {}}) {}

  void Read(const ClaimCursor& cursor, OnPage done) {
    if (!connection.ready()) return done(std::nullopt);
    const bool pending = cursor.shelf == 0;
    connection.AskRole();
    connection.Begin(command, 0, 5)
        .Add(pending ? "p" : std::to_string(cursor.present - (cursor.shelf == 1 ? 1 : 0)))
        .Add(std::to_string(cursor.bucket))
        .Add(cursor.scan)
        .Add(kBucketsPerPage)
        .Add(kEntriesPerPage);
    connection.Call(command, [this, cursor, done = std::move(done)](const redisReply* reply) {
      if (reply != nullptr && reply->type == REDIS_REPLY_ARRAY && reply->elements >= kReplyHead) {
        return done(PageOf(cursor, *reply));
      }
      if (reply != nullptr) {
        connection.Drop(reply->type == REDIS_REPLY_ERROR
                            ? std::string(TextOf(*reply))
                            : "an answer that scan_claims.lua cannot give");
      }
      done(std::nullopt);
    });
  }

  ClaimPage PageOf(const ClaimCursor& cursor, const redisReply& reply) {
    ClaimPage page;
    page.run_id = run_id;
    page.epoch = static_cast<uint32_t>(NumberOf(*reply.element[0]));
    page.now_ms = NumberOf(*reply.element[1]);
    page.known_from_ms = NumberOf(*reply.element[2]);
    page.shelf = NumberOf(*reply.element[6]);
    const int64_t present = cursor.shelf == 0 ? page.shelf : cursor.present;
    page.next = Next(cursor, present, NumberOf(*reply.element[3]), TextOf(*reply.element[4]));
    const int64_t buckets = std::max<int64_t>(1, NumberOf(*reply.element[7]));
    page.share = page.next ? ShareOf(*page.next, buckets) : 1;
    names = NamesOf(*reply.element[5]);
    for (size_t i = kReplyHead; i + 1 < reply.elements; i += 2) {
      const std::string_view bytes = TextOf(*reply.element[i]);
      const redisReply& fields = *reply.element[i + 1];
      for (size_t f = 0; f + 1 < fields.elements; f += 2) {
        const std::string_view key = TextOf(*fields.element[f]);
        const std::string_view value = TextOf(*fields.element[f + 1]);
        const bool fine =
            cursor.shelf == 0 ? AddPending(page, key, value) : AddBooked(page, bytes, key, value);
        if (!fine) ++page.damaged;
      }
    }
    return page;
  }

  static payments::Uuid IdOf(std::string_view bytes) {
    return Unspread(Unpacker(bytes).TakeUuid());
  }

  bool AddPending(ClaimPage& page, std::string_view key, std::string_view value) {
    if (key.size() != kIdBytes || value.size() != kPendingBytes) return false;
    Unpacker in(value.substr(kOwnerBytes));
    Claim claim;
    claim.id = IdOf(key);
    claim.entry.state = EntryState::kPending;
    claim.entry.attempt = static_cast<uint16_t>(in.Take<2>());
    claim.entry.processor = ProcessorOf(in.Take<1>());
    claim.entry.requested_at_ms = static_cast<int64_t>(in.Take<6>());
    claim.entry.amount_cents = static_cast<int64_t>(in.Take<6>());
    claim.entry.epoch = static_cast<uint32_t>(in.Take<4>());
    page.claims.push_back(claim);
    return true;
  }

  // `bytes`: the first bytes of the id; the others are in `key`.
  bool AddBooked(ClaimPage& page, std::string_view bytes, std::string_view key,
                 std::string_view value) {
    if (bytes.size() + key.size() != kIdBytes || value.size() != kBookedBytes) return false;
    Unpacker in(value);
    Claim claim;
    claim.id = IdOf(std::string(bytes) + std::string(key));
    const uint64_t kind = in.Take<1>();
    claim.entry.state = kind < 2 ? EntryState::kBooked : EntryState::kRejected;
    claim.entry.reason = payments::RejectReasonFrom(kind < 2 ? 0 : kind - 2);
    claim.entry.counted = kind == 0;
    claim.entry.processor = ProcessorOf(in.Take<1>());
    claim.entry.requested_at_ms = static_cast<int64_t>(in.Take<6>());
    claim.entry.amount_cents = static_cast<int64_t>(in.Take<6>());
    page.claims.push_back(claim);
    return true;
  }

  payments::ProcessorId ProcessorOf(uint64_t index) {
    return ProcessorNamed(names, static_cast<int64_t>(index), directory);
  }

  const RedisOptions options;
  payments::ProcessorDirectory& directory;
  std::string run_id;
  RedisConnection connection;
  RedisCommand command;
  std::map<int64_t, std::string> names;
};

RedisClaimReader::RedisClaimReader(net::EventLoop& loop, const RedisOptions& options,
                                   payments::ProcessorDirectory& directory)
    : impl_(std::make_unique<Impl>(loop, options, directory)) {}
RedisClaimReader::~RedisClaimReader() = default;
void RedisClaimReader::Start() { impl_->connection.Start(); }
bool RedisClaimReader::ready() const { return impl_->connection.ready(); }
void RedisClaimReader::Read(const ClaimCursor& cursor, OnPage done) {
  impl_->Read(cursor, std::move(done));
}

}  // namespace tollgate::ledger
