// How many descriptors this process may have.
//
// Thread: the main thread, at start-up.
#pragma once

#include <cstddef>

namespace tollgate::base {

// Raises the soft limit to the hard limit, which needs no privilege. Returns the limit in force.
size_t RaiseOpenFilesLimit();

}  // namespace tollgate::base
