#include "tests/support/audit.h"

#include <sstream>

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
        return booked == held && static_cast<size_t>(held["default"].count +
                                                     held["fallback"].count) >= result.accepted;
      },
      settle_ms);
  for (const auto& [name, totals] : held) {
    if (!(booked[name] == totals)) ++result.summary_differences;
  }
  CountIds(stack.Held(0), stack.Held(1), load, &result);
  return result;
}

}  // namespace tollgate::testing
