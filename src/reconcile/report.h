// The report of `tollgate reconcile`: a table for people, or one JSON document.
//
// Thread: value types and pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reconcile/reconciler.h"
#include "reconcile/sum_check.h"
#include "tollgate/ledger/silent_claims.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::reconcile {

struct ProcessorReport {
  std::string name;
  AskerStats stats;
  // With a token: both summaries over the range, and the part of their difference that the findings
  // explain.
  bool has_token = false;
  std::optional<Gap> books, processor;  // nothing: not available
  Gap found;                            // of the payments that differ
  std::string problem;                  // why a summary is missing
};

struct ReconcileReport {
  payments::SummaryRange range;
  int64_t known_from_ms = 0;
  bool repair = false;
  bool named_only = false;
  ReconcileCounts counts;
  std::vector<ProcessorReport> processors;
  std::vector<Finding> findings;
  std::vector<ledger::SilentOwner> silent;  // pending claims of silent gateways
  SumsReport sums;
  std::vector<std::string> errors;  // each says what to do; empty: the comparison is complete
};

// Number of differences that no repair has settled.
size_t DifferencesLeft(const ReconcileReport& report);
// The part of a summary's difference that the findings do not explain; {0, 0} if they explain it.
std::optional<Gap> Unexplained(const ProcessorReport& processor);
// 0, 1 or 2, as include/tollgate/reconcile/reconcile.h says.
int ExitCode(const ReconcileReport& report);

// Lists at most `rows_max` payments and as many sums.
std::string ToTable(const ReconcileReport& report, const payments::ProcessorDirectory& names,
                    size_t rows_max = 200);
std::string ToJson(const ReconcileReport& report, const payments::ProcessorDirectory& names);

}  // namespace tollgate::reconcile
