// What simdjson's on-demand parsing leaves to its caller: texts as they were written, numbers as
// digits, and whether members that nobody needs are JSON (RFC 8259) all the same. Its first stage
// has seen to it that all is UTF-8, that strings end, and that they hold no control characters.
//
// Thread: pure functions; those on values move simdjson's iterator.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <cstring>
#include <string_view>

namespace tollgate::payments {

// Arrays and objects within a document's object; deeper ones are refused by that name.
inline constexpr int kJsonDepthMax = 64;

enum class JsonVerdict : uint8_t { kFine, kTooDeep, kNotJson };

// Is `item`, which nobody needs, JSON? `depth` is that of the value: 1 for a member's.
JsonVerdict CheckJson(simdjson::ondemand::value item, int depth);

// The digits and signs of a number, or the letters of a word, without the blanks behind.
std::string_view JsonToken(simdjson::ondemand::value& item);

// Is what stands between the quotes `text`, without escapes? REQUIRES: `raw` is the first byte
// behind a string's opening quote, in a buffer with padding for simdjson and for `text`.
inline bool JsonTextIs(const char* raw, std::string_view text) {
  return std::memcmp(raw, text.data(), text.size()) == 0 && raw[text.size()] == '"';
}

enum class JsonTextKind : uint8_t {
  kText,      // written out
  kHalfPair,  // JSON, but half of a surrogate pair is no character: there is no such text
  kNotJson,   // a bad escape
};
struct JsonText {
  JsonTextKind kind = JsonTextKind::kNotJson;
  size_t bytes = 0;  // of the whole text; more than there was room for: it was cut
};
// Writes out what stands between the quotes, escapes replaced, as far as there is room.
// REQUIRES: as above.
JsonText ReadJsonText(const char* raw, char* out, size_t room);

}  // namespace tollgate::payments
