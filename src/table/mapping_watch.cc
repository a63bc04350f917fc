#include "table/mapping_watch.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "tollgate/base/assert.h"
#include "tollgate/table/payment_table.h"

namespace tollgate::table {
namespace {

struct Entry {
  std::atomic<bool> taken{false};
  std::atomic<uintptr_t> begin{0};  // 0: skip this entry; written after `end` and `path`
  std::atomic<uintptr_t> end{0};
  std::array<char, 512> path{};
};
std::array<Entry, 64> entries;

void Write(std::string_view text) {
  const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
  (void)written;  // if stderr fails, there is no other place to report it
}

// Async-signal-safe: it reads atomics and calls write, signal and _exit.
void OnBusError(int /*signal*/, siginfo_t* info, void* /*context*/) {
  const auto at = reinterpret_cast<uintptr_t>(info->si_addr);
  for (const Entry& entry : entries) {
    const uintptr_t begin = entry.begin.load(std::memory_order_acquire);  // partner: MappingWatch
    if (info->si_code <= 0 || begin == 0 || at < begin || at >= entry.end.load()) continue;
    Write("tollgate: the payment table ");
    Write(entry.path.data());
    Write(
        " has lost a part: its file was truncated, or its disk failed. Nothing more is done with "
        "it; restore the file, or see what is left with `tollgate pending`\n");
    ::_exit(kTableLostExitCode);
  }
  // Not a fault in a table: restore the default action. A fault repeats at the same instruction. A
  // signal that a process sent is raised again.
  ::signal(SIGBUS, SIG_DFL);
  if (info->si_code <= 0) ::raise(SIGBUS);
}

}  // namespace

MappingWatch::MappingWatch(const void* begin, size_t bytes, const std::string& path) {
  for (size_t i = 0; i < entries.size(); ++i) {
    Entry& entry = entries[i];
    if (entry.taken.exchange(true)) continue;
    entry.path.fill(0);
    std::copy_n(path.data(), std::min(path.size(), entry.path.size() - 1), entry.path.data());
    const auto first = reinterpret_cast<uintptr_t>(begin);
    entry.end.store(first + bytes);
    entry.begin.store(first, std::memory_order_release);  // partner: OnBusError
    entry_ = static_cast<int>(i);
    return;
  }
}

MappingWatch::~MappingWatch() {
  if (entry_ < 0) return;
  Entry& entry = entries[static_cast<size_t>(entry_)];
  entry.begin.store(0);
  entry.taken.store(false);
}

void ExitWithAWordIfATableIsLost() {
  struct sigaction action {};
  action.sa_sigaction = OnBusError;
  action.sa_flags = SA_SIGINFO;
  ::sigemptyset(&action.sa_mask);
  TG_CHECK(::sigaction(SIGBUS, &action, nullptr) == 0);
}

}  // namespace tollgate::table
