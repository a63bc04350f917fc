#include "tollgate/base/result.h"

#include <system_error>

namespace tollgate::base {

Error ErrnoError(std::string what, int code) {
  return Error{std::move(what) + ": " + std::generic_category().message(code), code};
}

}  // namespace tollgate::base
