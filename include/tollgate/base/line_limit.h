// LineLimit: how many lines of a kind are written. What one problem, one peer or one client can
// cause again and again is told at once, then counted, and told once more with its count.
//
// Thread: any (takes a lock).
// Invariants: in each interval, of each kind at most as many lines as its caller allows and the one
// that tells the count of the interval before. At most `kinds_max` kinds are known at a time, and
// all further ones are one kind together: neither lines nor memory depend on what others send.
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

// The text without what tells one line of a kind from another: each word that begins with a digit,
// each UUID and each hexadecimal number of 16 digits or more is a '#'. At most 200 bytes of it.
std::string KindOf(std::string_view text);

struct LineLimitOptions {
  int64_t interval_ms = 10'000;
  size_t kinds_max = 64;
};

class LineLimit {
 public:
  // `write` takes a line and what Tell was given as its level. Called with the lock held: it may
  // not come back here.
  using Write = std::function<void(int level, std::string_view line)>;

  LineLimit(const Clock& clock, Write write, LineLimitOptions options = {})
      : clock_(clock), write_(std::move(write)), options_(options) {}

  // Writes the line, or counts it if `of_a_kind_max` of its kind were written in this interval.
  void Report(int level, std::string_view text, size_t of_a_kind_max = 1);
  // Of each kind whose interval is over and that was held back: the last line with the count. To be
  // called every second or so. `all`: also of those whose interval is not over.
  void ReportHeldBack(bool all = false);

 private:
  struct Kind {
    int64_t began_ns = 0;    // of the interval
    size_t reported = 0;     // lines, in the interval
    uint64_t seen = 0;       // how often it was to be told, in the interval
    uint64_t held_back = 0;  // and how often it was not
    uint64_t order = 0;      // of its last line, among those of all kinds
    int level = 0;           // of the last that was held back
    std::string last = {};
  };
  Kind& Find(std::string kind, int64_t now_ns);
  void Begin(Kind& kind, int64_t now_ns);
  bool IsOver(const Kind& kind, int64_t now_ns) const;

  const Clock& clock_;
  const Write write_;
  const LineLimitOptions options_;
  std::mutex mutex_;
  std::unordered_map<std::string, Kind> kinds_;  // by mutex_
  uint64_t lines_ = 0;                           // by mutex_
};

}  // namespace tollgate::base
