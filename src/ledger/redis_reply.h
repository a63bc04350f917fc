// What is read from the scripts' replies.
//
// Thread: pure functions.
#pragma once

#include <hiredis/hiredis.h>

#include <charconv>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace tollgate::ledger {

inline std::string_view TextOf(const redisReply& reply) { return {reply.str, reply.len}; }

// An integer, or a text of decimal digits; 0 for anything else.
inline int64_t NumberOf(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER) return reply.integer;
  int64_t number = 0;
  const std::string_view text = TextOf(reply);
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// The ledger's processors by their index, from HGETALL of the names.
inline std::map<int64_t, std::string> NamesOf(const redisReply& flat) {
  std::map<int64_t, std::string> names;
  for (size_t i = 0; i + 1 < flat.elements; i += 2) {
    names[NumberOf(*flat.element[i + 1])] = TextOf(*flat.element[i]);
  }
  return names;
}

}  // namespace tollgate::ledger
