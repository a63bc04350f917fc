// bench-instructions: each step of a payment's way a fixed number of times, under callgrind, which
// writes what each cost to a file of its own (bench/instructions/run.sh).
#include <valgrind/callgrind.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "bench/work/work.h"
#include "tollgate/base/standard_descriptors.h"

namespace {

using namespace tollgate::bench;

constexpr int kTimes = 1000;

// How many payments an aged part has seen before it is counted: AGE, or a million.
uint64_t Age() {
  const char* const text = std::getenv("AGE");
  return text == nullptr ? 1'000'000 : std::strtoull(text, nullptr, 10);
}

template <typename Step>
void Count(uint64_t uses_before = 1) {
  Step step;
  for (uint64_t i = 0; i < uses_before; ++i) step.Once();  // lazy parts are in place
  CALLGRIND_ZERO_STATS;
  CALLGRIND_START_INSTRUMENTATION;
  CALLGRIND_TOGGLE_COLLECT;
  for (int i = 0; i < kTimes; ++i) step.Once();
  CALLGRIND_TOGGLE_COLLECT;
  CALLGRIND_DUMP_STATS_AT(Step::kName);
}

}  // namespace

int main() {
  tollgate::base::OccupyStandardDescriptors();
  if (RUNNING_ON_VALGRIND == 0) {
    std::fputs("bench-instructions: runs under valgrind alone; see bench/instructions/run.sh\n",
               stderr);
    return 2;
  }
  Count<ParseRequest>();
  Count<ParseJson>();
  Count<UseTable>();
  Count<UseAgedTable>(Age());
  Count<UseRing>();
  Count<UseAgedRing>(Age());
  Count<WriteResponse>();
  Count<ChooseProcessor>();
  Count<WriteUpstream>();
  Count<ReadUpstream>();
  std::printf("%d\n", kTimes);
  return 0;
}
