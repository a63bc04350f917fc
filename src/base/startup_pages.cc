#include "tollgate/base/startup_pages.h"

#include <sys/mman.h>

#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace tollgate::base {
namespace {

// One mapping of /proc/self/smaps (proc(5)).
struct Mapping {
  void* begin = nullptr;
  void* end = nullptr;
  bool of_file = false;  // private and not writable
  size_t resident_kb = 0;
  size_t anonymous_kb = 0;  // pages that no longer belong to the file
};

bool ReadHeader(const std::string& line, Mapping& mapping) {
  std::array<char, 5> rights{};
  uint64_t inode = 0;
  Mapping read;
  if (std::sscanf(line.c_str(), "%p-%p %4s %*x %*s %" SCNu64, &read.begin, &read.end, rights.data(),
                  &inode) != 4) {
    return false;
  }
  read.of_file = inode != 0 && rights[1] == '-' && rights[3] == 'p';
  mapping = read;
  return true;
}

// "Rss:    12 kB"
void ReadField(const std::string& line, const std::string& name, size_t& kb) {
  if (line.starts_with(name)) kb = std::stoul(line.substr(name.size()));
}

Result<std::vector<Mapping>> ReadMappings() {
  std::ifstream file("/proc/self/smaps");
  std::vector<Mapping> mappings;
  std::string line;
  while (std::getline(file, line)) {
    Mapping next;
    if (ReadHeader(line, next)) mappings.push_back(next);
    if (mappings.empty()) continue;
    ReadField(line, "Rss:", mappings.back().resident_kb);
    ReadField(line, "Anonymous:", mappings.back().anonymous_kb);
  }
  if (mappings.empty()) return ErrnoError("/proc/self/smaps");
  return mappings;
}

}  // namespace

Result<size_t> ReleaseStartupPages() {
  const auto mappings = ReadMappings();
  if (!mappings.ok()) return mappings.error();
  size_t returned = 0;
  for (const Mapping& mapping : mappings.value()) {
    if (!mapping.of_file || mapping.anonymous_kb != 0 || mapping.resident_kb == 0) continue;
    const auto bytes = static_cast<char*>(mapping.end) - static_cast<char*>(mapping.begin);
    if (::madvise(mapping.begin, static_cast<size_t>(bytes), MADV_DONTNEED) != 0) {
      return ErrnoError("madvise");
    }
    returned += mapping.resident_kb * 1024;
  }
  return returned;
}

}  // namespace tollgate::base
