// bench-instructions: each step of a payment's way a fixed number of times, under callgrind, which
// writes what each cost to a file of its own (bench/instructions/run.sh).
#include <valgrind/callgrind.h>

#include <cstdio>

#include "bench/work/work.h"
#include "tollgate/base/standard_descriptors.h"

namespace {

using namespace tollgate::bench;

constexpr int kTimes = 1000;

template <typename Step>
void Count() {
  Step step;
  step.Once();  // caches, tables and lazy parts are in place
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
  Count<UseRing>();
  Count<WriteResponse>();
  Count<ChooseProcessor>();
  Count<WriteUpstream>();
  Count<ReadUpstream>();
  std::printf("%d\n", kTimes);
  return 0;
}
