#include "tollgate/config/environment.h"

#include <cstdlib>

namespace tollgate::config {

Environment ProcessEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* const value = std::getenv(name.c_str());
    return value != nullptr && *value != '\0' ? std::optional<std::string>(value) : std::nullopt;
  };
}

}  // namespace tollgate::config
