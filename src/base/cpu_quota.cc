#include "tollgate/base/cpu_quota.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>

namespace tollgate::base {
namespace {

// Reads "150000 100000" or "max 100000".
std::optional<double> QuotaV2(const std::string& path) {
  std::ifstream file(path);
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return std::nullopt;
  return std::stod(quota) / period;
}

std::optional<double> QuotaV1(const std::string& folder) {
  double quota = 0;
  double period = 0;
  std::ifstream(folder + "/cpu.cfs_quota_us") >> quota;
  std::ifstream(folder + "/cpu.cfs_period_us") >> period;
  if (quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

// A container sees its own cgroup as the root. Outside a container, /proc/self/cgroup names it.
std::string OwnCgroup(const std::string& root) {
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::")) return line.substr(3);
  }
  return "/";
}

}  // namespace

double CpuQuota(const std::string& root) {
  cpu_set_t set;
  double cpus = 1;
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) cpus = CPU_COUNT(&set);
  const std::string groups = root + "/sys/fs/cgroup";
  for (const std::string& path : {groups + "/cpu.max", groups + OwnCgroup(root) + "/cpu.max"}) {
    if (const auto quota = QuotaV2(path)) cpus = std::min(cpus, *quota);
  }
  for (const std::string& folder : {groups + "/cpu", groups + "/cpu,cpuacct"}) {
    if (const auto quota = QuotaV1(folder)) cpus = std::min(cpus, *quota);
  }
  return cpus;
}

}  // namespace tollgate::base
