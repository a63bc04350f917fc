// The log, for the people who run Tollgate. A thread of its own writes it, so a slow terminal never
// holds up a payment. When the queue is full, the oldest lines are dropped. Lines of one kind are
// limited (base/line_limit.h), so no peer can flood the log.
//
// Invariants: a log line is one line of bounded length without control characters. Callers may
// quote what a peer sent as it is.
// Thread: Log and PrintError any. StartLogging and StopLogging the main thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace tollgate::base {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// `level` is a name of spdlog: trace, debug, info, warning, error, critical or off. Returns false
// for an unknown level.
bool IsLogLevel(std::string_view level);
void StartLogging(std::string_view level);
// Writes the lines in the queue and ends the log's thread.
void StopLogging();

// Lines of one kind per interval that this program may write about itself, for example at start-up.
inline constexpr size_t kLinesOfAKindMax = 20;
// Before StartLogging and after StopLogging, lines go straight to stderr, without a limit.
void Log(LogLevel level, std::string_view text, size_t of_a_kind_max = kLinesOfAKindMax);
// Writes the lines that the limit held back, with their counts. Call it about once a second.
// Thread: any, but not at the same time as StopLogging, which does the same once more.
void LogHeldBack();
inline void LogInfo(std::string_view text) { Log(LogLevel::kInfo, text); }
inline void LogWarning(std::string_view text) { Log(LogLevel::kWarning, text); }
inline void LogError(std::string_view text) { Log(LogLevel::kError, text); }

// For commands that have no log: "tollgate: TEXT" on stderr, on one line as in the log.
void PrintError(std::string_view text);

}  // namespace tollgate::base
