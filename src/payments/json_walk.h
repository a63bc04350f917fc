// What simdjson's on-demand parsing leaves to its caller: strings as written, numbers as digits,
// and the check that unused members are valid JSON (RFC 8259). simdjson's first stage has checked
// that all is UTF-8, that strings end, and that they hold no control characters.
//
// Thread: pure functions. Those that take a value move simdjson's iterator.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <cstring>
#include <string_view>

namespace tollgate::payments {

// The greatest nesting of arrays and objects in a document's object. Deeper ones are kTooDeep.
inline constexpr int kJsonDepthMax = 64;

enum class JsonVerdict : uint8_t { kFine, kTooDeep, kNotJson };

// Checks that `item`, which is not used, is JSON. `depth` is that of the value: 1 for a member's.
JsonVerdict CheckJson(simdjson::ondemand::value item, int depth);

// The characters of a number or of a literal, without the white space after it.
std::string_view JsonToken(simdjson::ondemand::value& item);

// True if the string's content is exactly `text`, without escapes. REQUIRES: `raw` is the first
// byte after a string's opening quote, in a buffer with padding for simdjson and for `text`.
inline bool JsonTextIs(const char* raw, std::string_view text) {
  return std::memcmp(raw, text.data(), text.size()) == 0 && raw[text.size()] == '"';
}

enum class JsonTextKind : uint8_t {
  kText,      // the text is complete
  kHalfPair,  // valid JSON, but half of a surrogate pair is no character
  kNotJson,   // an invalid escape
};
struct JsonText {
  JsonTextKind kind = JsonTextKind::kNotJson;
  size_t bytes = 0;  // of the whole text; it was cut if this is more than `room`
};
// Copies a string's content and replaces escapes, as far as `room` allows. REQUIRES: as for
// JsonTextIs.
JsonText ReadJsonText(const char* raw, char* out, size_t room);

}  // namespace tollgate::payments
