// Processors that are absent: connections refused from the start, after a kill, and a slow start.
// They keep their books. Every test ends with the audit.
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/fault/fault_fixture.h"

namespace tollgate::testing {
namespace {

class Absence : public FaultTest {
 protected:
  static StackOptions Keeping(bool start_processors) {
    return {.gateway_arguments = {"--answer-timeout", "500ms", "--connect-timeout", "200ms"},
            .redis_arguments = {},
            .keep_processor_books = true,
            .start_processors = start_processors};
  }
  Load SteadyLoad(const Stack& stack) const {
    return Load({.addresses = {stack.front()}, .seed = seed_, .threads = 4, .pause_us = 1'000});
  }
};

TEST_F(Absence, PaymentsWaitForProcessorsThatStartLate) {
  StackOptions options = Keeping(false);
  options.gateway_arguments.insert(options.gateway_arguments.end(), {"--max-wait", "0"});
  Stack stack(options);
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load = SteadyLoad(stack);
  load.Start();
  usleep(2'000'000);
  EXPECT_GT(load.accepted_count(), 0U);
  // A slow start: it listens, and its first answers take long.
  ASSERT_NO_FATAL_FAILURE(stack.StartProcessor(1));
  stack.Configure(1, "/admin/configurations/delay", R"({"delay":300})");
  CountRound();
  usleep(2'000'000);
  ASSERT_NO_FATAL_FAILURE(stack.StartProcessor(0));
  stack.Configure(1, "/admin/configurations/delay", R"({"delay":0})");
  CountRound();
  usleep(1'000'000);
  load.Stop();
  ExpectClean(stack, load, stack.front());
  ExpectNoClientError(load);
  EXPECT_FALSE(stack.Held(0).empty());
  EXPECT_FALSE(stack.Held(1).empty()) << stack.Logs();
}

TEST_F(Absence, ProcessorsKilledUnderLoadAndStartedAgain) {
  Stack stack(Keeping(true));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load = SteadyLoad(stack);
  load.Start();
  for (uint64_t round = 0; round < rounds_; ++round) {
    const size_t victim = Random(2);
    const bool both = Random(3) == 0;
    stack.Configure(victim, "/admin/configurations/delay", R"({"delay":20})");
    PauseUpTo(700);
    stack.processor(victim).Kill();  // payments inside it are lost with it
    if (both) stack.processor(1 - victim).Kill();
    CountRound();
    PauseUpTo(700);
    ASSERT_NO_FATAL_FAILURE(stack.StartProcessor(victim));
    if (both) {
      ASSERT_NO_FATAL_FAILURE(stack.StartProcessor(1 - victim));
    }
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
  ExpectNoClientError(load);
}

}  // namespace
}  // namespace tollgate::testing
