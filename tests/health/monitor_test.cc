#include "tollgate/health/monitor.h"

#include <gtest/gtest.h>

#include <map>

#include "health/snapshot.h"

namespace tollgate::health {
namespace {

// A lease in memory with Redis' rules; the instances of a test share it.
class FakeLease final : public ledger::LeaseStore {
 public:
  explicit FakeLease(const base::Clock& clock) : clock_(clock) {}
  void Acquire(const std::string& token, int64_t ttl_ms, std::span<const int64_t> told,
               OnView done) override {
    if (away) return done(std::nullopt);
    const int64_t now = clock_.MonotonicNanos() / base::kNanosPerMilli;
    if (now >= expires_ms_) holder.clear();
    if (holder.empty() || holder == token) {
      holder = token;
      expires_ms_ = now + ttl_ms;
    }
    visits.insert(visits.end(), told.begin(), told.end());
    done(ledger::LeaseView{.held = holder == token,
                           .holder = holder,
                           .snapshot = snapshot,
                           .snapshot_age_ms = now - published_ms_ + stepped_ms,
                           .visits = visits,
                           .instances = 3});
  }
  void Publish(const std::string& token, const std::string& text, OnDone done) override {
    if (!away && holder == token) {
      snapshot = text;
      published_ms_ = clock_.MonotonicNanos() / base::kNanosPerMilli;
    }
    done(!away && holder == token);
  }
  void Release(const std::string& token, OnDone done) override {
    if (holder == token) holder.clear();
    done(true);
  }
  bool away = false;
  int64_t stepped_ms = 0;  // of Redis' clock since the snapshot was published
  std::string holder, snapshot;
  std::vector<int64_t> visits;

