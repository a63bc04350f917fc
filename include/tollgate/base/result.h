// Result<T>: a value or an Error, for operations that can fail although the code is right. An
// Error's text is for the person who runs Tollgate: it names what failed and what to do.
//
// Thread: a value type.
#pragma once

#include <cerrno>
#include <string>
#include <utility>
#include <variant>

#include "tollgate/base/assert.h"

namespace tollgate::base {

struct Error {
  std::string message;
  int code = 0;  // errno where a system call failed, else 0
};

// The message is "WHAT: " and the text of errno `code`.
Error ErrnoError(std::string what, int code = errno);

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : storage_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : storage_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return storage_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok().
  T& value() & {
    TG_ASSERT(ok());
    return std::get<0>(storage_);
  }
  const T& value() const& {
    TG_ASSERT(ok());
    return std::get<0>(storage_);
  }
  T&& value() && {
    TG_ASSERT(ok());
    return std::move(std::get<0>(storage_));
  }
  T* operator->() { return &value(); }
  T& operator*() & { return value(); }

  // REQUIRES: !ok().
  const Error& error() const {
    TG_ASSERT(!ok());
    return std::get<1>(storage_);
  }

 private:
  std::variant<T, Error> storage_;
};

// Success without a value, or an Error.
struct Unit {};
using Status = Result<Unit>;
inline Status OkStatus() { return Unit{}; }

}  // namespace tollgate::base
