// Progress of a long command on stderr: one line that is redrawn on a terminal, else a line every
// few seconds.
//
// Thread: the main thread's.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "tollgate/base/clock.h"

namespace tollgate::reconcile {

class Progress {
 public:
  explicit Progress(const base::Clock& clock)
      : clock_(clock), terminal_(::isatty(STDERR_FILENO) == 1), next_ns_(NextNs()) {}
  ~Progress() { Clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  bool Due() const { return clock_.MonotonicNanos() >= next_ns_; }
  void Show(const std::string& text) {
    next_ns_ = NextNs();
    shown_ = terminal_;
    std::fprintf(stderr, terminal_ ? "\r\033[K%s" : "%s\n", text.c_str());
    std::fflush(stderr);
  }
  // Call before anything else is written.
  void Clear() {
    if (!shown_) return;
    shown_ = false;
    std::fputs("\r\033[K", stderr);
  }

 private:
  int64_t NextNs() const {
    constexpr int64_t kRedrawNs = 200 * base::kNanosPerMilli;
    constexpr int64_t kLineNs = 5 * base::kNanosPerSecond;
    return clock_.MonotonicNanos() + (terminal_ ? kRedrawNs : kLineNs);
  }

  const base::Clock& clock_;
  const bool terminal_;
  int64_t next_ns_;
  bool shown_ = false;
};

}  // namespace tollgate::reconcile
