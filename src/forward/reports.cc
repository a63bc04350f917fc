#include "forward/reports.h"

namespace tollgate::forward {

void Reports::BookedTwice(const std::string& what, payments::ProcessorId other) const {
  metrics_.contradictions.Add();
  Problem("double charge: " + what + " is booked, and the books say that " + NameOf(other) +
          " booked it too; look it up at both processors");
}

void Reports::PossibleDoubleCharge(const std::string& text) const {
  metrics_.contradictions.Add();
  Problem("possible double charge: " + text);
}

std::string Reports::Describe(const Attempt& attempt) const {
  return payments::ToString(table_.At(attempt.slot).payment.id) + " at " +
         (attempt.processor == payments::kNoProcessor ? "no processor"
                                                      : NameOf(attempt.processor)) +
         ", attempt " + std::to_string(attempt.number);
}

std::string Reports::NameOf(payments::ProcessorId id) const {
  return id == payments::kNoProcessor ? "another processor" : directory_.Label(id);
}

}  // namespace tollgate::forward
