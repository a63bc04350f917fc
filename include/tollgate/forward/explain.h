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

// One processor, for a payment that has just arrived.
struct Reasons {
  ProcessorView view;
  CostEstimate estimate;
  bool chosen = false;
  std::string why;  // a clause: "5.03 %: 5.00 % fee and 0.03 % for 3 ms in flight"
};

struct Routing {
  Moment moment;
  std::vector<Reasons> processors;  // by ProcessorId
  bool waits = false;               // a payment would wait for a processor that cannot take it yet
  bool claims = false;              // the ledger accepts claims, so payments are sent
};

// Removes due probes and samples from `views`, so that they show where most payments go.
void LeaveOutTrials(std::span<ProcessorView> views);

// Explains the choice without probes.
Routing Explain(std::vector<ProcessorView> views, const Moment& moment,
                const PolicyOptions& options, ChooseFunction choose);

// For the log: "payments go to fallback (…); default: …". `names` by ProcessorId.
std::string Describe(const Routing& routing, const std::vector<std::string>& names);

}  // namespace tollgate::forward
