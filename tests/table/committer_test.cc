#include "table/committer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>

namespace tollgate::table {
namespace {

// A disk whose syncs last until the test lets them end.
class SlowDisk {
 public:
  CommitterOptions Options() {
    return {.interval_us = 0,
            .sync =
                [this] {
                  begun_.fetch_add(1);
                  begun_.notify_all();
                  free_.wait(false);
                  return 0;
                },
            .dirty_all = [] {}};
  }
  void WaitForASync() const { begun_.wait(0); }
  void Free() {
    free_.store(true);
    free_.notify_all();
  }

 private:
  std::atomic<int> begun_{0};
  std::atomic<bool> free_{false};
};

// The next step of a caller that ends a listener is to destroy what the listener wakes.
TEST(CommitListener, ThatEndsDuringASyncIsNotCalledByIt) {
  SlowDisk disk;
  int ended_calls = 0;
  std::atomic<int> calls{0};
  {
    Committer committer(disk.Options());
    std::optional<CommitListener> ended = committer.AddListener([&] { ++ended_calls; });
    const CommitListener kept = committer.AddListener([&] {
      calls.fetch_add(1);
      calls.notify_all();
    });
    committer.Start();
    committer.Take();
    disk.WaitForASync();
    ended.reset();
    disk.Free();
    calls.wait(0);
  }
  EXPECT_EQ(ended_calls, 0);
  EXPECT_GE(calls.load(), 1);
}

TEST(CommitListener, MayOutliveTheCommitter) {
  SlowDisk disk;
  disk.Free();
  auto committer = std::make_unique<Committer>(disk.Options());
  CommitListener listener = committer->AddListener([] {});
  committer->Start();
  committer->Take();
  committer.reset();
  listener = {};
}

TEST(CommitListener, IsHeardAlsoWhenItCameAfterTheStart) {
  SlowDisk disk;
  disk.Free();
  Committer committer(disk.Options());
  committer.Start();
  std::atomic<int> calls{0};
  const CommitListener listener = committer.AddListener([&] {
    calls.fetch_add(1);
    calls.notify_all();
  });
  committer.Take();
  calls.wait(0);
  EXPECT_GE(calls.load(), 1);
}

}  // namespace
}  // namespace tollgate::table
