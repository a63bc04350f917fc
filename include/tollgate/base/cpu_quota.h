// How much of the machine's processors this process may use.
//
// Thread: pure but for reading the system's files.
#pragma once

#include <string>

namespace tollgate::base {

// In CPUs: the smallest of the cgroup's quota (v2 cpu.max or v1 cpu.cfs_quota_us) and the CPUs that
// the process may run on. `root` stands for "/" in tests.
double CpuQuota(const std::string& root = "");

}  // namespace tollgate::base