 private:
  const base::Clock& clock_;
  int64_t expires_ms_ = 0;
  int64_t published_ms_ = 0;
};

class MonitorTest : public ::testing::Test {
 protected:
  struct Instance {
    Instance(MonitorTest& test, const std::string& token)
        : monitor(test.loop_,
                  {.processors = {"default", "fallback"},
                   .token = token,
                   .report = [&test](bool, std::string_view line) { test.told_ += line; }},
                  test.lease_, board, [&test](size_t processor) {
                    ++test.calls_[processor];
                    return true;
                  }) {
      monitor.Start();
    }
    upstream::HealthBoard board;
    Monitor monitor;
  };
  void Run(int64_t ms) {
    for (int64_t i = 0; i < ms; i += 50) {
      clock_.AdvanceMillis(50);
      loop_.RunOnce(0);
    }
  }
  base::ManualClock clock_;
  net::EventLoop loop_{clock_};
  FakeLease lease_{clock_};
  std::map<size_t, int> calls_;
  std::string told_;
};

TEST_F(MonitorTest, TheFleetMakesOneCallPerProcessorAndInterval) {
  Instance a(*this, "a");
  Instance b(*this, "b");
  EXPECT_TRUE(a.monitor.holds_lease());
  EXPECT_FALSE(b.monitor.holds_lease());
  Run(24'000);
  EXPECT_EQ(calls_[0], 5);
  EXPECT_EQ(calls_[1], 5);
}

TEST_F(MonitorTest, OthersLearnWhatTheHolderHeard) {
  Instance a(*this, "a");
  Instance b(*this, "b");
  a.monitor.OnAnswer(0, payments::ServiceHealth{.failing = true, .min_response_ms = 120});
  EXPECT_TRUE(a.board.Read(0).failing);
  Run(1'100);
  EXPECT_EQ(b.board.Read(0),
            (upstream::ProcessorHealth{.known = true, .failing = true, .min_response_ms = 120}));
  EXPECT_FALSE(b.board.Read(1).known);
  // A snapshot that is too old is ignored.
  Run(16'000);
  EXPECT_FALSE(a.board.Read(0).known);
  EXPECT_FALSE(b.board.Read(0).known);
}

TEST_F(MonitorTest, AVisitAtOneInstanceIsKnownToAllWithinASecond) {
  Instance a(*this, "a");
  Instance b(*this, "b");
  const int64_t visit_ms = clock_.WallMillis();
  lease_.visits = {INT64_MIN, -1, INT64_MAX};  // whatever a peer wrote
  b.board.visits().Note(visit_ms, visit_ms);
  Run(2'100);
  base::RecentTimes::Times times;
  for (const Instance* const instance : {&a, &b}) {
    const auto known = instance->board.visits().Read(times, clock_.WallMillis());
    ASSERT_EQ(known.size(), 1U);
    EXPECT_EQ(known[0], visit_ms);
  }
}

TEST_F(MonitorTest, AHolderThatDiesIsFollowedWithinItsLeaseAndTheIntervalIsKept) {
  auto a = std::make_unique<Instance>(*this, "a");
  Instance b(*this, "b");
  Run(5'100);
  a->monitor.OnAnswer(0, payments::ServiceHealth{});
  a->monitor.OnAnswer(1, payments::ServiceHealth{});
  EXPECT_EQ(calls_[0], 2);
  a.reset();
  Run(4'100);
  EXPECT_TRUE(b.monitor.holds_lease());
  EXPECT_EQ(calls_[0], 2) << "the new holder called before the interval was over";
  Run(1'500);
  EXPECT_EQ(calls_[0], 3);
}

// The age of a snapshot comes from Redis. Its clock may be set, and its text may say anything.
TEST_F(MonitorTest, AClockOfRedisThatIsSetNeitherStopsThePollingNorMakesOldNewsLast) {
  for (const int64_t stepped_ms : {int64_t{-7'200'000}, int64_t{7'200'000}, -(int64_t{1} << 40U),
                                   int64_t{1} << 40U, INT64_MIN / 2, INT64_MAX / 2}) {
    lease_.holder.clear();
    lease_.snapshot.clear();
    lease_.stepped_ms = 0;
    calls_.clear();
    auto a = std::make_unique<Instance>(*this, "a");
    Instance b(*this, "b");
    Run(5'100);
    a->monitor.OnAnswer(0, payments::ServiceHealth{.failing = true, .min_response_ms = 0});
    lease_.stepped_ms = stepped_ms;
    a.reset();
    Run(10'000);
    EXPECT_TRUE(b.monitor.holds_lease());
    EXPECT_GE(calls_[0], 3) << stepped_ms;
    Run(16'000);
    EXPECT_FALSE(b.board.Read(0).known) << stepped_ms;
  }
}

TEST_F(MonitorTest, ASnapshotOfAnyAgeIsReadWithoutOverflow) {
  Instance a(*this, "a");
  lease_.holder = "another";
  lease_.snapshot = "default\t1\t5\t9223372036854775807\n";
  Run(2'100);
  EXPECT_FALSE(a.board.Read(0).known);
}

TEST_F(MonitorTest, StoppingGivesTheLeaseBackAtOnce) {
  Instance a(*this, "a");
  Instance b(*this, "b");
  bool done = false;
  a.monitor.Stop([&] { done = true; });
  EXPECT_TRUE(done);
  Run(1'100);
  EXPECT_TRUE(b.monitor.holds_lease());
}

TEST_F(MonitorTest, AnAbsentLedgerEndsTheLeaseAndItsReturnRestoresIt) {
  Instance a(*this, "a");
  lease_.away = true;
  Run(2'000);
  EXPECT_FALSE(a.monitor.holds_lease());
  EXPECT_NE(told_.find("the ledger is away"), std::string::npos);
  const int before = calls_[0];
  Run(20'000);
  EXPECT_EQ(calls_[0], before);
  lease_.away = false;
  Run(6'000);
  EXPECT_TRUE(a.monitor.holds_lease());
}

TEST_F(MonitorTest, ACallWithoutAnAnswerChangesNothing) {
  Instance a(*this, "a");
  a.monitor.OnAnswer(0, payments::ServiceHealth{.failing = false, .min_response_ms = 7});
  a.monitor.OnAnswer(0, std::nullopt);
  EXPECT_EQ(a.board.Read(0).min_response_ms, 7U);
}

// Redis may hold anything in the snapshot's key.
TEST(Snapshot, ALineThatIsCutOrNotOfItsFormIsSkipped) {
  for (const char* text :
       {"default\t1\t4294967295\t5\n", "default\t1\t4294967296\t5\n", "default\t1\t100\t-1\n",
        "default\t1\t100\t5\t6\n", "default\t1\t100\t5", "default\t1\t+100\t5\n",
        "default\t1\t 100\t5\n", "default\t1\t100\n", "default\t1\t100\t9223372036854775808\n"}) {
    EXPECT_TRUE(ParseSnapshot(text).empty()) << text;
  }
  EXPECT_EQ(ParseSnapshot("default\t1\t2147483647\t5\nfallback\t0\t1").size(), 1U);
}

TEST(Snapshot, SurvivesTheWayThereAndBackAndSkipsWhatItDoesNotKnow) {
  const std::vector<SnapshotLine> lines{{"default", true, 100, 5}, {"fallback", false, 0, 4000}};
  EXPECT_EQ(ParseSnapshot(FormatSnapshot(lines)), lines);
  EXPECT_TRUE(ParseSnapshot("garbage\n\t1\t2\t3\ndefault\t2\t1\t1\ndefault\t1\tx\t1\n").empty());
}

}  // namespace
}  // namespace tollgate::health
