#include "tollgate/base/logging.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tollgate/base/text.h"

namespace tollgate::base {
namespace {

// An error text from Redis or a name from a file that tries to write its own lines.
constexpr std::string_view kForged = "ERR no\n2026-01-01 info stopped; nothing is left\x1b[2K\xff";
constexpr std::string_view kShown =
    "ERR no\\x0a2026-01-01 info stopped; nothing is left\\x1b[2K\\xff";

std::string Logged(std::string_view text, bool started) {
  ::testing::internal::CaptureStderr();
  if (started) StartLogging("info");
  LogWarning(text);
  if (started) StopLogging();
  return ::testing::internal::GetCapturedStderr();
}

TEST(Logging, ALineIsOneLineWhateverAPeerPutIntoIt) {
  EXPECT_EQ(Logged(kForged, false), std::string(kShown) + "\n");
  const std::string line = Logged(kForged, true);
  EXPECT_TRUE(line.ends_with("warning " + std::string(kShown) + "\n")) << line;
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_NE(Logged("… é", true).find("… é"), std::string::npos);
}

TEST(Logging, ALineIsOfBoundedLength) {
  EXPECT_LT(Logged(std::string(1'000'000, 'x'), true).size(), 2 * kShownBytesMax);
}

TEST(Logging, ErrorsOfCommandsAreShownAlike) {
  ::testing::internal::CaptureStderr();
  PrintError(kForged);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "tollgate: " + std::string(kShown) + "\n");
}

}  // namespace
}  // namespace tollgate::base
