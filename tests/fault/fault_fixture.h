// FaultTest: what the fault tests share: a seed, rounds, and the audit at the end.
//
// TOLLGATE_FAULT_ROUNDS sets the number of rounds, TOLLGATE_FAULT_SEED the seed. With
// TOLLGATE_FAULT_REPORT every audit adds a line of JSON to that file (tools/kill_rounds.sh).
//
// Thread: one test's.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>

#include "tests/support/audit.h"
#include "tests/support/load.h"
#include "tests/support/stack.h"

namespace tollgate::testing {

class FaultTest : public ::testing::Test {
 protected:
  FaultTest();

  // 1 .. `ms` milliseconds, from the seed.
  void PauseUpTo(int ms);
  uint64_t Random(uint64_t bound) { return random_() % bound; }
  // Kills one of two gateways behind HAProxy and restarts it, `times` times.
  void KillOneOfTwo(Stack& stack, uint64_t times);
  // Counts a fault.
  void CountRound() { ++rounds_done_; }
  // The audit; fails the test unless every count except the accepted payments is zero.
  AuditResult ExpectClean(Stack& stack, const Load& load, const std::string& address);
  // Every client got only 202.
  static void ExpectNoClientError(const Load& load);

  const uint64_t seed_;
  const uint64_t rounds_;

 private:
  void Report(const AuditResult& result, const Load& load) const;

  uint64_t rounds_done_ = 0;
  std::mt19937_64 random_;
};

}  // namespace tollgate::testing
