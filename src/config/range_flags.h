// The flags --from and --to of commands.
//
// Thread: pure functions.
#pragma once

#include <string>

#include "tollgate/base/result.h"
#include "tollgate/payments/summary.h"

namespace tollgate::config {

// An empty text leaves the range open at that end. Errors name the flag and the fix.
base::Status ReadRange(const std::string& from, const std::string& to,
                       payments::SummaryRange& range);

}  // namespace tollgate::config
