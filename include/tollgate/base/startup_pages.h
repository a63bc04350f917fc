// Of the pages that a process has mapped once it runs, the larger part is of shared libraries that
// were read while they were linked and set up, and never again: symbol tables, code of protocols
// that nobody speaks. They count as resident memory of the process for as long as the kernel has no
// better use for them.
//
// Thread: at start-up, while no other one maps or unmaps anything.
#pragma once

#include <cstddef>

#include "tollgate/base/result.h"

namespace tollgate::base {

// Hands the pages of code and read-only data back (madvise(2), MADV_DONTNEED); what is used again
// comes back from the page cache with a minor fault. Only mappings of files without a single
// changed page are touched: not what the dynamic linker relocated, nor code in which a debugger
// has set a breakpoint. How many bytes went; the error says what could not be read.
Result<size_t> ReleaseStartupPages();

}  // namespace tollgate::base
