// The run of a host on which books in a file are: from one boot of its kernel to the next. What was
// committed and not synced survives a process, and not a run.
//
// Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tollgate::ledger::file {

// Every name of a run begins so. No run of a Redis does.
inline constexpr std::string_view kRunPrefix = "file:";
// The present run. If the kernel does not tell, a name that no other process gets.
std::string RunName();
// Another run on the same boot. None had this name before.
std::string NextRunName(const std::string& boot);
// Milliseconds since the boot of the kernel.
int64_t SinceBootMs();

}  // namespace tollgate::ledger::file
