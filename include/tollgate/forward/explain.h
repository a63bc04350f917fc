// Explain: why each processor is or is not chosen, in numbers and in words for people.
//
// Thread: pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tollgate/forward/policy.h"

namespace tollgate::forward {

// One processor as it stands for a payment that has just come.
struct Reasons {
  ProcessorView view;
  CostEstimate estimate;
  bool chosen = false;
  std::string why;  // a clause: "5.03 %: 5.00 % fee and 0.03 % for 3 ms in flight"
};

struct Routing {
  Moment moment;
  std::vector<Reasons> processors;  // by ProcessorId
  bool waits = false;               // a payment would wait for a processor that is not chosen yet
  bool claims = false;              // the ledger takes claims: payments are sent at all
};

// Where the bulk goes, not a payment now and then: probes and samples are taken out of `views`.
void LeaveOutTrials(std::span<ProcessorView> views);

// With probes left out.
Routing Explain(std::vector<ProcessorView> views, const Moment& moment,
                const PolicyOptions& options, ChooseFunction choose);

// "payments go to fallback (…); default: …", for the log. `names` by ProcessorId.
std::string Describe(const Routing& routing, const std::vector<std::string>& names);

}  // namespace tollgate::forward
