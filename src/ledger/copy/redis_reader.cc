// Reads books in Redis, to copy them (docs/REDIS.md has the keys and values).
#include <charconv>
#include <cstdlib>
#include <memory>
#include <set>
#include <sstream>
#include <utility>
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

constexpr size_t kClaimBytes = 65;
constexpr size_t kSettledBytes = 14;
constexpr size_t kRecentBytes = 13;
constexpr size_t kIdBytes = 16;
constexpr size_t kTableBytes = 16;  // of an owner's entry: incarnation and nonce

// Calls `use` with each field and value of a hash.
void EachField(const redisReply& hash,
               const std::function<void(std::string_view field, std::string_view value)>& use) {
  for (size_t i = 0; i + 1 < hash.elements; i += 2) {
    use(TextOf(*hash.element[i]), TextOf(*hash.element[i + 1]));
  }
}

int64_t ToNumber(std::string_view text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

file::PendingClaim ClaimOf(std::string_view value) {
  Unpacker in(value);
  file::PendingClaim claim;
  claim.table = in.TakeUuid();
  claim.slot = static_cast<uint32_t>(in.Take<4>());
  claim.generation = static_cast<uint32_t>(in.Take<4>());
  claim.attempt = static_cast<uint16_t>(in.Take<2>());
  claim.processor = static_cast<uint8_t>(in.Take<1>());
  claim.at_ms = static_cast<int64_t>(in.Take<6>());
  claim.cents = static_cast<int64_t>(in.Take<6>());
  claim.epoch = static_cast<uint32_t>(in.Take<4>());
  claim.incarnation = in.Take<8>();
  claim.identity = in.Take<8>();
  return claim;
}

file::Settled SettledOf(std::string_view value) {
  Unpacker in(value);
  file::Settled settled;
  settled.kind = static_cast<uint8_t>(in.Take<1>());
  settled.processor = static_cast<uint8_t>(in.Take<1>());
  settled.at_ms = static_cast<int64_t>(in.Take<6>());
  settled.cents = static_cast<int64_t>(in.Take<6>());
  return settled;
}

class RedisReader final : public ImageReader {
 public:
  explicit RedisReader(const RedisOptions& options) : redis_(options) {}

  base::Result<Head> ReadHead() override {
    if (auto status = redis_.Open(); !status.ok()) return status.error();
    Head head;
    damaged_ = 0;
    Get("books", [&](std::string_view text) {
      if (text.size() == kIdBytes) head.header.books = Unpacker(text).TakeUuid();
    });
    Get("epoch", [&](auto text) { head.header.epoch = static_cast<uint32_t>(ToNumber(text)); });
    Get("purged", [&](auto text) { head.header.purged_ms = ToNumber(text); });
    Get("mends", [&](auto text) { head.header.mends = ToNumber(text); });
    Get("lossy", [&](auto text) { head.header.lossy_s = ToNumber(text); });
    Get("shelf", [&](auto text) { ReadShelves(text, head.header); });
    ReadNames(head.header);
    ReadTables(head);
    if (auto status = redis_.Wait(); !status.ok()) return status.error();
    if (head.header.books == payments::Uuid{}) {
      return base::Error{"there are no books under the prefix " + redis_.options().prefix +
                         " in this Redis"};
    }
    return head;
  }

  base::Status ReadContent(const Head& head, const ContentUse& use) override {
    redis_.Send(redis_.command().Begin(2).Add("HGETALL").Add(redis_.Key("claims")),
                [&](const redisReply& reply) {
                  EachField(reply, [&](std::string_view id, std::string_view value) {
                    const bool fits = id.size() == kIdBytes && value.size() == kClaimBytes;
                    if (!fits) return void(++damaged_);
                    use.pending(Unspread(Unpacker(id).TakeUuid()), ClaimOf(value));
                  });
                });
    const file::Header& header = head.header;
    if (header.present) ReadShelf(*header.present, bits_, header.epoch, use);
    if (header.older_is_known()) ReadShelf(*header.older, older_bits_, header.epoch, use);
    ReadTree(header.epoch, use);
    ReadRecent(header.epoch, use);
    if (auto status = redis_.Wait(); !status.ok()) return status;
    if (damaged_ == 0) return base::OkStatus();
    return base::Error{std::to_string(damaged_) +
                       " entries of the books in Redis are damaged, so they cannot be copied"};
  }

 private:
  void Get(const char* key, std::function<void(std::string_view text)> use) {
    redis_.Send(redis_.command().Begin(2).Add("GET").Add(redis_.Key(key)),
                [use = std::move(use)](const redisReply& reply) {
                  if (reply.type == REDIS_REPLY_STRING) use(TextOf(reply));
                });
  }
  void Hash(const std::string& key,
            std::function<void(std::string_view field, std::string_view value)> use) {
    redis_.Send(redis_.command().Begin(2).Add("HGETALL").Add(redis_.Key(key)),
                [use = std::move(use)](const redisReply& reply) { EachField(reply, use); });
  }
  void ReadShelves(std::string_view text, file::Header& header) {
    std::istringstream in{std::string(text)};
    file::Shelf present, older;
    in >> present.number >> present.began_s >> present.lasts_s >> bits_ >> older.began_s >>
        older_bits_ >> present.epoch;
    if (!in) return void(++damaged_);
    header.present = present;
    if (present.number == 1) return;
    older.number = present.number - 1;
    older.lasts_s = present.lasts_s;
    header.older = older;
  }
  void ReadNames(file::Header& header) {
    const auto names = std::make_shared<file::NameList>();
    header.names = names;
    Hash("names", [names](std::string_view name, std::string_view number) {
      const auto index = static_cast<size_t>(ToNumber(number));
      if (names->size() <= index) names->resize(index + 1);
      (*names)[index] = name;
    });
  }
  void ReadTables(Head& head) {
    const auto row_of = [&head](std::string_view id) -> file::OwnerRow& {
      return head.tables[Unpacker(id).TakeUuid()];
    };
    const auto each = [this](const char* key, size_t least, auto use) {
      Hash(key, [this, least, use](std::string_view id, std::string_view value) {
        if (id.size() != kIdBytes || value.size() < least) return void(++damaged_);
        use(id, value);
      });
    };
    each("tables", kTableBytes, [row_of](std::string_view id, std::string_view value) {
      Unpacker in(value);
      file::OwnerRow& row = row_of(id);
      row.incarnation = in.Take<8>();
      row.nonce = in.Take<8>();
    });
    each("numbers", 1, [row_of](std::string_view id, std::string_view value) {
      const int64_t number = ToNumber(value);
      row_of(id).number = std::abs(number);
      row_of(id).gone = number < 0;
    });
    each("seen", 1, [row_of](std::string_view id, std::string_view value) {
      row_of(id).seen_s = ToNumber(value);
    });
  }

  void ReadShelf(const file::Shelf& shelf, int bits, uint32_t epoch, const ContentUse& use) {
    const std::string key = "k:" + std::to_string(epoch) + ":" + std::to_string(shelf.number) + ":";
    for (int64_t bucket = 0; bucket < int64_t{1} << bits; ++bucket) {
      const BucketName name = NameOfBucket(bucket, bits);
      Hash(key + name.in_key,
           [this, shelf, &use, first = name.of_id](std::string_view field, std::string_view value) {
             const std::string id = first + std::string(field);
             if (id.size() != kIdBytes || value.size() != kSettledBytes) return void(++damaged_);
             use.settled(Unspread(Unpacker(id).TakeUuid()), SettledOf(value), shelf);
           });
    }
  }

  // Goes down from the top: a node that is there has children.
  void ReadTree(uint32_t epoch, const ContentUse& use) {
    std::vector<std::pair<int, int64_t>> keys{{kSumTop, 0}};  // level, number of the node above
    while (!keys.empty()) {
      const auto [level, above] = keys.back();
      keys.pop_back();
      const std::string key = "s:" + std::to_string(epoch) + ":" + std::to_string(level) +
                              (level == kSumTop ? "" : ":" + std::to_string(above));
      redis_.Send(redis_.command().Begin(2).Add("HGETALL").Add(redis_.Key(key)),
                  [this, &keys, &use, level = level, above = above](const redisReply& reply) {
                    for (const int64_t node : ReadNodes(reply, level, above, use)) {
                      if (level > 0) keys.emplace_back(level - 1, node);
                    }
                  });
      if (keys.empty() && !redis_.Wait().ok()) return;
    }
  }
  // Returns the numbers of the nodes, each once: several processors have the same.
  std::set<int64_t> ReadNodes(const redisReply& reply, int level, int64_t above,
                              const ContentUse& use) {
    std::set<int64_t> nodes;
    const size_t index_bytes = level == kSumTop ? 2 : 1;
    EachField(reply, [&](std::string_view field, std::string_view value) {
      if (field.size() != 2 + index_bytes) return void(++damaged_);
      Unpacker in(field.substr(1));
      Sum sum{.level = level, .processor = static_cast<uint8_t>(in.Take<1>())};
      const auto index = static_cast<int64_t>(index_bytes == 2 ? in.Take<2>() : in.Take<1>());
      sum.node = level == kSumTop ? index : (above << kSumBits) + index;
      (field[0] == 'c' ? sum.count : sum.cents) = ToNumber(value);
      use.sum(sum);
      nodes.insert(sum.node);
    });
    return nodes;
  }
  // What is counted and not in the tree yet.
  void ReadRecent(uint32_t epoch, const ContentUse& use) {
    redis_.Send(redis_.command().Begin(2).Add("GET").Add(
                    redis_.Key("s:" + std::to_string(epoch) + ":recent")),
                [&](const redisReply& reply) {
                  if (reply.type != REDIS_REPLY_STRING) return;
                  Unpacker in(TextOf(reply));
                  for (size_t left = TextOf(reply).size(); left != 0; left -= kRecentBytes) {
                    if (left < kRecentBytes) return void(++damaged_);
                    Sum sum{.processor = static_cast<uint8_t>(in.Take<1>()), .count = 1};
                    sum.node = static_cast<int64_t>(in.Take<6>());
                    sum.cents = static_cast<int64_t>(in.Take<6>());
                    for (; sum.level <= kSumTop; ++sum.level, sum.node >>= kSumBits) use.sum(sum);
                  }
                });
  }

  RedisSession redis_;
  int bits_ = 0, older_bits_ = 0;
  int64_t damaged_ = 0;
};

}  // namespace

std::unique_ptr<ImageReader> MakeRedisReader(const RedisOptions& options) {
  return std::make_unique<RedisReader>(options);
}

}  // namespace tollgate::ledger::copy
