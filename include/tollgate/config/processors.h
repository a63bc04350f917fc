// The configured processors' names and identities, for a directory of them (ProcessorDirectory).
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tollgate/config/config.h"

namespace tollgate::config {

std::vector<std::string> ProcessorNames(const Config& config);
// The hashes of each processor's identity, and behind it those of what it was before.
std::vector<std::vector<uint64_t>> ProcessorIdentities(const Config& config);

}  // namespace tollgate::config
