// The log: lines for the people who run Tollgate, written by a thread of its own, so that a slow
// terminal never holds up a payment. When the queue is full the oldest lines give way.
//
// Thread: Log any; StartLogging and StopLogging the main thread.
#pragma once

#include <string_view>

namespace tollgate::base {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// `level` is a name of spdlog: trace, debug, info, warning, error, critical, off. False: unknown.
bool IsLogLevel(std::string_view level);
void StartLogging(std::string_view level);
// Writes what is queued.
void StopLogging();

// Before StartLogging and after StopLogging, lines go straight to stderr.
void Log(LogLevel level, std::string_view text);
inline void LogInfo(std::string_view text) { Log(LogLevel::kInfo, text); }
inline void LogWarning(std::string_view text) { Log(LogLevel::kWarning, text); }
inline void LogError(std::string_view text) { Log(LogLevel::kError, text); }

}  // namespace tollgate::base
