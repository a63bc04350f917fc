// A number of 53 bits with a check of 11 bits in one word. It is stored with one store, and a word
// that Seal did not make is detected.
//
// Thread: pure; Raise and NumberIn any.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

namespace tollgate::table {

inline constexpr uint64_t kSealedMax = (uint64_t{1} << 53U) - 1;

// splitmix64's finaliser; 0 becomes 0, so that a file of zeros holds the number 0.
inline uint64_t CheckOf(uint64_t number) {
  uint64_t hash = (number ^ number >> 30U) * 0xBF58476D1CE4E5B9U;
  hash = (hash ^ hash >> 27U) * 0x94D049BB133111EBU;
  return (hash ^ hash >> 31U) & 0x7FFU;
}

// REQUIRES: number <= kSealedMax.
inline uint64_t Seal(uint64_t number) { return number << 11U | CheckOf(number); }
inline std::optional<uint64_t> Unseal(uint64_t word) {
  const uint64_t number = word >> 11U;
  return Seal(number) == word ? std::optional(number) : std::nullopt;
}

inline uint64_t NumberIn(const std::atomic<uint64_t>& word) {
  return Unseal(word.load(std::memory_order_acquire)).value_or(0);  // partner: Raise
}

// Raises a sealed number to `to`, but only while it is at most `from_max`. False: it was not
// raised.
inline bool Raise(std::atomic<uint64_t>& word, uint64_t to, uint64_t from_max = kSealedMax) {
  uint64_t known = word.load(std::memory_order_relaxed);
  for (;;) {
    const uint64_t number = Unseal(known).value_or(0);
    if (number >= to || number > from_max) return false;
    // Release: a thread that sees the number sees the slots as they were when it was confirmed.
    // Partner: NumberIn.
    if (word.compare_exchange_weak(known, Seal(to), std::memory_order_release,
                                   std::memory_order_relaxed)) {
      return true;
    }
  }
}

}  // namespace tollgate::table
