// The folder of books in a file: several processes and SQLite rely on its locks.
//
// Thread: pure functions, at start-up.
#pragma once

#include <cstdint>
#include <string>

namespace tollgate::app {

// True for a type of statfs(2) whose files other hosts may change too.
bool IsNetworkFileSystem(int64_t type);
// What people must know of a folder for books in a file; empty: nothing.
std::string BooksFolderRisk(const std::string& folder);

}  // namespace tollgate::app
