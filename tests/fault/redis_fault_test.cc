// Redis is killed, loses its last writes, is paused, full, without its scripts, with a full disk,
// or purged: under load, with real processes. Every test except the purge ends with the audit.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fault/fault_fixture.h"
#include "tests/support/append_only_file.h"
#include "tests/support/small_disk.h"
#include "tollgate/base/clock.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::testing {
namespace {

class RedisFault : public FaultTest {
 protected:
  Load SteadyLoad(const Stack& stack) const {
    return Load({.addresses = {stack.front()}, .seed = seed_, .threads = 4, .pause_us = 500});
  }
};

TEST_F(RedisFault, KilledAndRestartedLosesNothing) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load = SteadyLoad(stack);
  load.Start();
  for (uint64_t round = 0; round < rounds_ / 2 + 1; ++round) {
    PauseUpTo(700);
    stack.redis().Kill();
    CountRound();
    PauseUpTo(300);
    stack.StartRedis();
    PauseUpTo(3000);
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
  ExpectNoClientError(load);
}

TEST_F(RedisFault, TheTailOfItsFileCutOffLosesNothing) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load = SteadyLoad(stack);
  load.Start();
  size_t cut = 0;
  for (uint64_t round = 0; round < rounds_ / 3 + 1; ++round) {
    // A slot rests for 5 s: by then the last loss has been repaired.
    usleep(5'000'000);
    PauseUpTo(500);
    const size_t synced = AppendOnlyBytes(stack.RedisFolder());
    PauseUpTo(1'900);
    stack.redis().Kill();
    CountRound();
    cut += CutAppendOnlyFile(stack.RedisFolder(), synced);
    stack.StartRedis();
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
  EXPECT_GT(cut, 0U);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(stack.Metric(i, "tollgate_contradictions_total"), 0) << stack.Logs();
  }
}

// Payments are accepted while Redis is away, for longer than a slot rests and until the tables are
// full. The tables still hold what Redis lost.
TEST_F(RedisFault, AwayForLongerThanASlotRestsAndBackWithoutItsTailLosesNothing) {
  Stack stack({.gateway_arguments = {"--table-slots", "4096"}, .redis_arguments = {}});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.front()}, .seed = seed_, .threads = 4, .pause_us = 3'000});
  load.Start();
  size_t cut = 0;
  for (uint64_t round = 0; round < rounds_ / 3 + 1; ++round) {
    usleep(2'000'000);
    PauseUpTo(500);
    const size_t synced = AppendOnlyBytes(stack.RedisFolder());
    usleep(1'000'000);
    PauseUpTo(900);
    stack.redis().Kill();
    CountRound();
    cut += CutAppendOnlyFile(stack.RedisFolder(), synced);
    usleep(8'000'000);
    EXPECT_EQ(HttpClient(stack.front())
                  .Post("/payments", PaymentBody(TestId(seed_, round), "1.00"))
                  .status,
              503)
        << "full: what rests is not used";
    stack.StartRedis();
    usleep(8'000'000);
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
  EXPECT_GT(cut, 0U);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(stack.Metric(i, "tollgate_contradictions_total"), 0) << stack.Logs();
  }
}

