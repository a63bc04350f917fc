// A summary from a file is a consistent cut only if nothing that was confirmed after its question
// is recorded before the books are read.
#include <gtest/gtest.h>

#include <memory>
#include <mutex>

#include "ledger/file/file_barrier.h"
#include "ledger/file/file_books.h"
#include "tests/support/child_process.h"

namespace tollgate::ledger::file {
namespace {

class Gate final : public RecordGate {
 public:
  void Hold() override { held = true; }
  void Release() override { held = false; }
  HeldRecords records() const override { return HeldRecords::kRecorded; }
  bool held = false;
};

TEST(FileSummaryTest, WorkersHoldTheirRecordsUntilTheBooksAreRead) {
  const testing::TemporaryFolder folder;
  const base::SystemClock clock;
  net::EventLoop loop(clock);
  const auto until = [&](const auto& done, int64_t ms) {
    const int64_t end_ns = clock.MonotonicNanos() + ms * base::kNanosPerMilli;
    while (!done() && clock.MonotonicNanos() < end_ns) loop.RunOnce(5);
    return done();
  };
  FileOptions options;
  options.path = folder / "books.db";
  const auto store = std::make_shared<FileStore>(options);
  store->Start();
  const auto hub = std::make_shared<SummaryHub>();
  constexpr int64_t kWaitMs = 20'000;
  Gate gate;
  FileBarrier barrier(loop, hub, kWaitMs, gate);
  barrier.Start();
  loop.AddTurnHook([&] { barrier.OnTurn(); });
  payments::ProcessorDirectory directory({"default"});
  FileBooks books(loop, store, directory, nullptr, {.timeout_ms = 20'000},
                  std::make_unique<FileSummaryCut>(loop, hub, kWaitMs, 1));
  int inexact = 0;
  books.OnInexactSummary([&] { ++inexact; });
  int answered = 0;
  const auto ask = [&] {
    books.GetSummary({}, [&](const auto& summary) { answered += summary ? 1 : 0; });
  };
  // The file is made by the first change.
  store->Write({.run = [](BookFile&) {}, .done = [](bool) {}});
  ASSERT_TRUE(until(
      [&] {
        if (answered == 0) ask();
        return answered != 0;
      },
      20'000));
  ASSERT_TRUE(until([&] { return !gate.held; }, 20'000));
  answered = inexact = 0;
  // The reading thread waits.
  std::mutex reading;
  std::unique_lock lock(reading);
  store->Read([&](BookFile*) { const std::lock_guard wait(reading); });
  ask();
  ASSERT_TRUE(until([&] { return gate.held; }, 20'000));
  EXPECT_FALSE(until([&] { return !gate.held || answered != 0; }, 100));
  lock.unlock();
  EXPECT_TRUE(until([&] { return answered == 1; }, 20'000));
  EXPECT_TRUE(until([&] { return !gate.held; }, 20'000));
  EXPECT_EQ(inexact, 0);
}

}  // namespace
}  // namespace tollgate::ledger::file
