// Most resident pages of files were used only at start-up: symbol tables for the dynamic linker,
// initialisation code. They count as resident memory until the kernel needs them for something
// else. This hands them back.
//
// Thread: at start-up, while no other thread maps or unmaps anything.
#pragma once

#include <cstddef>

#include "tollgate/base/result.h"

namespace tollgate::base {

// Hands the pages of code and read-only data back to the kernel (madvise(2), MADV_DONTNEED). A page
// that is used again comes from the page cache with a minor fault. Only file mappings without a
// changed page are touched, so not what the dynamic linker relocated, nor code with a debugger's
// breakpoint. Returns the number of bytes. The error says what could not be read.
Result<size_t> ReleaseStartupPages();

}  // namespace tollgate::base
