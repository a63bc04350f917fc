// Micro-benchmarks of the steps of a payment's way (bench/work), and of the ring against
// moodycamel's queue from Debian, alone and between threads.
#include <benchmark/benchmark.h>
#include <concurrentqueue/concurrentqueue.h>

#include <cstdint>
#include <memory>

#include "bench/work/work.h"
#include "tollgate/base/standard_descriptors.h"

namespace {

using namespace tollgate;

template <typename Step>
void OneStep(benchmark::State& state) {
  Step step;
  for (auto _ : state) step.Once();
}
BENCHMARK(OneStep<bench::ParseRequest>)->Name(bench::ParseRequest::kName);
BENCHMARK(OneStep<bench::ParseJson>)->Name(bench::ParseJson::kName);
BENCHMARK(OneStep<bench::UseTable>)->Name(bench::UseTable::kName);
BENCHMARK(OneStep<bench::WriteResponse>)->Name(bench::WriteResponse::kName);
BENCHMARK(OneStep<bench::ChooseProcessor>)->Name(bench::ChooseProcessor::kName);
BENCHMARK(OneStep<bench::WriteUpstream>)->Name(bench::WriteUpstream::kName);
BENCHMARK(OneStep<bench::ReadUpstream>)->Name(bench::ReadUpstream::kName);

// The two queues behind one interface.
class OurRing {
 public:
  bool Push(uint32_t value) { return ring_.TryPush(value); }
  bool Pop(uint32_t& value) {
    const auto found = ring_.TryPop();
    if (found) value = *found;
    return found.has_value();
  }

 private:
  base::MpmcRing<uint32_t> ring_{65536};
};

class Moodycamel {
 public:
  bool Push(uint32_t value) { return queue_.try_enqueue(value); }
  bool Pop(uint32_t& value) { return queue_.try_dequeue(value); }

 private:
  moodycamel::ConcurrentQueue<uint32_t> queue_{65536};
};

// Every thread pushes one and pops one, in turn: a value may come from another thread.
template <typename Queue>
void PushPop(benchmark::State& state) {
  static std::unique_ptr<Queue> queue;
  if (state.thread_index() == 0) queue = std::make_unique<Queue>();
  uint32_t value = 1;
  int64_t done = 0;
  for (auto _ : state) {
    if (queue->Push(value) && queue->Pop(value)) ++done;
  }
  state.SetItemsProcessed(done);
  if (state.thread_index() == 0) queue.reset();
}
BENCHMARK(PushPop<OurRing>)->Name("ring_push_pop/ours")->ThreadRange(1, 4)->UseRealTime();
BENCHMARK(PushPop<Moodycamel>)->Name("ring_push_pop/moodycamel")->ThreadRange(1, 4)->UseRealTime();

}  // namespace

int main(int argc, char** argv) {
  tollgate::base::OccupyStandardDescriptors();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
