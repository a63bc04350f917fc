// Random: small, fast, seeded pseudo-random numbers (splitmix64, Steele, Lea and Flood 2014) for
// jitter and for simulations. Not for secrets: those come from the kernel.
//
// Thread: one at a time.
#pragma once

#include <cstdint>

#include "tollgate/base/assert.h"

namespace tollgate::base {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15U;
    uint64_t x = state_;
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31U);
  }
  // Returns 0 to bound - 1. REQUIRES: bound > 0. The bias is below 2^-32 for bounds below 2^32.
  uint64_t Below(uint64_t bound) {
    TG_ASSERT(bound > 0);
    return Next() % bound;
  }
  // True once in `n` calls on average.
  bool OneIn(uint64_t n) { return Below(n) == 0; }

 private:
  uint64_t state_;
};

}  // namespace tollgate::base
