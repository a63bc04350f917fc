// What the payment table survives.
//
// Thread: a value type.
#pragma once

#include <cstdint>

namespace tollgate::table {

enum class Durability : uint8_t {
  kMemory,   // an anonymous mapping: dies with the process
  kProcess,  // a file mapping, no syncs: survives the death of the process
  kDisk,     // group commits: survives power loss
};

}  // namespace tollgate::table
