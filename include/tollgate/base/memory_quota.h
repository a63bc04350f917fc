// How much memory this process may use.
//
// Thread: pure but for reading the system's files.
#pragma once

#include <cstdint>
#include <string>

namespace tollgate::base {

// In bytes: the smallest of the limits of the cgroup and those above it (v2 memory.max, v1
// memory.limit_in_bytes) and the machine's memory. What cannot be read as a limit is none. `root`
// stands for "/" in tests.
uint64_t MemoryQuota(const std::string& root = "");

}  // namespace tollgate::base
