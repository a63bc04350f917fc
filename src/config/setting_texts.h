// The texts of settings that are no plain numbers, times or switches.
//
// Thread: pure functions.
#pragma once

#include <string>
#include <vector>

#include "config/urls.h"
#include "tollgate/config/config.h"

namespace tollgate::config {

// "2025-07-15T17:00:00Z", or "17:00" for every day.
Problem ToCutoff(const std::string& text, forward::Cutoff& cutoff);
Problem ToDurability(const std::string& text, Config& config);
// Texts with commas between; empty: none.
Problem ToList(const std::string& text, std::vector<std::string>& list);

}  // namespace tollgate::config
