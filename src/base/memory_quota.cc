#include "tollgate/base/memory_quota.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string_view>

namespace tollgate::base {
namespace {

uint64_t MachineMemory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page <= 0) return UINT64_MAX;
  return static_cast<uint64_t>(pages) * static_cast<uint64_t>(page);
}

// A number of bytes. Without a limit ("max", no file, other text) UINT64_MAX.
uint64_t LimitIn(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  if (!(file >> text)) return UINT64_MAX;
  uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc{} || end != text.data() + text.size() || bytes == 0) return UINT64_MAX;
  return bytes;
}

// The smallest limit in the files named `file` of the group `path` below `folder` and of its
// parents.
uint64_t LeastOf(const std::string& folder, std::string path, const std::string& file) {
  uint64_t least = LimitIn(folder + "/" + file);
  while (!path.empty() && path != "/") {
    std::string limit = folder;
    limit.append(path).append("/").append(file);
    least = std::min(least, LimitIn(limit));
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
  return least;
}

bool Lists(std::string_view controllers, std::string_view wanted) {
  while (!controllers.empty()) {
    const size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == wanted) return true;
    controllers.remove_prefix(comma == std::string_view::npos ? controllers.size() : comma + 1);
  }
  return false;
}

}  // namespace

uint64_t MemoryQuota(const std::string& root) {
  const std::string groups = root + "/sys/fs/cgroup";
  // A container sees its own group as the root. Outside a container, /proc/self/cgroup names it.
  uint64_t quota = std::min({MachineMemory(), LimitIn(groups + "/memory.max"),
                             LimitIn(groups + "/memory/memory.limit_in_bytes")});
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string_view controllers(line.data() + first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      quota = std::min(quota, LeastOf(groups, path, "memory.max"));
    } else if (Lists(controllers, "memory")) {
      quota = std::min(quota, LeastOf(groups + "/memory", path, "memory.limit_in_bytes"));
    }
  }
  return quota;
}

}  // namespace tollgate::base
