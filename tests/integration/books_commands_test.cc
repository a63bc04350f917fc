// The commands on a file of books, as an operator runs them beside a gateway at work.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/exchange_leaves.h"
#include "tests/support/stack.h"
#include "tollgate/payments/money.h"

namespace tollgate::testing {
namespace {

class BooksCommands : public ::testing::Test {
 protected:
  void SetUp() override {
    stack_.AddGatewayArguments({"--books", "file", "--data-dir", Folder()});
    ASSERT_NO_FATAL_FAILURE(stack_.Start());
  }
  std::string Folder() const { return stack_.folder() + "/shared"; }

  struct Ran {
    int status = -1;
    std::string told;
  };
  // A shell's line, in which $TOLLGATE is the program with the settings of the gateway's books.
  Ran Shell(const std::string& line) {
    const std::string log = stack_.folder() + "/shell-" + std::to_string(++runs_) + ".log";
    ChildProcess shell({"bash", "-c", "set -o pipefail; " + line}, log,
                       {{"TOLLGATE", TOLLGATE_BINARY},
                        {"OF", "--books file --data-dir " + Folder() + " --default-url http://" +
                                   stack_.ProcessorAddress(0) + " --fallback-url http://" +
                                   stack_.ProcessorAddress(1)}});
    Ran ran;
    ran.status = shell.WaitExit(60'000);
    ran.told = shell.Log();
    return ran;
  }
  void Pay(uint64_t seed, size_t count) {
    HttpClient client(stack_.GatewaySocket(0));
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(
          client.Post("/payments", PaymentBody(TestId(seed, i), "19.9" + std::to_string(i % 10)))
              .status,
          202);
    }
    paid_ += count;
    ASSERT_TRUE(Eventually([&] { return Booked() == static_cast<int64_t>(paid_); }))
        << stack_.Logs();
  }
  int64_t Booked() {
    auto summary = Stack::Summary(stack_.GatewaySocket(0));
    return summary["default"].count + summary["fallback"].count;
  }

  Stack stack_{{.gateway_arguments = {}, .redis_arguments = {}, .gateways = 1, .haproxy = false}};
  size_t paid_ = 0;
  int runs_ = 0;
};

TEST_F(BooksCommands, AnExportEqualsTheSummaryOfTheGatewayAtWork) {
  Pay(1, 200);
  const std::string out = stack_.folder() + "/payments.csv";
  const Ran ran = Shell("$TOLLGATE export $OF > " + out);
  EXPECT_EQ(ran.status, 0) << ran.told;
  EXPECT_NE(ran.told.find("exported: 200 booked"), std::string::npos) << ran.told;
  int64_t cents = 0;
  size_t lines = 0;
  std::ifstream file(out);
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i < 4; ++i) std::getline(fields, field, ',');
    if (++lines != 1) cents += payments::ParseCents(field).cents;
  }
  EXPECT_EQ(lines, 201U);
  auto summary = Stack::Summary(stack_.GatewaySocket(0));
  EXPECT_EQ(cents, summary["default"].cents + summary["fallback"].cents);
  const Ran full = Shell("$TOLLGATE export $OF > /dev/full");
  EXPECT_EQ(full.status, 1);
  EXPECT_NE(full.told.find("No space left on device"), std::string::npos) << full.told;
  const Ran gone = Shell("{ sleep 0.3; $TOLLGATE export $OF; } | true");
  EXPECT_EQ(gone.status, 1) << "and not killed by a signal";
  EXPECT_NE(gone.told.find("Broken pipe"), std::string::npos) << gone.told;
}

