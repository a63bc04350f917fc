// A fixed permutation of the 128 bits of a payment's id. The books store the permuted id. Buckets
// are chosen by its first bits. In ids that a clock makes (UUID versions 1, 6 and 7) or that count
// up, the first bits are the same for many.
//
// A Feistel network of two rounds: each half is mixed into the other by the finaliser of splitmix64
// (Steele, Lea and Flood 2014). Ids that differ only in one half come out as different as random
// ones. It is not a secret: a client can choose ids that all go into one bucket.
//
// Thread: pure functions.
#pragma once

#include <cstdint>

#include "tollgate/payments/uuid.h"

namespace tollgate::ledger {

constexpr uint64_t MixOf(uint64_t x) {
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31U);
}

constexpr payments::Uuid Spread(payments::Uuid id) {
  id.low ^= MixOf(id.high);
  id.high ^= MixOf(id.low);
  return id;
}
constexpr payments::Uuid Unspread(payments::Uuid id) {
  id.high ^= MixOf(id.low);
  id.low ^= MixOf(id.high);
  return id;
}

}  // namespace tollgate::ledger
