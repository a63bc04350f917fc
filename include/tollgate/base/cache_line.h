// The size of a cache line, for keeping data of different threads apart.
//
// Thread: any.
#pragma once

#include <cstddef>

namespace tollgate::base {

// A constant of ours: std::hardware_destructive_interference_size varies with compiler flags.
inline constexpr std::size_t kCacheLineBytes = 64;

}  // namespace tollgate::base
