// TG_ASSERT: a check for programmer errors that stays on in release builds. It prints the condition
// and the place on stderr and aborts. Operating errors are values (result.h) instead. TG_CHECK is
// the same for a call that is made for its effect and cannot fail unless the programmer erred.
//
// Thread: any.
#pragma once

namespace tollgate::base {

// Prints "assertion failed: CONDITION at FILE:LINE" and calls abort().
[[noreturn]] void AssertionFailed(const char* condition, const char* file, int line);

}  // namespace tollgate::base

#define TG_ASSERT(condition)                                             \
  do {                                                                   \
    if (!(condition)) [[unlikely]] {                                     \
      ::tollgate::base::AssertionFailed(#condition, __FILE__, __LINE__); \
    }                                                                    \
  } while (false)

#define TG_CHECK(call) TG_ASSERT(call)
