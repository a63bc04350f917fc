// How many descriptors this process may have.
//
// Thread: at start-up, one.
#pragma once

#include <cstddef>

namespace tollgate::base {

// Raises the soft limit to the hard one, which needs no right; the limit then in force.
size_t RaiseOpenFilesLimit();

}  // namespace tollgate::base