// A gateway is killed at the same moment, and Redis comes back without its tail before the gateway
// does.
TEST_F(RedisFault, TheTailCutOffWhileAGatewayIsDeadLosesNothing) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  for (size_t i = 0; i < 2; ++i) {
    stack.Configure(i, "/admin/configurations/delay", R"({"delay":80})");
  }
  Load load = SteadyLoad(stack);
  load.Start();
  for (uint64_t round = 0; round < rounds_ / 3 + 1; ++round) {
    usleep(5'000'000);
    const size_t synced = AppendOnlyBytes(stack.RedisFolder());
    PauseUpTo(1'900);
    const size_t victim = Random(2);
    stack.gateway(victim).Kill();
    stack.redis().Kill();
    CountRound();
    CutAppendOnlyFile(stack.RedisFolder(), synced);
    stack.StartRedis();
    PauseUpTo(500);
    stack.StartGateway(victim);
    ASSERT_TRUE(stack.WaitReady(victim)) << stack.Logs();
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
}

// Everything that the tables still hold is replayed, and there was nothing else.
TEST_F(RedisFault, AllFlushedUnderLoadIsToldAgain) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load = SteadyLoad(stack);
  load.Start();
  for (uint64_t round = 0; round < rounds_ / 3 + 1; ++round) {
    PauseUpTo(2'000);
    stack.RedisCli({"flushall"});
    CountRound();
    PauseUpTo(6'000);
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
  ExpectNoClientError(load);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(stack.Metric(i, "tollgate_contradictions_total"), 0) << stack.Logs();
  }
}

// A primary that was separated from its replica, follows it and is promoted again has lost what the
// replica did not have. Its run is the same, and clients stay connected.
TEST_F(RedisFault, DemotedAndPromotedAgainUnderLoadLosesNothing) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  const std::string port = std::to_string(FreePort());
  const std::string replica_port = std::to_string(FreePort());
  stack.RedisCli({"config", "set", "port", port});
  const std::string folder = stack.folder() + "/replica";
  ASSERT_EQ(mkdir(folder.c_str(), 0755), 0);
  ChildProcess replica({"redis-server", "--port", replica_port, "--dir", folder, "--save", "",
                        "--replicaof", "127.0.0.1", port, "--repl-diskless-sync-delay", "0"},
                       folder + "/redis.log");
  const auto ask = [&](const std::vector<std::string>& words) {
    std::vector<std::string> argv{"redis-cli", "-p", replica_port};
    argv.insert(argv.end(), words.begin(), words.end());
    ChildProcess client(argv, folder + "/cli.log");
    client.WaitExit(20'000);  // while it starts, it does not answer
    return client.Log();
  };
  const auto follows = [&] {
    return ask({"info", "replication"}).find("master_link_status:up") != std::string::npos;
  };
  Load load = SteadyLoad(stack);
  load.Start();
  for (uint64_t round = 0; round < rounds_ / 3 + 1; ++round) {
    ASSERT_TRUE(Eventually(follows)) << replica.Log();
    PauseUpTo(2'000);
    ask({"replicaof", "no", "one"});
    PauseUpTo(1'500);  // what is written now is lost
    stack.RedisCli({"replicaof", "127.0.0.1", replica_port});
    CountRound();
    ASSERT_TRUE(Eventually([&] {
      return stack.RedisCli({"info", "replication"}).find("master_link_status:up") !=
             std::string::npos;
    })) << stack.Logs();
    stack.RedisCli({"replicaof", "no", "one"});
    ask({"replicaof", "127.0.0.1", port});
    usleep(5'000'000);
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(stack.Metric(i, "tollgate_contradictions_total"), 0) << stack.Logs();
  }
}

TEST_F(RedisFault, PausedForTenSecondsWithCommandsWaitingLosesNothing) {
  Stack stack({.gateway_arguments = {"--redis-read-timeout", "1s", "--redis-write-timeout", "1s"},
               .redis_arguments = {}});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load = SteadyLoad(stack);
  load.Start();
  PauseUpTo(800);
  stack.redis().Signal(SIGSTOP);
  CountRound();
  usleep(10'000'000);
  stack.redis().Signal(SIGCONT);
  PauseUpTo(2000);
  load.Stop();
  ExpectClean(stack, load, stack.front());
  ExpectNoClientError(load);
}

TEST_F(RedisFault, FullUnderLoadLosesNothing) {
  Stack stack({.gateway_arguments = {}, .redis_arguments = {"--maxmemory-policy", "noeviction"}});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load = SteadyLoad(stack);
  load.Start();
  for (uint64_t round = 0; round < rounds_ / 3 + 1; ++round) {
    PauseUpTo(800);
    stack.RedisCli({"config", "set", "maxmemory", "1mb"});  // less than it uses when empty
    CountRound();
    usleep(1'000'000);
    const auto held = [&] { return stack.Held(0).size() + stack.Held(1).size(); };
    const size_t before = held();
    const size_t accepted = load.accepted_count();
    usleep(1'000'000);
    EXPECT_GT(load.accepted_count(), accepted) << "payments are taken while there is room";
    EXPECT_EQ(held(), before) << "nothing is sent without its claim";
    stack.RedisCli({"config", "set", "maxmemory", "0"});
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
  ExpectNoClientError(load);
}

TEST_F(RedisFault, ScriptsFlushedUnderLoadLoseNothing) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load = SteadyLoad(stack);
  load.Start();
  for (uint64_t round = 0; round < 5 * rounds_; ++round) {
    PauseUpTo(150);
    stack.RedisCli({"script", "flush"});
    CountRound();
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
  ExpectNoClientError(load);
}

TEST_F(RedisFault, ItsDiskFullUnderLoadLosesNothing) {
  Stack stack({.gateway_arguments = {}, .redis_arguments = {}, .redis_folder = "redis"});
  SmallDisk disk(stack.RedisFolder(), 128U << 20U);
  if (!disk.problem().empty()) GTEST_SKIP() << disk.problem();
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load = SteadyLoad(stack);
  load.Start();
  for (uint64_t round = 0; round < rounds_ / 3 + 1; ++round) {
    PauseUpTo(800);
    disk.Fill();
    CountRound();
    usleep(2'000'000);
    disk.Free();
    PauseUpTo(2'000);
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
  ExpectNoClientError(load);
}

// A purge empties the books and drops nothing in flight. A payment that is claimed after it is
// counted, a payment claimed before is not. The processors were not purged and hold each payment
// once.
TEST_F(RedisFault, APurgeWhilePaymentsAreInFlightDropsNone) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  for (size_t i = 0; i < 2; ++i) {
    stack.Configure(i, "/admin/configurations/delay", R"({"delay":100})");
  }
  const base::SystemClock clock;
  Load load = SteadyLoad(stack);
  load.Start();
  int64_t began_ms = 0;
  int64_t ended_ms = 0;
  for (uint64_t round = 0; round < rounds_ / 2 + 1; ++round) {
    PauseUpTo(1'500);
    began_ms = clock.WallMillis();
    ASSERT_EQ(HttpClient(stack.front()).Post("/purge-payments", "").status, 200);
    ended_ms = clock.WallMillis();
    CountRound();
  }
  PauseUpTo(1'000);
  load.Stop();
  ASSERT_TRUE(Eventually([&] {
    return stack.Held(0).size() + stack.Held(1).size() >= load.accepted().size();
  })) << stack.Logs();
  EXPECT_EQ(stack.Held(0).size() + stack.Held(1).size(), load.accepted().size());
  // requestedAt is taken right before a claim; a claim may take until the purge has ended.
  constexpr int64_t kClaimMs = 500;
  for (size_t i = 0; i < 2; ++i) {
    const char* const name = i == 0 ? "default" : "fallback";
    const std::string after = "?from=" + payments::TimestampToString(ended_ms + 1);
    const std::string before = "?to=" + payments::TimestampToString(began_ms - kClaimMs);
    Stack::Totals held_after;
    for (const auto& [id, payment] : stack.Held(i)) {
      if (payment.requested_at_ms <= ended_ms) continue;
      ++held_after.count;
      held_after.cents += payment.cents;
    }
    EXPECT_TRUE(Eventually([&] {
      return Stack::Summary(stack.front(), after)[name] == held_after;
    })) << name
        << ": " << held_after.count << " held, " << Stack::Summary(stack.front(), after)[name].count
        << " on the books" << stack.Logs();
    EXPECT_EQ(Stack::Summary(stack.front(), before)[name].count, 0) << "purged, and still counted";
  }
}

}  // namespace
}  // namespace tollgate::testing
