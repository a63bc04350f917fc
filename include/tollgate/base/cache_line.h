// The size of a cache line, for keeping data of different threads apart.
//
// Thread: a constant.
#pragma once

#include <cstddef>

namespace tollgate::base {

// Not std::hardware_destructive_interference_size, which varies with compiler flags.
inline constexpr std::size_t kCacheLineBytes = 64;

}  // namespace tollgate::base
