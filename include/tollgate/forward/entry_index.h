// EntryIndex: a place in a forwarder's attempt pool. A type of its own, so that it is not taken for
// the slot of its payment (table::SlotIndex). It costs nothing: it is the number.
//
// Thread: any.
#pragma once

#include <cstdint>

namespace tollgate::forward {

enum class EntryIndex : uint32_t {};

inline constexpr EntryIndex kNoEntry{UINT32_MAX};

// As the pool's memory and the processor client's cookies have it.
constexpr uint32_t NumberOf(EntryIndex entry) { return static_cast<uint32_t>(entry); }

}  // namespace tollgate::forward
