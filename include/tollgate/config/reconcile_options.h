// ReconcileOptions: the options of `tollgate reconcile`.
//
// Thread: a value type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tollgate/payments/summary.h"
#include "tollgate/payments/uuid.h"

namespace tollgate::config {

struct ReconcileOptions {
  payments::SummaryRange range;  // an open `from`: as far back as the books know ids
  int64_t min_age_ms = 60'000;
  bool repair = false;
  bool named_only = false;
  std::vector<payments::Uuid> ids;
  std::map<std::string, std::string> admin_tokens;  // by processor; never shown
  size_t in_flight_max = 32;                        // look-ups per processor
  int64_t patience_ms = 30'000;
  bool json = false;      // JSON instead of the table on stdout
  std::string json_file;  // and JSON to this file
};

// The environment variable with a processor's admin token: ADMIN_TOKEN_DEFAULT for "default".
std::string TokenVariable(const std::string& processor);

}  // namespace tollgate::config
