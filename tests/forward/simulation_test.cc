// The forwarding state machine with every fault at every step, over many seeds.
//
// TOLLGATE_SIM_SEEDS sets how many seeds, TOLLGATE_SIM_SEED the first one. A failure prints the
// seed that replays it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "tests/forward/world.h"

namespace tollgate::simulation {
namespace {

uint64_t Setting(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : fallback;
}

class Simulation : public ::testing::Test {
 protected:
  Simulation() {
    // Files in memory: disk_model.h models the disk and its power losses.
    std::string pattern = std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp";
    pattern += "/tollgate-simulation.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Simulation() override { std::filesystem::remove_all(folder_); }

  template <typename Adjust>
  void Sweep(uint64_t part, Adjust adjust) {
    const uint64_t first = Setting("TOLLGATE_SIM_SEED", 1);
    const uint64_t seeds = Setting("TOLLGATE_SIM_SEEDS", 2000) / part;
    size_t accepted = 0;
    size_t crashes = 0;
    const auto began = std::chrono::steady_clock::now();
    for (uint64_t seed = first; seed < first + seeds; ++seed) {
      WorldOptions options{.seed = seed, .folder = folder_};
      adjust(options);
      World world(options);
      const Verdict verdict = world.Run(options.run_ms);
      accepted += verdict.accepted;
      crashes += verdict.crashes;
      summaries_ += verdict.summaries;
      ASSERT_TRUE(verdict.ok()) << "TOLLGATE_SIM_SEED=" << seed << " TOLLGATE_SIM_SEEDS=" << part
                                << " replays it:\n"
                                << verdict.text;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::printf("    %llu seeds, %zu payments, %zu crashes, %.0f seeds a minute\n",
                static_cast<unsigned long long>(seeds), accepted, crashes,
                60.0 * static_cast<double>(seeds) / took.count());
    EXPECT_GT(accepted, 10 * seeds);
    accepted_ = accepted;
  }
  std::string folder_;
  size_t accepted_ = 0;
  size_t summaries_ = 0;
};

TEST_F(Simulation, WithoutFaultsEverythingIsBooked) {
  Sweep(20, [](WorldOptions&) {});
}

TEST_F(Simulation, CrashesBetweenAnyTwoSteps) {
  Sweep(4, [](WorldOptions& options) { options.crash_per_steps = 60; });
}

TEST_F(Simulation, ProcessorsAndTheirNetworkFail) {
  Sweep(4, [](WorldOptions& options) {
    options.network = {.not_sent = 10,
                       .over_capacity = 15,
                       .lost_request = 15,
                       .lost_answer = 15,
                       .sleeping = 15,
                       .sent_twice = 20,
                       .error_500 = 20,
                       .lookup_unclear = 5};
  });
}

TEST_F(Simulation, TheLedgerAndItsNetworkFail) {
  Sweep(4, [](WorldOptions& options) {
    options.ledger = {.reply_lost = 15, .command_lost = 15, .command_late = 15, .entry_failed = 20};
    options.ledger_loses_tail = true;
  });
}

TEST_F(Simulation, TheLedgerIsRolledBackUnderTheSameRun) {
  Sweep(4, [](WorldOptions& options) {
    options.ledger_rolls_back = true;
    options.crash_per_steps = 300;
    options.ledger = {.reply_lost = 25, .command_lost = 25, .command_late = 25, .entry_failed = 25};
    options.network = {.not_sent = 20, .lost_answer = 25, .sleeping = 25, .error_500 = 25};
  });
}

TEST_F(Simulation, TheLedgerIsAwayForLongerThanASlotRestsAndThenLosesItsTail) {
  Sweep(10, [](WorldOptions& options) {
    options.ledger_away = true;
    options.crash_per_steps = 300;
    options.network = {.not_sent = 20, .lost_answer = 25, .sleeping = 25, .error_500 = 25};
  });
}

// A possible double charge is reported, and never made a certain one.
TEST_F(Simulation, TheLedgerLosesClaimsWhileTheirOwnerIsAwayAndClientsRepeatElsewhere) {
  Sweep(4, [](WorldOptions& options) {
    options.owner_away = true;
    options.network = {.over_capacity = 25,
                       .lost_request = 8,
                       .lost_answer = 15,
                       .sleeping = 25,
                       .error_500 = 15,
                       .lookup_unclear = 5};
  });
}

// What the silent owner may have sent is looked up first. The owner may come back at any time.
TEST_F(Simulation, AnOwnerIsSilentAndClientsRepeatElsewhere) {
  Sweep(5, [](WorldOptions& options) {
    options.instances = 3;
    options.owner_silent = true;
    options.run_ms = 1'200;
    options.crash_per_steps = 300;
    options.ledger = {.reply_lost = 25, .command_lost = 25, .command_late = 25, .entry_failed = 25};
    options.network = {.not_sent = 20,
                       .over_capacity = 25,
                       .lost_request = 15,
                       .lost_answer = 15,
                       .sleeping = 15,
                       .error_500 = 15,
                       .lookup_unclear = 5};
  });
}

// The name of our books leads to another fleet's books.
TEST_F(Simulation, AnInstanceIsPointedAtTheBooksOfAnotherFleet) {
  Sweep(4, [](WorldOptions& options) {
    options.wrong_books = true;
    options.crash_per_steps = 100;
    options.network = {.not_sent = 20, .lost_answer = 25, .sleeping = 25, .error_500 = 25};
  });
}

// A payment that may be at a processor that was replaced is sent nowhere else.
TEST_F(Simulation, AProcessorIsAnotherOneOfTheSameNameFromStartToStart) {
  Sweep(8, [](WorldOptions& options) {
    options.moves = true;
    options.crash_per_steps = 80;
    options.ledger = {.reply_lost = 25, .command_lost = 25, .command_late = 25, .entry_failed = 25};
    options.network = {.not_sent = 20, .lost_request = 15, .lost_answer = 15, .error_500 = 20};
  });
}

// The books have an attempt that the disk has lost, at the processor that had the name then.
TEST_F(Simulation, PowerIsLostAndAProcessorIsAnotherOneOfTheSameName) {
  Sweep(8, [](WorldOptions& options) {
    options.moves = true;
    options.disk = true;
    options.slots = 130;
    options.crash_per_steps = 60;
    options.network = {.not_sent = 20, .lost_request = 15, .lost_answer = 15, .error_500 = 20};
  });
}

// A silent owner's claim is not taken over if its processor was replaced.
TEST_F(Simulation, AnOwnerIsSilentWhereProcessorsDiffer) {
  Sweep(8, [](WorldOptions& options) {
    options.instances = 3;
    options.owner_silent = true;
    options.run_ms = 1'200;
    options.moves = true;
    options.crash_per_steps = 150;
    options.network = {.not_sent = 20, .lost_request = 15, .lost_answer = 15, .error_500 = 20};
  });
}

// What was confirmed before a summary is in it, and what is confirmed later is not.
TEST_F(Simulation, SummariesAreAsOfTheMomentTheyAreAskedFor) {
  Sweep(8, [](WorldOptions& options) {
    options.summaries = true;
    options.run_ms = 800;
    options.crash_per_steps = 1'500;
    options.ledger = {.reply_lost = 25, .command_lost = 25, .command_late = 25, .entry_failed = 25};
    options.network = {.not_sent = 20, .lost_request = 15, .lost_answer = 15, .error_500 = 20};
  });
  EXPECT_GT(summaries_, accepted_ / 40);
}

TEST_F(Simulation, ACopyOfATableIsOpenedBesideIt) {
  Sweep(4, [](WorldOptions& options) {
    options.copied_table = true;
    options.crash_per_steps = 150;
    options.ledger = {.reply_lost = 25, .command_lost = 25, .command_late = 25, .entry_failed = 25};
    options.network = {.not_sent = 10, .lost_answer = 25, .sleeping = 25};
  });
}

TEST_F(Simulation, PowerLossesLeaveTheSyncedImageAndAPartOfLaterWrites) {
  Sweep(4, [](WorldOptions& options) {
    options.disk = true;
    options.slots = 130;  // three pages
    options.crash_per_steps = 60;
    options.sync_fails = 10;
  });
}

TEST_F(Simulation, OutagesOfTheWholeHost) {
  Sweep(2, [](WorldOptions& options) {
    options.disk = true;
    options.slots = 130;
    options.crash_per_steps = 150;
    options.sync_fails = 20;
    options.outages = true;
    options.ledger = {.reply_lost = 25, .command_lost = 25, .command_late = 25, .entry_failed = 25};
    options.network = {.not_sent = 10,
                       .over_capacity = 25,
                       .lost_request = 25,
                       .lost_answer = 25,
                       .sleeping = 15,
                       .sent_twice = 25,
                       .error_500 = 25,
                       .lookup_unclear = 5};
  });
}

TEST_F(Simulation, PurgesAndStopsInGoodOrderWhilePaymentsAreInFlight) {
  Sweep(4, [](WorldOptions& options) {
    options.purges = true;
    options.stops = true;
    options.crash_per_steps = 200;
    options.ledger = {.reply_lost = 25, .command_lost = 25, .command_late = 25, .entry_failed = 25};
    options.network = {.not_sent = 20, .lost_answer = 25, .sleeping = 25, .error_500 = 25};
  });
}

TEST_F(Simulation, EverythingAtOnce) {
  Sweep(2, [](WorldOptions& options) {
    options.clock_skew_ms_max = 3'600'000;
    options.stops = true;
    options.crash_per_steps = 100;
    options.ledger = {.reply_lost = 25, .command_lost = 25, .command_late = 25, .entry_failed = 25};
    options.ledger_loses_tail = true;
    options.network = {.not_sent = 20,
                       .over_capacity = 25,
                       .lost_request = 25,
                       .lost_answer = 25,
                       .sleeping = 25,
                       .sent_twice = 25,
                       .error_500 = 25,
                       .lookup_unclear = 5};
  });
}

}  // namespace
}  // namespace tollgate::simulation
