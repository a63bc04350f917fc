// Two openings of one table: another instance opens a copy of a live instance's file, as from a
// restored backup or a cloned volume, while the original is in use. One of the two openings is
// fenced. After an operator has stopped the copy, the original finishes all that it accepted.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "tests/fault/fault_fixture.h"

namespace tollgate::testing {
namespace {

class CopiedTable : public FaultTest {};

TEST_F(CopiedTable, OpenedWhileItsOriginalIsAtWorkChargesNothingTwice) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  // When the copy is made, there are payments in all states.
  for (size_t i = 0; i < 2; ++i) {
    stack.Configure(i, "/admin/configurations/delay", R"({"delay":100})");
    stack.Configure(i, "/admin/configurations/faults",
                    R"({"kind":"drop_answer","probability":0.05})");
  }
  Load load({.addresses = {stack.front()}, .seed = seed_, .threads = 4, .pause_us = 1'000});
  load.Start();
  size_t fenced = 0;
  for (uint64_t round = 0; round < rounds_ / 2 + 1; ++round) {
    PauseUpTo(800);
    const std::string name = "/gateway-1.sock.table";
    const std::string folder = stack.folder() + "/copy-" + std::to_string(round);
    std::filesystem::create_directory(folder);
    std::filesystem::copy_file(stack.DataFolder(0) + name, folder + name);
    CountRound();
    PauseUpTo(300);  // the original goes on beyond the copy's state
    ChildProcess copy = stack.StartAnother(folder, folder + "/gateway-1.sock");
    EXPECT_TRUE(Eventually([&] {
      return HttpClient(folder + "/gateway-1.sock").Get("/readyz").status == 200;
    })) << copy.Log();
    EXPECT_TRUE(Eventually([&] {
      return stack.gateway(0).Log().find("knows a newer opening") != std::string::npos ||
             copy.Log().find("knows a newer opening") != std::string::npos;
    })) << copy.Log()
        << stack.Logs();
    ++fenced;
    PauseUpTo(500);
    copy.Kill();
    stack.gateway(0).Kill();
    stack.StartGateway(0);
    ASSERT_TRUE(stack.WaitReady(0)) << stack.Logs();
  }
  load.Stop();
  for (size_t i = 0; i < 2; ++i) {
    stack.Configure(i, "/admin/configurations/delay", R"({"delay":0})");
    stack.Configure(i, "/admin/configurations/faults", R"({"kind":"none"})");
  }
  ExpectClean(stack, load, stack.front());
  EXPECT_EQ(fenced, rounds_ / 2 + 1);
}

}  // namespace
}  // namespace tollgate::testing
