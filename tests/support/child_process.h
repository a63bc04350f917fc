// ChildProcess: a real process under test. It is killed with the test (PR_SET_PDEATHSIG), the
// destructor reaps it, and its output goes to a file that a failing test can show.
//
// Thread: one test's.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace tollgate::testing {

class ChildProcess {
 public:
  ChildProcess() = default;
  // Starts argv[0] with `environment` added to a minimal one; stdout and stderr go to
  // `log_path`.
  ChildProcess(std::vector<std::string> argv, const std::string& log_path,
               const std::map<std::string, std::string>& environment = {});
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  bool running();
  void Signal(int signal) const;
  // SIGKILL and reap.
  void Kill();
  // Waits until the process ends by itself: its exit status, or 128 + the signal that ended it. -1
  // if it has not ended after `timeout_ms`.
  int WaitExit(int timeout_ms);
  std::string Log() const;

 private:
  void Reap(int status);
  pid_t pid_ = -1;
  int exit_status_ = -1;
  std::string log_path_;
};

// A temporary folder below TMPDIR, removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// User and system time of a process so far, in seconds.
double CpuSeconds(pid_t pid);

// A TCP port of 127.0.0.1 that was free a moment ago.
int FreePort();

// Calls `condition` until it holds; false if it does not within `timeout_ms`.
template <typename Condition>
bool Eventually(Condition&& condition, int timeout_ms = 20'000);

void PauseBriefly();
int64_t SteadyMillis();

template <typename Condition>
bool Eventually(Condition&& condition, int timeout_ms) {
  const int64_t deadline = SteadyMillis() + timeout_ms;
  while (!condition()) {
    if (SteadyMillis() > deadline) return false;
    PauseBriefly();
  }
  return true;
}

}  // namespace tollgate::testing
