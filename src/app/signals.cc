#include "app/signals.h"

#include <signal.h>

#include <array>
#include <cstring>

#include "tollgate/base/logging.h"

namespace tollgate::app {
namespace {

constexpr std::array kStop{SIGTERM, SIGINT, SIGQUIT, SIGPWR, SIGXCPU};
// A system call of the same thread also reports these, as an error.
constexpr std::array kNoNews{SIGPIPE, SIGXFSZ};
// Not handled: signals of program faults, of job control, and harmless ones.
constexpr std::array kLeft{SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGABRT, SIGTRAP, SIGSYS,
                           SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD, SIGURG,  SIGWINCH};
// Signals of profilers. Without a handler they would end the process.
constexpr std::array kProfilers{SIGPROF, SIGVTALRM};

// The signals to wait for. The kernel excludes SIGKILL and SIGSTOP, the C library its own.
sigset_t Awaited() {
  sigset_t set;
  ::sigfillset(&set);
  for (const int number : kNoNews) ::sigdelset(&set, number);
  for (const int number : kLeft) ::sigdelset(&set, number);
  for (const int number : kProfilers) ::sigdelset(&set, number);
  return set;
}

bool IsStop(int number) {
  for (const int stop : kStop) {
    if (number == stop) return true;
  }
  return false;
}

std::string NameOf(int number) {
  const char* const name = ::sigabbrev_np(number);
  return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(number);
}

}  // namespace

void BlockSignals() {
  const sigset_t set = Awaited();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  for (const int number : kNoNews) ::signal(number, SIG_IGN);
  for (const int number : kProfilers) {
    struct sigaction now {};
    if (::sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) {
      ::signal(number, SIG_IGN);
    }
  }
}

std::string WaitForStop() {
  const sigset_t set = Awaited();
  for (;;) {
    int number = 0;
    if (::sigwait(&set, &number) != 0) continue;
    if (IsStop(number)) return NameOf(number);
    base::LogWarning(NameOf(number) +
                     " is ignored: settings are read at the start alone, and the log goes to "
                     "standard error; SIGTERM stops the gateway");
  }
}

}  // namespace tollgate::app
