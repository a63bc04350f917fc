// Uuid: a correlationId as 128 bits, so upper and lower case are the same payment.
//
// Thread: a value type.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tollgate::payments {

struct Uuid {
  uint64_t high = 0;  // the first eight bytes of the text, most significant first
  uint64_t low = 0;
  auto operator<=>(const Uuid&) const = default;  // NOLINT(modernize-use-nullptr)
};

inline constexpr size_t kUuidTextBytes = 36;

// Accepts only the 36-character form of RFC 9562 section 4, in either case, of any version and
// variant. Braces and "urn:uuid:" are not accepted.
std::optional<Uuid> ParseUuid(std::string_view text);

// Writes 36 lower-case characters without a terminator. REQUIRES: room for kUuidTextBytes at `out`.
void FormatUuid(const Uuid& id, char* out);
std::string ToString(const Uuid& id);

}  // namespace tollgate::payments

template <>
struct std::hash<tollgate::payments::Uuid> {
  size_t operator()(const tollgate::payments::Uuid& id) const noexcept {
    return static_cast<size_t>(id.high * 0x9E3779B97F4A7C15U ^ id.low);
  }
};
