// LineLimit: limits how many log lines of a kind are written. The first lines of a kind are written
// at once. Further ones are counted, and the last is written once more with the count.
//
// Thread: any (takes a lock).
// Invariants: in each interval, each kind writes at most as many lines as its caller allows. The
// line with the count of the interval before is one of them. At most `kinds_max` kinds are kept.
// All further kinds share one entry, so neither lines nor memory depend on what peers send.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "tollgate/base/clock.h"

namespace tollgate::base {

// The text without what differs between lines of a kind: each word that begins with a digit, each
// UUID and each hexadecimal number of 16 digits or more becomes '#'. At most 200 bytes.
std::string KindOf(std::string_view text);

struct LineLimitOptions {
  int64_t interval_ms = 10'000;
  size_t kinds_max = 64;
};

class LineLimit {
 public:
  // Takes the level that Report was given, and a line. Called with the lock held: it must not call
  // the LineLimit.
  using Write = std::function<void(int level, std::string_view line)>;

  LineLimit(const Clock& clock, Write write, LineLimitOptions options = {})
      : clock_(clock), write_(std::move(write)), options_(options) {}

  // Writes the line, or counts it if `of_a_kind_max` of its kind were written in this interval.
  void Report(int level, std::string_view text, size_t of_a_kind_max = 1);
  // For each kind whose interval is over and that held lines back: writes the last line with the
  // count. Call it about once a second. `all` includes kinds whose interval is not over.
  void ReportHeldBack(bool all = false);

 private:
  struct Kind {
    int64_t began_ns = 0;    // start of the interval
    size_t reported = 0;     // lines written in the interval
    uint64_t seen = 0;       // calls of Report in the interval
    uint64_t held_back = 0;  // calls that wrote no line
    uint64_t order = 0;      // of the last line, among the lines of all kinds
    int level = 0;           // of the last line that was held back
    std::string last = {};
  };
  Kind& Find(std::string kind, int64_t now_ns);
  void Begin(Kind& kind, int64_t now_ns);
  bool IsOver(const Kind& kind, int64_t now_ns) const;

  const Clock& clock_;
  const Write write_;
  const LineLimitOptions options_;
  std::mutex mutex_;
  std::unordered_map<std::string, Kind> kinds_;  // guarded by mutex_
  uint64_t lines_ = 0;                           // guarded by mutex_
};

}  // namespace tollgate::base
