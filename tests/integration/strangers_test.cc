// Gateways whose DATA_DIR other users write to, or whose table is removed while it is in use.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/support/stack.h"

namespace tollgate::testing {
namespace {

StackOptions One() {
  return {.gateway_arguments = {"--workers", "1"},
          .redis_arguments = {},
          .gateways = 1,
          .haproxy = false};
}

void ExpectItWorks(Stack& stack, uint64_t number) {
  const std::string id = TestId(23, number);
  HttpClient client(stack.GatewaySocket(0));
  EXPECT_EQ(client.Post("/payments", PaymentBody(id, "19.90")).status, 202);
  EXPECT_TRUE(Eventually([&] { return stack.Held(0).count(id) == 1; })) << stack.Logs();
}

TEST(Strangers, InASharedFolderKeepNoInstanceFromItsWork) {
  if (::geteuid() != 0) GTEST_SKIP() << "another user's files need root";
  Stack stack(One());
  const std::string folder = stack.DataFolder(0) + "/";
  const std::string own = folder + "gateway-1.sock.table";
  ASSERT_EQ(::chmod(stack.DataFolder(0).c_str(), 01777), 0);
  ASSERT_EQ(::mkfifo((folder + "a.table").c_str(), 0666), 0);
  ASSERT_EQ(::mkfifo((own + ".new").c_str(), 0666), 0);
  std::filesystem::create_symlink(stack.folder() + "/nothing", own);
  for (const std::string& path : {folder + "a.table", own + ".new", own}) {
    ASSERT_EQ(::lchown(path.c_str(), 12'345, 12'345), 0);
  }
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  ExpectItWorks(stack, 1);
  const std::string log = stack.gateway(0).Log();
  EXPECT_NE(log.find("every user may put files into"), std::string::npos) << log;
  EXPECT_NE(log.find("gateway-1.sock.table is a symbolic link"), std::string::npos) << log;
  EXPECT_TRUE(
      Eventually([&] { return stack.gateway(0).Log().find("is a FIFO") != std::string::npos; }));
  EXPECT_FALSE(std::filesystem::exists(stack.folder() + "/nothing"));
  EXPECT_TRUE(std::filesystem::exists(folder + "gateway-1.sock-2.table"));
  stack.gateway(0).Signal(SIGTERM);
  EXPECT_EQ(stack.gateway(0).WaitExit(20'000), 0) << stack.Logs();
}

TEST(Strangers, ATableTruncatedInUseEndsTheGatewayWithAWord) {
  Stack stack(One());
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  ExpectItWorks(stack, 1);
  std::filesystem::resize_file(stack.DataFolder(0) + "/gateway-1.sock.table", 0);
  HttpClient(stack.GatewaySocket(0)).Post("/payments", PaymentBody(TestId(23, 2), "1.00"));
  EXPECT_EQ(stack.gateway(0).WaitExit(20'000), 74) << stack.Logs();
  const std::string log = stack.gateway(0).Log();
  EXPECT_NE(log.find("gateway-1.sock.table has lost a part"), std::string::npos) << log;
}

}  // namespace
}  // namespace tollgate::testing
