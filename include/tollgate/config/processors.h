// The configured processors' names and identities, for a ProcessorDirectory.
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tollgate/config/config.h"

namespace tollgate::config {

std::vector<std::string> ProcessorNames(const Config& config);
// Per processor the hash of its identity, then the hashes of its former ones.
std::vector<std::vector<uint64_t>> ProcessorIdentities(const Config& config);

}  // namespace tollgate::config
