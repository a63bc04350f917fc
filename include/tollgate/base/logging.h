// The log: lines for the people who run Tollgate, written by a thread of its own, so that a slow
// terminal never holds up a payment. When the queue is full the oldest lines give way. Lines of one
// kind (base/line_limit.h) are limited, so that nobody who can cause one can flood the log.
//
// Invariants: whatever a peer said, a line is one line of bounded length without control
// characters; callers need not look at what they quote.
// Thread: Log and PrintError any; StartLogging and StopLogging the main thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace tollgate::base {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// `level` is a name of spdlog: trace, debug, info, warning, error, critical, off. False: unknown.
bool IsLogLevel(std::string_view level);
void StartLogging(std::string_view level);
// Writes what is queued.
void StopLogging();

// What this program itself has to say, as at its start, may be more lines of a kind at once.
inline constexpr size_t kLinesOfAKindMax = 20;
// Before StartLogging and after StopLogging, lines go straight to stderr, without a limit.
void Log(LogLevel level, std::string_view text, size_t of_a_kind_max = kLinesOfAKindMax);
// How often the lines that the limit held back came; every second or so. Thread: any, but not
// beside StopLogging, which does it once more.
void LogHeldBack();
inline void LogInfo(std::string_view text) { Log(LogLevel::kInfo, text); }
inline void LogWarning(std::string_view text) { Log(LogLevel::kWarning, text); }
inline void LogError(std::string_view text) { Log(LogLevel::kError, text); }

// For the commands that have no log: "tollgate: TEXT" on stderr, one line as in the log.
void PrintError(std::string_view text);

}  // namespace tollgate::base
