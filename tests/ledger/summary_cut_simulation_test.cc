// The protocol of a summary that is as of the moment it was asked for, over many seeds: acceptors
// ask, workers record and hold, and messages take their time or are lost. TOLLGATE_SIM_SEEDS sets
// how many seeds, TOLLGATE_SIM_SEED the first one.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <set>
#include <vector>

#include "ledger/summary_questions.h"
#include "tests/forward/timeline.h"
#include "tollgate/ledger/record_barrier.h"

namespace tollgate::ledger {
namespace {

using simulation::Timeline;

constexpr int64_t kWaitNs = 100 * base::kNanosPerMilli;

struct Faults {
  uint64_t message_lost = 0;  // one in so many
  uint64_t slow_record = 0;   // one in so many takes up to 200 ms
  uint64_t refused = 0;       // one record in so many is refused, and repeated up to 100 ms later
  uint64_t slow_read = 0;     // one in so many takes up to 200 ms
};

struct Confirmed {
  int64_t at_ns = 0;
  size_t worker = 0;
};
using Books = std::set<size_t>;  // numbers of payments

// A worker with a gate: payments are confirmed, and a turn later their records leave.
class Worker final : public RecordGate {
 public:
  Worker(Timeline& timeline, const Faults& faults, Books& books, RecordBarrier::Answer answer)
      : timeline_(timeline), faults_(faults), books_(books), barrier_(*this, std::move(answer)) {}

  void Confirm(size_t payment) { to_record_.push_back(payment); }
  void Turn() {
    barrier_.OnTurn(timeline_.now_ns());
    size_t due = held_ ? std::min(due_, to_record_.size()) : to_record_.size();
    for (; due != 0; --due) {
      const size_t payment = to_record_.front();
      to_record_.erase(to_record_.begin());
      if (held_) --due_;
      if (timeline_.Chance(faults_.refused)) {
        RepeatLater(payment);
        continue;
      }
      ++recording_;
      const bool slow = timeline_.Chance(faults_.slow_record);
      timeline_.After(timeline_.Between(100, slow ? 200'000 : 2'000), [this, payment] {
        books_.insert(payment);
        --recording_;
      });
    }
  }
  RecordBarrier& barrier() { return barrier_; }
  bool idle() const { return to_record_.empty() && recording_ == 0 && refused_ == 0; }
  int64_t held_at_ns() const { return held_at_ns_; }
  int64_t longest_ns() const { return longest_ns_; }

  void Hold() override {
    held_ = true;
    due_ = to_record_.size();
    held_at_ns_ = timeline_.now_ns();
  }
  void Release() override {
    held_ = false;
    longest_ns_ = std::max(longest_ns_, timeline_.now_ns() - held_at_ns_);
  }
  HeldRecords records() const override {
    if (refused_ != 0) return HeldRecords::kLacking;
    return due_ == 0 && recording_ == 0 ? HeldRecords::kRecorded : HeldRecords::kUnderWay;
  }

 private:
  void RepeatLater(size_t payment) {
    ++refused_;
    timeline_.After(timeline_.Between(1'000, 100'000), [this, payment] {
      --refused_;
      to_record_.push_back(payment);
    });
  }

  Timeline& timeline_;
  const Faults faults_;
  Books& books_;
  RecordBarrier barrier_;
  std::vector<size_t> to_record_;
  size_t recording_ = 0;
  size_t refused_ = 0;
  bool held_ = false;
  size_t due_ = 0;
  int64_t held_at_ns_ = 0;
  int64_t longest_ns_ = 0;
};

class Fleet {
 public:
  Fleet(uint64_t seed, Faults faults) : timeline_(seed), faults_(faults) {
    for (size_t i = 0; i < kWorkers; ++i) {
      workers_.push_back(std::make_unique<Worker>(
          timeline_, faults, books_,
          [this, i](const QuestionId& id, bool complete) { OnAnswered(i, id, complete); }));
    }
    for (size_t i = 0; i < kAskers; ++i) {
      askers_.push_back(std::make_unique<SummaryQuestions>(
          kWaitNs, kWorkers,
          SummaryQuestions::Wire{.ask = [this, i](uint64_t number) { Ask(i, number); },
                                 .done = [this, i](uint64_t number) { Done(i, number); }}));
      askers_.back()->SetListening(true);
      answers_.emplace_back();
    }
  }

