// How much memory this process may use.
//
// Thread: any. It only reads the system's files.
#pragma once

#include <cstdint>
#include <string>

namespace tollgate::base {

// In bytes: the smallest of the machine's memory and the limits of the cgroup and its parents (v2
// memory.max, v1 memory.limit_in_bytes). A limit that cannot be read counts as none. Tests put
// another folder in place of "/" with `root`.
uint64_t MemoryQuota(const std::string& root = "");

}  // namespace tollgate::base