TEST_F(BooksCommands, ABackupOfBooksAtWorkIsRestoredAndWhatItLacksIsToldAgain) {
  Pay(1, 60);
  const std::string backup = stack_.folder() + "/backup.db";
  const Ran ran = Shell("$TOLLGATE books backup $OF " + backup);
  EXPECT_EQ(ran.status, 0) << ran.told;
  EXPECT_NE(ran.told.find("60 payments in summaries"), std::string::npos) << ran.told;
  EXPECT_EQ(Shell("$TOLLGATE books backup $OF " + backup).status, 1) << "it exists already";
  Pay(2, 20);
  stack_.gateway(0).Kill();
  const std::string books = Folder() + "/books.db";
  for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(books + ending);
  std::filesystem::copy_file(backup, books);
  stack_.StartGateway(0);
  ASSERT_TRUE(stack_.WaitReady(0)) << stack_.Logs();
  EXPECT_TRUE(Eventually([&] { return Booked() == 80; })) << Booked() << stack_.Logs();
  EXPECT_NE(stack_.gateway(0).Log().find("may have lost its last writes"), std::string::npos)
      << stack_.Logs();
}

TEST_F(BooksCommands, BooksMoveToRedisAndBackWhileNoGatewayWorks) {
  Pay(1, 50);
  const std::string file = " file:" + Folder();
  const std::string redis = " unix://" + stack_.RedisSocket();
  const auto summary = Stack::Summary(stack_.GatewaySocket(0));
  const Ran busy = Shell("$TOLLGATE books copy --from" + file + " --to" + redis);
  EXPECT_EQ(busy.status, 1);
  EXPECT_NE(busy.told.find("stop all gateways"), std::string::npos) << busy.told;
  stack_.gateway(0).Signal(SIGTERM);
  EXPECT_EQ(stack_.gateway(0).WaitExit(20'000), 0);
  const Ran there = Shell("$TOLLGATE books copy --from" + file + " --to" + redis);
  EXPECT_EQ(there.status, 0) << there.told;
  EXPECT_NE(there.told.find("copied and compared: 1 tables"), std::string::npos) << there.told;
  stack_.AddGatewayArguments({"--books", "redis"});
  stack_.StartGateway(0);
  ASSERT_TRUE(stack_.WaitReady(0)) << stack_.Logs();
  EXPECT_TRUE(Eventually([&] { return Booked() == 50; })) << stack_.Logs();
  EXPECT_EQ(Stack::Summary(stack_.GatewaySocket(0)), summary);
  ASSERT_NO_FATAL_FAILURE(Pay(2, 10));
  stack_.gateway(0).Signal(SIGTERM);
  EXPECT_EQ(stack_.gateway(0).WaitExit(20'000), 0);
  std::filesystem::rename(Folder() + "/books.db", Folder() + "/former.db");
  const Ran back = Shell("$TOLLGATE books copy --from" + redis + " --to" + file);
  EXPECT_EQ(back.status, 0) << back.told;
  stack_.AddGatewayArguments({"--books", "file"});
  stack_.StartGateway(0);
  ASSERT_TRUE(stack_.WaitReady(0)) << stack_.Logs();
  EXPECT_TRUE(Eventually([&] { return Booked() == 60; })) << stack_.Logs();
  ASSERT_NO_FATAL_FAILURE(Pay(3, 5));
}

// Asking again for some seconds, as where books are away, would not help.
TEST_F(BooksCommands, DamagedBooksEndACommandAtOnce) {
  Pay(1, 500);
  stack_.gateway(0).Signal(SIGTERM);
  ASSERT_EQ(stack_.gateway(0).WaitExit(20'000), 0);
  ASSERT_TRUE(ExchangeLeaves(Folder() + "/books.db"));
  for (const char* command : {"export", "reconcile --min-age 0s"}) {
    const auto began = std::chrono::steady_clock::now();
    const Ran ran = Shell(std::string("$TOLLGATE ") + command + " $OF");
    EXPECT_EQ(ran.status, 1) << ran.told;
    EXPECT_NE(ran.told.find("are damaged ("), std::string::npos) << ran.told;
    EXPECT_NE(ran.told.find("put a backup in its place"), std::string::npos) << ran.told;
    EXPECT_NE(ran.told.find("cannot be read to their end"), std::string::npos) << ran.told;
    EXPECT_EQ(ran.told.find("run it again"), std::string::npos) << ran.told;
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
  }
}

// The processor charged them, and the gateway and its table were lost before they were recorded.
TEST_F(BooksCommands, ReconcileBooksWhatOnlyAProcessorHolds) {
  Pay(1, 20);
  stack_.Configure(0, "/admin/configurations/faults", R"({"kind":"slow_bytes","hang_ms":600000})");
  HttpClient client(stack_.GatewaySocket(0));
  for (size_t i = 0; i < 5; ++i) {
    ASSERT_EQ(client.Post("/payments", PaymentBody(TestId(2, i), "19.90")).status, 202);
  }
  ASSERT_TRUE(Eventually([&] { return stack_.Held(0).size() == 25; })) << stack_.Logs();
  const Ran pending = Shell("$TOLLGATE pending $OF");
  EXPECT_EQ(pending.status, 0);
  EXPECT_NE(pending.told.find(": 5 pending, in use"), std::string::npos) << pending.told;
  stack_.gateway(0).Kill();
  for (const auto& entry : std::filesystem::directory_iterator(Folder())) {
    if (entry.path().extension() == ".table") std::filesystem::remove(entry.path());
  }
  stack_.Configure(0, "/admin/configurations/faults", R"({"kind":"none"})");
  const Ran found = Shell("$TOLLGATE reconcile $OF --min-age 0s");
  EXPECT_EQ(found.status, 2) << found.told;
  const Ran mended = Shell("$TOLLGATE reconcile $OF --min-age 0s --repair");
  EXPECT_EQ(mended.status, 0) << mended.told;
  stack_.StartGateway(0);
  ASSERT_TRUE(stack_.WaitReady(0)) << stack_.Logs();
  EXPECT_TRUE(Eventually([&] { return Booked() == 25; })) << Booked() << stack_.Logs();
  EXPECT_EQ(Stack::Summary(stack_.GatewaySocket(0))["default"].cents,
            stack_.HeldTotals()["default"].cents);
}

// The books are gone. The table knows which they were, so they are not taken for new ones.
TEST_F(BooksCommands, ALossIsAccepted) {
  Pay(1, 20);
  // It keeps which run of the books it told, not at once.
  ASSERT_TRUE(Eventually([&] {
    std::stringstream table;
    for (const auto& entry : std::filesystem::directory_iterator(Folder())) {
      if (entry.path().extension() == ".table") table << std::ifstream(entry.path()).rdbuf();
    }
    return table.str().find("file:") != std::string::npos;
  }));
  stack_.gateway(0).Kill();
  for (const char* ending : {"", "-wal", "-shm"}) {
    std::filesystem::remove(Folder() + "/books.db" + ending);
  }
  stack_.AddGatewayArguments({"--allow-purge=false"});  // else it is taken for a purge
  stack_.StartGateway(0);
  const auto says = [&](const char* words) {
    return stack_.gateway(0).Log().find(words) != std::string::npos;
  };
  ASSERT_TRUE(Eventually([&] { return says("that no table can replay"); })) << stack_.Logs();
  EXPECT_TRUE(Stack::Summary(stack_.GatewaySocket(0)).empty()) << "not of incomplete books";
  const Ran accepted = Shell("$TOLLGATE books accept-loss $OF");
  EXPECT_EQ(accepted.status, 0) << accepted.told;
  EXPECT_NE(accepted.told.find("accepted: "), std::string::npos) << accepted.told;
  EXPECT_TRUE(Eventually([&] { return Booked() == 20; })) << "what it held\n" << stack_.Logs();
  const Ran again = Shell("$TOLLGATE books accept-loss $OF");
  EXPECT_NE(again.told.find("nothing to accept"), std::string::npos) << again.told;
}

}  // namespace
}  // namespace tollgate::testing
