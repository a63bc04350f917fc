// Signals: what the daemon does about each signal.
//
// SIGTERM, SIGINT, SIGQUIT, SIGPWR and SIGXCPU start a drain. Signals of program faults (SIGSEGV,
// SIGABRT …), job control and SIGKILL have their usual effect. All others, such as SIGHUP, SIGUSR1
// and SIGUSR2, would end the process without a drain. They are ignored, with a line in the log.
//
// Thread: the main thread's.
#pragma once

#include <string>

namespace tollgate::app {

// Blocks signals in this thread and those that it starts. Call it before any thread starts.
void BlockSignals();
// Waits for a signal that starts a drain. Returns its name.
std::string WaitForStop();

}  // namespace tollgate::app
