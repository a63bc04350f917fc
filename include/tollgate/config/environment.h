// Environment: the variables of the process, or of a test.
//
// Thread: the main thread's, at start-up.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace tollgate::config {

// The value of a variable. Empty if it is not set or has no text.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// The environment of this process.
Environment ProcessEnvironment();

}  // namespace tollgate::config
