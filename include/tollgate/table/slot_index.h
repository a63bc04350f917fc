// SlotIndex: which slot of a payment table. A type of its own, so that it is not taken for another
// number, as a place in the attempt pool or a generation. It costs nothing: it is the number.
//
// Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ranges>

namespace tollgate::table {

enum class SlotIndex : uint32_t {};

// As the ledger and the table file have it.
constexpr uint32_t NumberOf(SlotIndex slot) { return static_cast<uint32_t>(slot); }

// Every slot of a table that has `slot_count`. REQUIRES: slot_count < 2^32.
inline auto AllSlots(size_t slot_count) {
  return std::views::iota(uint32_t{0}, static_cast<uint32_t>(slot_count)) |
         std::views::transform([](uint32_t number) { return SlotIndex{number}; });
}

}  // namespace tollgate::table
