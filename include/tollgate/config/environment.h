// Environment: the variables of a process, or of a test.
//
// Thread: the main thread's, at start-up.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace tollgate::config {

// The value of a variable; nothing if it is not set, or is empty.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// That of this process.
Environment ProcessEnvironment();

}  // namespace tollgate::config
