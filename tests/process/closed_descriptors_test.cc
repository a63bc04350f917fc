// A gateway is started with standard input, output and error closed, as a supervisor may do. Files
// that it opens must not get these numbers, or its log is written over its table.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/stack.h"

namespace tollgate::testing {
namespace {

// The program and its arguments in a shell that first closes some descriptors; it keeps its process
// id.
std::vector<std::string> With(const std::string& closed, const std::vector<std::string>& argv) {
  std::vector<std::string> words{"/bin/sh", "-c", R"(exec "$0" "$@" )" + closed};
  words.insert(words.end(), argv.begin(), argv.end());
  return words;
}

std::string Target(const ChildProcess& process, int fd) {
  std::error_code error;
  const auto link = "/proc/" + std::to_string(process.pid()) + "/fd/" + std::to_string(fd);
  return std::filesystem::read_symlink(link, error).string();
}

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

constexpr const char* kAll = "<&- >&- 2>&-";

class ClosedDescriptors : public ::testing::TestWithParam<const char*> {};

TEST_P(ClosedDescriptors, TheLogOfAGatewayWithoutThemIsNotWrittenOverItsTable) {
  constexpr size_t kPayments = 200;
  const TemporaryFolder folder;
  const std::string socket = folder / "g.sock";
  // There is no processor: accepted payments stay in the table.
  const std::vector<std::string> argv{TOLLGATE_BINARY,
                                      "--server-socket",
                                      socket,
                                      "--redis-socket",
                                      folder / "none.sock",
                                      "--data-dir",
                                      folder.path(),
                                      "--table-slots",
                                      "256",
                                      "--log-level",
                                      "trace"};
  ChildProcess gateway(With(GetParam(), argv), folder / "log");
  ASSERT_TRUE(Eventually([&] { return HttpClient(socket).Get("/readyz").status == 200; }));
  HttpClient client(socket);
  for (size_t i = 0; i < kPayments; ++i) {
    ASSERT_EQ(client.Post("/payments", PaymentBody(TestId(8, i), "19.90")).status, 202);
  }
  EXPECT_EQ(Target(gateway, 2), "/dev/null");
  gateway.Kill();

  const std::string table = folder / "g.sock.table";
  EXPECT_EQ(Contents(table).find("taking payments"), std::string::npos)
      << "the log stands in the table";
  ChildProcess pending({TOLLGATE_BINARY, "pending", "--json", "--data-dir", folder.path()},
                       folder / "pending");
  ASSERT_EQ(pending.WaitExit(20'000), 0) << pending.Log();
  const std::string listed = pending.Log();
  EXPECT_EQ(std::count(listed.begin(), listed.end(), '\n'), kPayments) << listed;
  // After a restart on the table it finds no damage.
  ChildProcess again(argv, folder / "again");
  ASSERT_TRUE(Eventually([&] { return HttpClient(socket).Get("/readyz").status == 200; }))
      << again.Log();
  EXPECT_EQ(again.Log().find("damaged"), std::string::npos) << again.Log();
  EXPECT_NE(again.Log().find(std::to_string(kPayments) + " to continue"), std::string::npos)
      << again.Log();
}

INSTANTIATE_TEST_SUITE_P(Kinds, ClosedDescriptors, ::testing::Values("2>&-", kAll));

TEST(ClosedDescriptorsOfASimulatedProcessor, AreKeptFromItsBooks) {
  const TemporaryFolder folder;
  const std::string socket = folder / "p.sock";
  ChildProcess processor(
      With(kAll, {TOLLGATE_SIM_BINARY, "--listen", socket, "--books", folder / "books"}),
      folder / "log");
  ASSERT_TRUE(
      Eventually([&] { return HttpClient(socket).Get("/payments/service-health").status != 0; }));
  for (int fd = 0; fd <= 2; ++fd) EXPECT_EQ(Target(processor, fd), "/dev/null") << fd;
  EXPECT_EQ(Contents(folder / "books").find("listening"), std::string::npos);
}

}  // namespace
}  // namespace tollgate::testing
