// Reports: the lines that a forwarder writes for operators. It also counts contradictions.
//
// Thread: one worker's. Off the hot path.
// Owns: nothing; all that it refers to outlives it.
#pragma once

#include <string>

#include "tollgate/forward/attempt.h"
#include "tollgate/forward/forwarder.h"
#include "tollgate/metrics/instruments.h"

namespace tollgate::forward {

class Reports {
 public:
  Reports(const ForwarderOptions& options, const payments::ProcessorDirectory& directory,
          const table::PaymentTable& table, metrics::ForwardMetrics& metrics)
      : options_(options), directory_(directory), table_(table), metrics_(metrics) {}

  void Problem(const std::string& text) const { Say(true, text); }
  // Also for the end of a problem.
  void Info(const std::string& text) const { Say(false, text); }

  // `what` is booked at its processor, and the books say that `other` booked it too.
  void BookedTwice(const std::string& what, payments::ProcessorId other) const;
  // `text` says which payment it is, and how it may have been charged twice.
  void PossibleDoubleCharge(const std::string& text) const;

  // "<id> at <processor>, attempt <number>"
  std::string Describe(const Attempt& attempt) const;
  std::string NameOf(payments::ProcessorId id) const;

 private:
  void Say(bool problem, const std::string& text) const {
    if (options_.report) options_.report(problem, text);
  }

  const ForwarderOptions& options_;
  const payments::ProcessorDirectory& directory_;
  const table::PaymentTable& table_;
  metrics::ForwardMetrics& metrics_;
};

}  // namespace tollgate::forward
