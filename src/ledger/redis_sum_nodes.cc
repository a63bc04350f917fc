#include <algorithm>
#include <string>
#include <utility>

#include "ledger/lua_scripts.h"
#include "ledger/packed.h"
#include "ledger/redis_connection.h"
#include "ledger/redis_reply.h"
#include "tollgate/base/assert.h"
#include "tollgate/ledger/sum_nodes.h"

namespace tollgate::ledger {
namespace {

constexpr size_t kReplyHead = 6;
constexpr size_t kRecentBytes = 13;
constexpr size_t kFieldBytes = 3;  // 'c' or 'a', the processor's index, the node's index

}  // namespace

struct RedisSumNodes::Impl {
  enum Script : size_t { kSums, kMend };

  Impl(net::EventLoop& loop, const RedisOptions& options_in,
       payments::ProcessorDirectory& directory_in)
      : options(options_in),
        directory(directory_in),
        connection(loop, options, {lua::kSums, lua::kMend},
                   {.on_ready = [](const RedisFacts&) {}, .on_lost = [] {}}) {}

  // True if the reply has at least `elements` elements; else drops the connection, which
  // reconnects.
  bool IsAnswer(const redisReply* reply, size_t elements) {
    if (reply == nullptr) return false;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements >= elements) return true;
    connection.Drop(reply->type == REDIS_REPLY_ERROR ? std::string(TextOf(*reply))
                                                     : "an answer that no script can give");
    return false;
  }

  void Read(std::span<const SumFamily> families, OnPage done) {
    TG_ASSERT(families.size() <= kSumFamiliesMax);
    if (!connection.ready()) return done(std::nullopt);
    connection.AskRole();
    connection.Begin(command, kSums, 2 * families.size());
    for (const SumFamily& family : families) {
      command.Add(std::to_string(family.level)).Add(std::to_string(family.node));
    }
    connection.Call(command, [this, asked = std::vector(families.begin(), families.end()),
                              done = std::move(done)](const redisReply* reply) {
      if (!IsAnswer(reply, kReplyHead)) return done(std::nullopt);
      done(PageOf(asked, *reply));
    });
  }

  SumPage PageOf(const std::vector<SumFamily>& asked, const redisReply& reply) {
    SumPage page;
    page.epoch = static_cast<uint32_t>(NumberOf(*reply.element[0]));
    page.shelf = NumberOf(*reply.element[1]);
    if (!TextOf(*reply.element[2]).empty()) page.memory_began_ms = NumberOf(*reply.element[2]);
    page.mends = NumberOf(*reply.element[3]);
    const redisReply& flat = *reply.element[5];
    names = NamesOf(flat);
    AddRecent(TextOf(*reply.element[4]), page);
    for (size_t i = 0; kReplyHead + 2 * i + 1 < reply.elements && i < asked.size(); ++i) {
      SumFamilyPage family{.family = asked[i], .children = {}, .above = {}};
      AddChildren(*reply.element[kReplyHead + 2 * i], family);
      AddAbove(flat, *reply.element[kReplyHead + 2 * i + 1], family);
      page.families.push_back(std::move(family));
    }
    return page;
  }

  void AddRecent(std::string_view text, SumPage& page) {
    for (Unpacker in(text); text.size() >= kRecentBytes; text.remove_prefix(kRecentBytes)) {
      RecentSum recent;
      recent.processor = ProcessorOf(static_cast<int64_t>(in.Take<1>()));
      recent.requested_at_ms = static_cast<int64_t>(in.Take<6>());
      recent.amount_cents = static_cast<int64_t>(in.Take<6>());
      if (recent.processor != payments::kNoProcessor) page.recent.push_back(recent);
    }
  }

  void AddChildren(const redisReply& fields, SumFamilyPage& family) {
    for (size_t i = 0; i + 1 < fields.elements; i += 2) {
      const std::string_view field = TextOf(*fields.element[i]);
      if (field.size() != kFieldBytes) continue;
      Unpacker in(field.substr(1));
      const payments::ProcessorId processor = ProcessorOf(static_cast<int64_t>(in.Take<1>()));
      const size_t child = in.Take<1>();
      if (processor == payments::kNoProcessor || child >= kSumChildren) continue;
      SumFigures& sum = family.children[processor][child];
      (field[0] == 'c' ? sum.count : sum.cents) = NumberOf(*fields.element[i + 1]);
    }
  }

  // `figures`: count and cents for each name of `flat`, in the same order.
  void AddAbove(const redisReply& flat, const redisReply& figures, SumFamilyPage& family) {
    for (size_t i = 0; i + 1 < std::min(flat.elements, figures.elements); i += 2) {
      const payments::ProcessorId processor = ProcessorOf(NumberOf(*flat.element[i + 1]));
      if (processor == payments::kNoProcessor) continue;
      family.above[processor] = {.count = NumberOf(*figures.element[i]),
                                 .cents = NumberOf(*figures.element[i + 1])};
    }
  }

  void Mend(const MendRequest& request, OnMended done) {
    if (!connection.ready()) return done(std::nullopt);
    connection.Begin(command, kMend, 8 + 5 * request.cells.size())
        .Add(std::to_string(request.epoch))
        .Add(std::to_string(request.shelf))
        .Add(std::to_string(request.mends))
        .Add(directory.Name(request.processor))
        .Add(std::to_string(request.range.from_ms))
        .Add(std::to_string(request.range.to_ms))
        .Add(std::to_string(request.level))
        .Add(std::to_string(request.node));
    for (const SumCell& cell : request.cells) {
      command.Add(std::to_string(cell.at_ms))
          .Add(std::to_string(cell.was.count))
          .Add(std::to_string(cell.was.cents))
          .Add(std::to_string(cell.is.count))
          .Add(std::to_string(cell.is.cents));
    }
    connection.Call(command, [this, done = std::move(done)](const redisReply* reply) {
      if (!IsAnswer(reply, 2)) return done(std::nullopt);
      done(MendReply{.mended = NumberOf(*reply->element[0]) == 1,
                     .mends = NumberOf(*reply->element[1])});
    });
  }

  payments::ProcessorId ProcessorOf(int64_t index) {
    return ProcessorNamed(names, index, directory);
  }

  const RedisOptions options;
  payments::ProcessorDirectory& directory;
  RedisConnection connection;
  RedisCommand command;
  std::map<int64_t, std::string> names;
};

RedisSumNodes::RedisSumNodes(net::EventLoop& loop, const RedisOptions& options,
                             payments::ProcessorDirectory& directory)
    : impl_(std::make_unique<Impl>(loop, options, directory)) {}
RedisSumNodes::~RedisSumNodes() = default;
void RedisSumNodes::Start() { impl_->connection.Start(); }
bool RedisSumNodes::ready() const { return impl_->connection.ready(); }
void RedisSumNodes::Read(std::span<const SumFamily> families, OnPage done) {
  impl_->Read(families, std::move(done));
}
void RedisSumNodes::Mend(const MendRequest& request, OnMended done) {
  impl_->Mend(request, std::move(done));
}

}  // namespace tollgate::ledger
