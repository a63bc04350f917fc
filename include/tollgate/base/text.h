// Makes text that comes from elsewhere (a peer, a file, Redis) safe to show in a log line, and
// decodes what is percent-encoded.
//
// Thread: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tollgate::base {

// How many bytes the first character of `text` has in UTF-8 (RFC 3629): 1 to 4. 0: the text is
// empty or does not begin with valid UTF-8.
size_t Utf8Bytes(std::string_view text);

// True if a line can show every character of `text`: valid UTF-8 without control characters (also
// U+0080 to U+009F) and without the line separators U+2028 and U+2029.
bool IsPrintable(std::string_view text);

inline constexpr size_t kShownBytesMax = 4096;
// The text on one line. Each byte that a line cannot show becomes \xNN. The text is cut after
// `bytes_max` bytes.
std::string Printable(std::string_view text, size_t bytes_max = kShownBytesMax);

// Undoes percent-encoding (RFC 3986 section 2.1); a '+' stays one. Nothing if a '%' is not followed
// by two hexadecimal digits.
std::optional<std::string> PercentDecoded(std::string_view text);

}  // namespace tollgate::base
