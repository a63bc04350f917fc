// Helpers that read the scripts' replies.
//
// Thread: pure functions.
#pragma once

#include <hiredis/hiredis.h>

#include <charconv>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "tollgate/payments/processor_directory.h"

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

// Processor names by ledger index, from HGETALL of the names.
inline std::map<int64_t, std::string> NamesOf(const redisReply& flat) {
  std::map<int64_t, std::string> names;
  for (size_t i = 0; i + 1 < flat.elements; i += 2) {
    names[NumberOf(*flat.element[i + 1])] = TextOf(*flat.element[i]);
  }
  return names;
}

// The processor of that index, added to `directory` if it is new. kNoProcessor if the index has no
// name or the directory is full.
inline payments::ProcessorId ProcessorNamed(const std::map<int64_t, std::string>& names,
                                            int64_t index,
                                            payments::ProcessorDirectory& directory) {
  const auto name = names.find(index);
  if (name == names.end()) return payments::kNoProcessor;
  return directory.Add(name->second).value_or(payments::kNoProcessor);
}

}  // namespace tollgate::ledger
