// Snapshot: what the lease's holder publishes. One line per processor: name, failing (0 or 1),
// minResponseTime in ms and the answer's age in ms, separated by tabs. Unknown names are skipped,
// so instances with different configurations understand each other. Malformed or cut lines and
// larger response times are skipped too, because Redis may hold any text there.
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::health {

inline constexpr uint32_t kSnapshotResponseMsMax = INT32_MAX;

struct SnapshotLine {
  std::string name;
  bool failing = false;
  uint32_t min_response_ms = 0;
  int64_t age_ms = 0;
  bool operator==(const SnapshotLine&) const = default;
};

std::string FormatSnapshot(const std::vector<SnapshotLine>& lines);
std::vector<SnapshotLine> ParseSnapshot(std::string_view text);

}  // namespace tollgate::health
