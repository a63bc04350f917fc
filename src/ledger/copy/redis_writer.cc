// Writes books into Redis, as they are copied (docs/REDIS.md has the keys and values).
#include <bit>
#include <memory>
#include <vector>

#include "ledger/copy/buckets.h"
#include "ledger/copy/image.h"
#include "ledger/copy/redis_session.h"
#include "ledger/packed.h"
#include "ledger/redis_reply.h"
#include "ledger/spread_id.h"
#include "tollgate/ledger/sum_nodes.h"

namespace tollgate::ledger::copy {
namespace {

std::string PackedId(const payments::Uuid& id) {
  std::string text;
  PackUuid(text, id);
  return text;
}

class RedisWriter final : public ImageWriter {
 public:
  explicit RedisWriter(const RedisOptions& options) : redis_(options) {}

  base::Status Begin(const Head& head) override {
    if (auto status = redis_.Open(); !status.ok()) return status;
    head_ = head;
    bits_ = std::countr_zero(redis_.options().buckets);
    int64_t found = 0;
    const std::vector<const char*> keys{"books",  "owners", "pending", "tables", "numbers",
                                        "claims", "epoch",  "shelf",   "names"};
    RedisCommand& command = redis_.command().Begin(1 + keys.size()).Add("EXISTS");
    for (const char* key : keys) command.Add(redis_.Key(key));
    redis_.Send(command, [&](const redisReply& reply) { found = NumberOf(reply); });
    if (auto status = redis_.Wait(); !status.ok()) return status;
    if (found != 0) {
      return base::Error{"there is something under the prefix " + redis_.options().prefix +
                         " in this Redis: books, or a copy that was cut off; name another "
                         "REDIS_PREFIX, or delete its keys if they are not needed"};
    }
    return PutSmall();
  }

  void PutPending(const payments::Uuid& id, const file::PendingClaim& claim) override {
    std::string value = PackedId(claim.table);
    Pack<4>(value, claim.slot);
    Pack<4>(value, claim.generation);
    Pack<2>(value, claim.attempt);
    Pack<1>(value, claim.processor);
    Pack<6>(value, static_cast<uint64_t>(claim.at_ms));
    Pack<6>(value, static_cast<uint64_t>(claim.cents));
    Pack<4>(value, claim.epoch);
    Pack<8>(value, claim.incarnation);
    Pack<8>(value, claim.identity);
    Pack<6>(value, 0);
    Put("claims", PackedId(Spread(id)), value);
  }

  void PutSettled(const payments::Uuid& id, const file::Settled& settled,
                  const file::Shelf& shelf) override {
    std::string value;
    Pack<1>(value, settled.kind);
    Pack<1>(value, settled.processor);
    Pack<6>(value, static_cast<uint64_t>(settled.at_ms));
    Pack<6>(value, static_cast<uint64_t>(settled.cents));
    const std::string spread = PackedId(Spread(id));
    const BucketName name = NameOfBucket(std::string_view(spread), bits_);
    Put("k:" + Epoch() + ":" + std::to_string(shelf.number) + ":" + name.in_key,
        spread.substr(name.of_id.size()), value);
  }

  void PutSum(const Sum& sum) override {
    std::string key = "s:" + Epoch() + ":" + std::to_string(sum.level);
    std::string index(1, static_cast<char>(sum.processor));
    if (sum.level == kSumTop) {
      Pack<2>(index, static_cast<uint64_t>(sum.node));
    } else {
      key += ":" + std::to_string(sum.node >> kSumBits);
      Pack<1>(index, static_cast<uint64_t>(sum.node) & (kSumChildren - 1));
    }
    redis_.Send(redis_.command()
                    .Begin(6)
                    .Add("HSET")
                    .Add(redis_.Key(key))
                    .Add("c" + index)
                    .Add(std::to_string(sum.count))
                    .Add("a" + index)
                    .Add(std::to_string(sum.cents)),
                [](const redisReply&) {});
  }

  // Tables and the id come together and last: without them nobody takes the rest for books.
  base::Status Finish() override {
    if (auto status = redis_.Wait(); !status.ok()) return status;
    const auto ignore = [](const redisReply&) {};
    redis_.Send(redis_.command().Begin(1).Add("MULTI"), ignore);
    for (const auto& [id, row] : head_.tables) PutTable(id, row);
    redis_.Send(redis_.command()
                    .Begin(5)
                    .Add("MSET")
                    .Add(redis_.Key("owners"))
                    .Add("moved")
                    .Add(redis_.Key("books"))
                    .Add(PackedId(head_.header.books)),
                ignore);
    redis_.Send(redis_.command().Begin(1).Add("EXEC"), ignore);
    return redis_.Wait();
  }

 private:
  std::string Epoch() const { return std::to_string(head_.header.epoch); }
  void Put(const std::string& key, const std::string& field, const std::string& value) {
    redis_.Send(redis_.command().Begin(4).Add("HSET").Add(redis_.Key(key)).Add(field).Add(value),
                [](const redisReply&) {});
  }
  void Set(const std::string& key, const std::string& value) {
    redis_.Send(redis_.command().Begin(3).Add("SET").Add(redis_.Key(key)).Add(value),
                [](const redisReply&) {});
  }
  base::Status PutSmall() {
    const file::Header& header = head_.header;
    Set("epoch", Epoch());
    if (header.purged_ms != 0) Set("purged", std::to_string(header.purged_ms));
    if (header.mends != 0) Set("mends", std::to_string(header.mends));
    if (header.lossy_s != 0) Set("lossy", std::to_string(header.lossy_s));
    for (size_t i = 0; i < header.names->size(); ++i) {
      const std::string& name = (*header.names)[i];
      if (!name.empty()) Put("names", name, std::to_string(i));
    }
    if (header.present) {
      const file::Shelf& it = *header.present;
      const int64_t older_began_s = header.older ? header.older->began_s : 0;
      const std::string bits = std::to_string(bits_);
      Set("shelf", std::to_string(it.number) + " " + std::to_string(it.began_s) + " " +
                       std::to_string(it.lasts_s) + " " + bits + " " +
                       std::to_string(older_began_s) + " " + bits + " " + std::to_string(it.epoch));
    }
    return redis_.Wait();
  }
  // The entry has no names: the first call of the table says them.
  void PutTable(const payments::Uuid& id, const file::OwnerRow& row) {
    const std::string key = PackedId(id);
    std::string entry;
    Pack<8>(entry, row.incarnation);
    Pack<8>(entry, row.nonce);
    Pack<1>(entry, 0);
    if (row.incarnation != 0 || row.nonce != 0) Put("tables", key, entry);
    if (row.number) Put("numbers", key, std::to_string(row.gone ? -*row.number : *row.number));
    if (row.seen_s != 0) Put("seen", key, std::to_string(row.seen_s));
  }

  RedisSession redis_;
  Head head_;
  int bits_ = 0;
};

}  // namespace

std::unique_ptr<ImageWriter> MakeRedisWriter(const RedisOptions& options) {
  return std::make_unique<RedisWriter>(options);
}

}  // namespace tollgate::ledger::copy
