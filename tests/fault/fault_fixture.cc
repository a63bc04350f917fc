#include "tests/fault/fault_fixture.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace tollgate::testing {
namespace {

uint64_t Setting(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : fallback;
}

size_t ClientErrors(const Load& load) {
  size_t count = 0;
  for (const auto& [status, times] : load.failures()) count += times;
  return count;
}

}  // namespace

FaultTest::FaultTest()
    : seed_(Setting("TOLLGATE_FAULT_SEED", 20261124)),
      rounds_(Setting("TOLLGATE_FAULT_ROUNDS", 6)),
      random_(seed_) {
  RecordProperty("seed", std::to_string(seed_));
}

void FaultTest::PauseUpTo(int ms) {
  usleep(static_cast<useconds_t>(1000 * std::uniform_int_distribution<int>(1, ms)(random_)));
}

void FaultTest::KillOneOfTwo(Stack& stack, uint64_t times) {
  for (uint64_t round = 0; round < times; ++round) {
    const size_t victim = Random(2);
    PauseUpTo(600);
    stack.gateway(victim).Kill();
    CountRound();
    PauseUpTo(300);
    stack.StartGateway(victim);
    ASSERT_TRUE(stack.WaitReady(victim)) << stack.Logs();
    usleep(1'500'000);  // HAProxy must see it up before the other one may stop
  }
}

AuditResult FaultTest::ExpectClean(Stack& stack, const Load& load, const std::string& address) {
  const AuditResult result = Audit(stack, load, address);
  std::printf("    %llu rounds, %s, client errors %zu (seed %llu)\n",
              static_cast<unsigned long long>(rounds_done_), result.text().c_str(),
              ClientErrors(load), static_cast<unsigned long long>(seed_));
  EXPECT_TRUE(result.clean()) << result.text() << ", seed " << seed_ << stack.Logs();
  EXPECT_GT(result.accepted, 0U);
  Report(result, load);
  return result;
}

void FaultTest::ExpectNoClientError(const Load& load) {
  EXPECT_TRUE(load.failures().empty())
      << "clients saw " << ClientErrors(load) << " answers other than 202, some of status "
      << load.failures().begin()->first;
}

void FaultTest::Report(const AuditResult& result, const Load& load) const {
  const char* const path = std::getenv("TOLLGATE_FAULT_REPORT");
  if (path == nullptr) return;
  const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
  std::ofstream file(path, std::ios::app);
  file << R"({"test":")" << test->name() << R"(","seed":)" << seed_ << R"(,"rounds":)"
       << rounds_done_ << R"(,"accepted":)" << result.accepted << R"(,"lost":)" << result.lost
       << R"(,"charged_twice":)" << result.twice << R"(,"stray":)" << result.stray
       << R"(,"wrong_amount":)" << result.wrong_amount << R"(,"summary_differences":)"
       << result.summary_differences << R"(,"client_errors":)" << ClientErrors(load) << "}\n";
}

}  // namespace tollgate::testing
