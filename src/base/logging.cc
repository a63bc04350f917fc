#include "tollgate/base/logging.h"

#include <pthread.h>
#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include "tollgate/base/clock.h"
#include "tollgate/base/line_limit.h"
#include "tollgate/base/text.h"

namespace tollgate::base {
namespace {

constexpr size_t kQueueLines = 1024;

std::shared_ptr<spdlog::logger>& Logger() {
  static std::shared_ptr<spdlog::logger> logger;
  return logger;
}

LineLimit& Limit() {
  static const SystemClock clock;
  static LineLimit limit(clock, [](int level, std::string_view line) {
    Logger()->log(static_cast<spdlog::level::level_enum>(level), line);
  });
  return limit;
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

bool IsLogLevel(std::string_view level) {
  // The names of spdlog, with the short ones.
  static constexpr std::array<std::string_view, 9> kLevels{
      "trace", "debug", "info", "warning", "warn", "error", "err", "critical", "off"};
  for (const std::string_view known : kLevels) {
    if (known == level) return true;
  }
  return false;
}

void StartLogging(std::string_view level) {
  spdlog::init_thread_pool(kQueueLines, 1, [] { ::pthread_setname_np(::pthread_self(), "log"); });
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  Logger() = std::make_shared<spdlog::async_logger>("tollgate", sink, spdlog::thread_pool(),
                                                    spdlog::async_overflow_policy::overrun_oldest);
  Logger()->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  Logger()->set_level(spdlog::level::from_str(std::string(level)));
}

void StopLogging() {
  Limit().ReportHeldBack(true);
  spdlog::shutdown();  // writes the queued lines and joins the thread, which uses the logger
  Logger().reset();
}

void LogHeldBack() { Limit().ReportHeldBack(); }

void Log(LogLevel level, std::string_view text, size_t of_a_kind_max) {
  std::string shown;
  if (text.size() > kShownBytesMax || !IsPrintable(text)) text = shown = Printable(text);
  if (Logger() != nullptr) {
    if (Logger()->should_log(ToSpdlog(level))) Limit().Report(ToSpdlog(level), text, of_a_kind_max);
  } else {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
  }
}

void PrintError(std::string_view text) {
  std::fprintf(stderr, "tollgate: %s\n", Printable(text).c_str());
}

}  // namespace tollgate::base
