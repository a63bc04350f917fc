// Counter, Gauge and Histogram for the hot path. Each has one writer, so an increment is a plain
// add.
//
// Thread: the owner writes, any reads (relaxed: a value may be slightly old).
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace tollgate::metrics {

class Counter {
 public:
  void Add(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Gauge {
 public:
  void Set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void Add(int64_t n) { Set(value() + n); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// Counts by powers of two: bucket i holds values in [2^(i-1), 2^i), bucket 0 holds 0.
class Histogram {
 public:
  static constexpr size_t kBuckets = 40;
  void Observe(uint64_t value) {
    const size_t bucket = static_cast<size_t>(std::bit_width(value));
    counts_[bucket < kBuckets ? bucket : kBuckets - 1].Add();
    sum_.Add(value);
  }
  uint64_t count(size_t bucket) const { return counts_[bucket].value(); }
  uint64_t sum() const { return sum_.value(); }

 private:
  std::array<Counter, kBuckets> counts_;
  Counter sum_;
};

}  // namespace tollgate::metrics
