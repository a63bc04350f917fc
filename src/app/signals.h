// Signals: what the daemon does about each that may be sent to it.
//
// Those that ask for the end of a process drain it: SIGTERM, SIGINT, SIGQUIT, SIGPWR, SIGXCPU.
// Those that a fault of the program raises itself (SIGSEGV, SIGABRT …), that stop and continue it,
// and SIGKILL do what they always do. Every other one, SIGHUP, SIGUSR1 and SIGUSR2 among them,
// would end it without a drain and is ignored, with a line in the log.
//
// Thread: the main thread's.
#pragma once

#include <string>

namespace tollgate::app {

// For this thread and those that it starts: call it before any is started.
void BlockSignals();
// Until one that asks for the end; its name.
std::string WaitForStop();

}  // namespace tollgate::app
