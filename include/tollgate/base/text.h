// Text that comes from elsewhere (a peer, a file, Redis) made safe to be shown: in a line for
// people, in JSON.
//
// Thread: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tollgate::base {

// How many bytes the first character of `text` has in UTF-8 (RFC 3629): 1 to 4, or 0 if its first
// bytes are none.
size_t Utf8Bytes(std::string_view text);

// Does `text` consist of characters that a line can show: valid UTF-8 without control characters
// (also those of U+0080 to U+009F, and the separators of lines U+2028 and U+2029)?
bool IsPrintable(std::string_view text);

inline constexpr size_t kShownBytesMax = 4096;
// The text with every other byte as \xNN, cut after `bytes_max` bytes of it: one line, whatever
// somebody put into it.
std::string Printable(std::string_view text, size_t bytes_max = kShownBytesMax);

// Appends `text` as a JSON string with its quotes (RFC 8259 section 7). A byte that is not UTF-8
// becomes U+FFFD, so that the JSON is valid whatever the text is.
void AppendJsonString(std::string& out, std::string_view text);
std::string JsonString(std::string_view text);

}  // namespace tollgate::base
