#include "app/routing_log.h"

#include <gtest/gtest.h>

namespace tollgate::app {
namespace {

TEST(RoutingLog, TellsTheFirstThatPassesOverAndTheLastThatUsesAgain) {
  const payments::ProcessorDirectory directory({"default", "fallback"});
  std::vector<std::string> lines;
  RoutingLog log(directory, [&](const std::string& line) { lines.push_back(line); });
  log.OnChange(0, true, "3 failures in a row");
  log.OnChange(0, true, "its health says failing");
  log.OnChange(1, true, "many unknown");
  log.OnChange(0, false, "a payment went through");
  EXPECT_EQ(lines.size(), 2U);
  log.OnChange(0, false, "another went through");
  log.OnChange(0, true, "again");
  EXPECT_EQ(lines,
            (std::vector<std::string>{"routing: default is passed over (3 failures in a row)",
                                      "routing: fallback is passed over (many unknown)",
                                      "routing: default is used again (another went through)",
                                      "routing: default is passed over (again)"}));
}

}  // namespace
}  // namespace tollgate::app
