// How much of the machine's CPU time this process may use.
//
// Thread: any. It only reads the system's files.
#pragma once

#include <string>

namespace tollgate::base {

// The number of CPUs: the smaller of the cgroup's quota (v2 cpu.max or v1 cpu.cfs_quota_us) and the
// CPUs that the process may run on. Tests put another folder in place of "/" with `root`.
double CpuQuota(const std::string& root = "");

}  // namespace tollgate::base
