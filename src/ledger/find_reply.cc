#include "ledger/find_reply.h"

#include "ledger/redis_reply.h"

namespace tollgate::ledger {

std::optional<std::optional<BookEntry>> ReadFindReply(const redisReply& reply,
                                                      payments::ProcessorDirectory& directory) {
  if (reply.type == REDIS_REPLY_NIL) return std::optional<BookEntry>();
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 8) return std::nullopt;
  if (reply.element[0]->type != REDIS_REPLY_INTEGER) return std::nullopt;
  const auto state = EntryStateFrom(NumberOf(*reply.element[0]));
  if (!state) return std::nullopt;
  BookEntry entry;
  entry.state = *state;
  entry.attempt = static_cast<uint16_t>(NumberOf(*reply.element[1]));
  const std::string_view name = TextOf(*reply.element[2]);
  if (!name.empty()) {
    entry.processor = directory.Add(name).value_or(payments::kNoProcessor);
  }
  entry.requested_at_ms = NumberOf(*reply.element[3]);
  entry.amount_cents = NumberOf(*reply.element[4]);
  entry.reason = payments::RejectReasonFrom(static_cast<uint64_t>(NumberOf(*reply.element[5])));
  entry.counted = NumberOf(*reply.element[6]) == 1;
  entry.epoch = static_cast<uint32_t>(NumberOf(*reply.element[7]));
  return entry;
}

}  // namespace tollgate::ledger
