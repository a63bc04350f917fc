// The processor's rounding of amounts: half to even, to two decimal places.
//
// Thread: pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tollgate::sim {

// A JSON number in cents: 19.985 and 19.975 are 1998. Nothing if it is no number, negative, or too
// large for an amount.
std::optional<int64_t> RoundToCents(std::string_view json_number);

}  // namespace tollgate::sim
