// What the payment table survives.
//
// Thread: a value type.
#pragma once

#include <cstdint>

namespace tollgate::table {

enum class Durability : uint8_t {
  kMemory,   // an anonymous mapping: ends with the process
  kProcess,  // a file mapping without syncs: survives the end of the process
  kDisk,     // group commits: survives power loss
};

}  // namespace tollgate::table
