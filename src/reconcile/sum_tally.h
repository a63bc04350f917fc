// SumTally: totals by span of 4,096 ms (a node of level 2) and processor. A total has fingerprints
// beside its sums, weighted by each payment's millisecond. So two equal tallies agree in every
// millisecond, although no millisecond is stored; the chance of an error is 2^-64.
//
// Thread: a value type.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "tollgate/ledger/sum_nodes.h"
#include "tollgate/payments/payment.h"

namespace tollgate::reconcile {

inline constexpr int kSpanBits = 2 * ledger::kSumBits;

// Wraps around: Redis may hold any number.
inline int64_t Plus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
inline int64_t Minus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
inline ledger::SumFigures Plus(const ledger::SumFigures& a, const ledger::SumFigures& b) {
  return {.count = Plus(a.count, b.count), .cents = Plus(a.cents, b.cents)};
}
inline ledger::SumFigures Minus(const ledger::SumFigures& a, const ledger::SumFigures& b) {
  return {.count = Minus(a.count, b.count), .cents = Minus(a.cents, b.cents)};
}

struct SpanTotal {
  ledger::SumFigures sum;
  uint64_t counts_print = 0, cents_print = 0;
  uint64_t parts = 0;  // its parts of 64 ms that are not empty, from the lowest bit on

  bool Agrees(const SpanTotal& other) const {
    return sum == other.sum && counts_print == other.counts_print &&
           cents_print == other.cents_print;
  }
};

class SumTally {
 public:
  // REQUIRES: at_ms >= 0.
  void Add(payments::ProcessorId processor, int64_t at_ms, const ledger::SumFigures& sum) {
    SpanTotal& total = spans_[{at_ms >> kSpanBits, processor}];
    const uint64_t weight = WeightOf(static_cast<uint64_t>(at_ms));
    total.sum = Plus(total.sum, sum);
    total.counts_print += weight * static_cast<uint64_t>(sum.count);
    total.cents_print += weight * static_cast<uint64_t>(sum.cents);
    total.parts |= uint64_t{1} << (static_cast<uint64_t>(at_ms) >> ledger::kSumBits & 63U);
  }
  SpanTotal Of(int64_t span, payments::ProcessorId processor) const {
    const auto it = spans_.find({span, processor});
    return it == spans_.end() ? SpanTotal{} : it->second;
  }
  // By span and processor.
  const std::map<std::pair<int64_t, payments::ProcessorId>, SpanTotal>& spans() const {
    return spans_;
  }
  void Clear() { spans_.clear(); }

 private:
  // The finaliser of splitmix64 (Steele, Lea and Flood 2014).
  static uint64_t WeightOf(uint64_t x) {
    x += 0x9E3779B97F4A7C15U;
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31U);
  }
  std::map<std::pair<int64_t, payments::ProcessorId>, SpanTotal> spans_;
};

}  // namespace tollgate::reconcile
