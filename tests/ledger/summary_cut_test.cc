// Summaries as of the moment they were asked for.
#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "tests/ledger/place_fixture.h"

namespace tollgate::ledger {
namespace {

class Gate final : public RecordGate {
 public:
  void Hold() override { held = true; }
  void Release() override { held = false; }
  HeldRecords records() const override { return now; }
  bool held = false;
  HeldRecords now = HeldRecords::kRecorded;
};

class NoBarrier final : public WorkerBarrier {
 public:
  void Start() override {}
  void OnTurn() override {}
};

class SummaryCutTest : public PlaceTest {
 protected:
  // Two workers and an acceptor.
  void OpenAndListen(int64_t wait_ms) {
    Connect({.summary_wait_ms = wait_ms, .summary_workers_min = barriers_.size()});
    for (size_t i = 0; i < gates_.size(); ++i) {
      barriers_[i] = place_->MakeBarrier(loop_, gates_[i], *ledger_);
      barriers_[i]->Start();
    }
    loop_.AddTurnHook([this] {
      for (const auto& barrier : barriers_) barrier->OnTurn();
    });
    books_ = place_->MakeBooks(loop_, directory_, nullptr, {.timeout_ms = 30'000});
    books_->OnInexactSummary([this] { ++inexact_; });
    books_->Start();
    ASSERT_TRUE(Until([&] { return books_->ready(); }));
    ASSERT_TRUE(Until([&] { return ExactSummary(); })) << Told();
    inexact_ = 0;
  }
  // The counts of answers with and without a summary.
  void Ask() {
    books_->GetSummary({}, [this](const auto& summary) { ++(summary ? answered_ : refused_); });
  }
  bool Answered(int count = 1, int64_t ms = 20'000) {
    return Until([&] { return answered_ == count; }, ms);
  }
  bool ExactSummary() {
    const int before = inexact_;
    const int count = answered_ + 1;
    Ask();
    return Answered(count) && inexact_ == before;
  }

  std::array<Gate, 2> gates_;
  std::array<std::unique_ptr<WorkerBarrier>, 2> barriers_;
  std::unique_ptr<Books> books_;
  int answered_ = 0;
  int refused_ = 0;
  int inexact_ = 0;
};

TEST_P(SummaryCutTest, WaitsUntilEachWorkerHasRecordedAndHoldsLaterRecords) {
  ASSERT_NO_FATAL_FAILURE(OpenAndListen(kSummaryWaitMsMax));
  bool waited = false;
  for (int round = 0; round < 20 && !waited; ++round) {
    answered_ = inexact_ = 0;
    gates_[1].now = HeldRecords::kUnderWay;
    Ask();
    ASSERT_TRUE(Until([&] { return gates_[0].held || answered_ == 1; }));
    waited = !Answered(1, 30);  // a worker still records
    gates_[1].now = HeldRecords::kRecorded;
    ASSERT_TRUE(Until([&] {
      loop_.WakeUp();
      return answered_ == 1;
    }));
    waited = waited && inexact_ == 0;  // else the machine stood still for longer than the wait
    EXPECT_TRUE(Until([&] { return !gates_[0].held && !gates_[1].held; })) << "never released";
  }
  EXPECT_TRUE(waited) << "each was answered at once, or too late";
}

TEST_P(SummaryCutTest, WhereRecordsWereRefusedItIsAnsweredAtOnceAndCounted) {
  ASSERT_NO_FATAL_FAILURE(OpenAndListen(kSummaryWaitMsMax));
  gates_[0].now = HeldRecords::kLacking;
  EXPECT_FALSE(ExactSummary());
  EXPECT_EQ(inexact_, 1);
}

TEST_P(SummaryCutTest, AfterTheLongestWaitItIsAnsweredAndCounted) {
  ASSERT_NO_FATAL_FAILURE(OpenAndListen(100));
  answered_ = 0;
  gates_[0].now = HeldRecords::kUnderWay;
  Ask();
  ASSERT_TRUE(Answered());
  EXPECT_EQ(inexact_, 1);
  EXPECT_TRUE(Until([&] { return !gates_[0].held && !gates_[1].held; }));
  gates_[0].now = HeldRecords::kRecorded;
  EXPECT_TRUE(Until([&] { return ExactSummary(); }));
}

TEST_P(SummaryCutTest, TooManyThatAskAreRefused) {
  ASSERT_NO_FATAL_FAILURE(OpenAndListen(100));
  answered_ = refused_ = 0;
  gates_[0].now = HeldRecords::kUnderWay;
  for (int i = 0; i < 600; ++i) Ask();
  EXPECT_GE(refused_, 300) << "256 may wait";
  EXPECT_TRUE(Until([&] { return answered_ + refused_ == 600; })) << Told();
}

TEST_P(SummaryCutTest, AWorkerThatHasEndedIsNotWaitedFor) {
  ASSERT_NO_FATAL_FAILURE(OpenAndListen(100));
  loop_.RunOnce(0);
  gates_[1].now = HeldRecords::kUnderWay;
  barriers_[1] = std::make_unique<NoBarrier>();
  Until([] { return false; }, 100);  // Redis sees that its connection is closed
  answered_ = 0;
  Ask();
  ASSERT_TRUE(Answered());
  EXPECT_EQ(inexact_, 1) << "fewer workers than there must be";
}

TOLLGATE_IN_EACH_PLACE(SummaryCutTest);

}  // namespace
}  // namespace tollgate::ledger
