#include "tests/support/audit.h"

#include <random>
#include <sstream>
#include <vector>

#include "tollgate/payments/timestamp.h"

namespace tollgate::testing {

namespace {

void CountIds(const Holdings& low, const Holdings& high, const Load& load, AuditResult* result) {
  for (const auto& [id, cents] : load.accepted()) {
    const auto a = low.find(id);
    const auto b = high.find(id);
    if (a == low.end() && b == high.end()) ++result->lost;
    if (a != low.end() && a->second.cents != cents) ++result->wrong_amount;
    if (b != high.end() && b->second.cents != cents) ++result->wrong_amount;
  }
  for (const Holdings* holdings : {&low, &high}) {
    for (const auto& [id, payment] : *holdings) {
      if (!load.accepted().contains(id) && !load.uncertain().contains(id)) ++result->stray;
      if (holdings == &low && high.contains(id)) ++result->twice;
    }
  }
}

// The totals of one processor's holdings, both ends inclusive.
Stack::Totals Between(const Holdings& holdings, int64_t from_ms, int64_t to_ms) {
  Stack::Totals totals;
  for (const auto& [id, payment] : holdings) {
    if (payment.requested_at_ms < from_ms || payment.requested_at_ms > to_ms) continue;
    ++totals.count;
    totals.cents += payment.cents;
  }
  return totals;
}

// To the millisecond: ranges that begin and end exactly at a booking.
void CompareRanges(const Holdings& low, const Holdings& high, const std::string& address,
                   AuditResult* result) {
  constexpr int kRanges = 8;
  std::vector<int64_t> times;
  for (const Holdings* holdings : {&low, &high}) {
    for (const auto& [id, payment] : *holdings) times.push_back(payment.requested_at_ms);
  }
  if (times.empty()) return;
  std::mt19937_64 random(times.size());
  for (int i = 0; i < kRanges; ++i) {
    int64_t from_ms = times[random() % times.size()];
    int64_t to_ms = times[random() % times.size()];
    if (from_ms > to_ms) std::swap(from_ms, to_ms);
    auto booked = Stack::Summary(address, "?from=" + payments::TimestampToString(from_ms) +
                                              "&to=" + payments::TimestampToString(to_ms));
    if (!(booked["default"] == Between(low, from_ms, to_ms))) ++result->summary_differences;
    if (!(booked["fallback"] == Between(high, from_ms, to_ms))) ++result->summary_differences;
  }
}

}  // namespace

std::string AuditResult::text() const {
  std::ostringstream out;
  out << "accepted " << accepted << ", lost " << lost << ", charged twice " << twice << ", stray "
      << stray << ", wrong amount " << wrong_amount << ", summary differences "
      << summary_differences;
  return out.str();
}

AuditResult Audit(Stack& stack, const Load& load, const std::string& address, int settle_ms) {
  AuditResult result;
  result.accepted = load.accepted().size();
  std::map<std::string, Stack::Totals> held;
  std::map<std::string, Stack::Totals> booked;
  Eventually(
      [&] {
        held = stack.HeldTotals();
        booked = Stack::Summary(address);
        const auto count = static_cast<size_t>(held["default"].count + held["fallback"].count);
        if (booked != held || count < result.accepted) return false;
        // Payments whose answer was cut off count too, and may be booked before accepted ones.
        AuditResult now;
        CountIds(stack.Held(0), stack.Held(1), load, &now);
        return now.lost == 0;
      },
      settle_ms);
  for (const auto& [name, totals] : held) {
    if (!(booked[name] == totals)) ++result.summary_differences;
  }
  const Holdings low = stack.Held(0);
  const Holdings high = stack.Held(1);
  CountIds(low, high, load, &result);
  CompareRanges(low, high, address, &result);
  return result;
}

}  // namespace tollgate::testing