  void Run() {
    for (int turn = 0; turn < 5'000; ++turn) {  // half a second of load
      if (timeline_.Chance(4)) Confirm();
      if (timeline_.Chance(40)) WantSummary();
      Turn();
    }
    for (int turn = 0; turn < 10'000 && !Settled(); ++turn) Turn();
    EXPECT_TRUE(Settled()) << "records or summaries wait for ever";
    EXPECT_EQ(books_.size(), confirmed_.size());
    for (const auto& worker : workers_) {
      EXPECT_LE(worker->longest_ns(), kWaitNs + kTurnNs) << "held for longer than allowed";
    }
  }
  size_t exact() const { return exact_; }
  size_t summaries() const { return summaries_; }

 private:
  static constexpr size_t kWorkers = 3;
  static constexpr size_t kAskers = 2;
  static constexpr int64_t kTurnNs = 100'000;

  void Turn() {
    const int64_t next_ns = timeline_.now_ns() + kTurnNs;
    while (timeline_.RunNext(next_ns)) {
    }
    for (const auto& asker : askers_) {
      if (timeline_.now_ns() >= asker->NextDeadlineNs()) asker->OnTime(timeline_.now_ns());
    }
    for (const auto& worker : workers_) worker->Turn();
  }

  void Confirm() {
    const size_t worker = timeline_.random().Below(kWorkers);
    workers_[worker]->Confirm(confirmed_.size());
    confirmed_.push_back({timeline_.now_ns(), worker});
  }

  void WantSummary() {
    ++summaries_;
    ++waiting_;
    const int64_t asked_ns = timeline_.now_ns();
    const size_t asker = timeline_.random().Below(kAskers);
    askers_[asker]->Ask([=, this](int64_t until_ns) { Read(asker, asked_ns, until_ns); }, asked_ns);
  }

  // The reads of one asker are executed in order, and before its message that they are done.
  void Read(size_t asker, int64_t asked_ns, int64_t until_ns) {
    const int64_t read_us =
        timeline_.Between(10, timeline_.Chance(faults_.slow_read) ? 200'000 : 50);
    read_us_[asker] = std::max(read_us_[asker], read_us);
    std::vector<int64_t> held_at_ns;
    for (const auto& worker : workers_) held_at_ns.push_back(worker->held_at_ns());
    timeline_.After(read_us_[asker], [=, this] {
      --waiting_;
      if (timeline_.now_ns() >= until_ns)
        return;  // it could not wait for all, or was read too late
      ++exact_;
      for (size_t i = 0; i < confirmed_.size(); ++i) {
        const Confirmed& it = confirmed_[i];
        const bool read = books_.contains(i);
        EXPECT_TRUE(read || it.at_ns > asked_ns) << "confirmed before the question, and left out";
        EXPECT_TRUE(!read || it.at_ns <= held_at_ns[it.worker]) << "confirmed after the cut";
      }
    });
  }

  // Messages of one connection stay in order. A lost one takes the connection with it.
  void Ask(size_t asker, uint64_t number) {
    for (size_t i = 0; i < kWorkers; ++i) {
      Deliver(i, [=](Worker& worker, int64_t now_ns) {
        worker.barrier().OnAsked({asker, number}, kWaitNs, now_ns);
      });
    }
    timeline_.After(timeline_.Between(20, 1'000), [=, this] {
      askers_[asker]->OnReceivers(number, kWorkers, timeline_.now_ns());
    });
  }
  void Done(size_t asker, uint64_t number) {
    timeline_.After(std::exchange(read_us_[asker], 0), [=, this] {
      for (size_t i = 0; i < kWorkers; ++i) {
        Deliver(i, [=](Worker& worker, int64_t) { worker.barrier().OnDone({asker, number}); });
      }
    });
  }
  template <typename Message>
  void Deliver(size_t index, Message message) {
    const int64_t arrives_ns =
        std::max(last_ns_[index], timeline_.now_ns() + 1000 * timeline_.Between(20, 1'000));
    last_ns_[index] = arrives_ns;
    const bool lost = timeline_.Chance(faults_.message_lost);
    timeline_.After((arrives_ns - timeline_.now_ns()) / 1000, [=, this] {
      Worker& worker = *workers_[index];
      lost ? worker.barrier().Forget() : message(worker, timeline_.now_ns());
    });
  }
  void OnAnswered(size_t worker, const QuestionId& id, bool complete) {
    EXPECT_TRUE(answers_[id.asker].insert({worker, id.number}).second) << "answered twice";
    if (timeline_.Chance(faults_.message_lost)) return;
    timeline_.After(timeline_.Between(20, 1'000), [=, this] {
      askers_[id.asker]->OnAnswer(id.number, complete, timeline_.now_ns());
    });
  }

  bool Settled() const {
    return waiting_ == 0 && std::all_of(workers_.begin(), workers_.end(),
                                        [](const auto& worker) { return worker->idle(); });
  }

  Timeline timeline_;
  const Faults faults_;
  Books books_;
  std::vector<Confirmed> confirmed_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<SummaryQuestions>> askers_;
  std::vector<std::set<std::pair<size_t, uint64_t>>> answers_;  // worker, question
  std::array<int64_t, kWorkers> last_ns_{};
  std::array<int64_t, kAskers> read_us_{};
  size_t summaries_ = 0;
  size_t exact_ = 0;
  size_t waiting_ = 0;
};

uint64_t Setting(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : fallback;
}

// Returns the share of summaries that are exact.
double Sweep(Faults faults) {
  const uint64_t first = Setting("TOLLGATE_SIM_SEED", 1);
  const uint64_t seeds = std::max<uint64_t>(Setting("TOLLGATE_SIM_SEEDS", 2000) / 10, 1);
  size_t exact = 0;
  size_t summaries = 0;
  for (uint64_t seed = first; seed < first + seeds && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("TOLLGATE_SIM_SEED=" + std::to_string(seed));
    Fleet fleet(seed, faults);
    fleet.Run();
    exact += fleet.exact();
    summaries += fleet.summaries();
  }
  return static_cast<double>(exact) / static_cast<double>(summaries);
}

TEST(SummaryCutSimulation, EverySummaryIsAConsistentCutNotBeforeItsQuestion) {
  EXPECT_EQ(Sweep({}), 1.0);
}

TEST(SummaryCutSimulation, SlowRecordsMakeItInexactAndHoldNothingForLong) {
  const double exact = Sweep({.slow_record = 300});
  EXPECT_GT(exact, 0.3);
  EXPECT_LT(exact, 1.0);
}

TEST(SummaryCutSimulation, RefusedRecordsMakeItInexact) {
  const double exact = Sweep({.refused = 100});
  EXPECT_GT(exact, 0.2);
  EXPECT_LT(exact, 1.0);
}

TEST(SummaryCutSimulation, OneThatIsReadTooLateIsInexact) {
  const double exact = Sweep({.slow_read = 20});
  EXPECT_GT(exact, 0.3);
  EXPECT_LT(exact, 1.0);
}

// A worker whose connection is away is missed, as it was there shortly before.
TEST(SummaryCutSimulation, AWorkerThatDoesNotListenMakesItInexact) {
  bool asked = false;
  SummaryQuestions questions(kWaitNs, 1,
                             {.ask = [&](uint64_t) { asked = true; }, .done = [](uint64_t) {}});
  questions.SetListening(true);
  const auto exact = [&](int64_t now_ns, size_t workers) {
    int64_t until_ns = -1;
    questions.Ask([&](int64_t until) { until_ns = until; }, now_ns);
    EXPECT_TRUE(std::exchange(asked, false));
    static uint64_t number = 0;
    questions.OnReceivers(++number, workers, now_ns);
    for (size_t i = 0; i < workers; ++i) questions.OnAnswer(number, true, now_ns);
    EXPECT_NE(until_ns, -1);
    return until_ns != 0;
  };
  constexpr int64_t kSecondNs = base::kNanosPerSecond;
  EXPECT_TRUE(exact(1 * kSecondNs, 2));
  EXPECT_FALSE(exact(2 * kSecondNs, 1));
  EXPECT_FALSE(exact(10 * kSecondNs, 1));
  EXPECT_TRUE(exact(11 * kSecondNs, 1)) << "it is gone, not away";
  EXPECT_TRUE(exact(12 * kSecondNs, 3));
}

TEST(SummaryCutSimulation, LostMessagesMakeItInexactAndHoldNothingForLong) {
  const double exact = Sweep({.message_lost = 60});
  EXPECT_GT(exact, 0.1);
  EXPECT_LT(exact, 1.0);
}

}  // namespace
}  // namespace tollgate::ledger
