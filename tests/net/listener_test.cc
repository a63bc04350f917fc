#include "tollgate/net/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace tollgate::net {
namespace {

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "listener.XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::string At(const std::string& name) const { return path_ + "/" + name; }
  size_t FileCount() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(path_),
                                             std::filesystem::directory_iterator()));
  }

 private:
  std::string path_;
};

base::UniqueFd ConnectUnix(const std::string& path) {
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)) != 0) fd.reset();
  return fd;
}

base::UniqueFd ConnectLoopback(uint16_t port) {
  base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)) != 0) fd.reset();
  return fd;
}

TEST(ListenTcp, DescriptorFlagsAndPort) {
  const auto fd = ListenTcp({.host = "127.0.0.1", .port = 0, .unix_path = ""}, false);
  ASSERT_TRUE(fd.ok()) << fd.error().message;
  const int listener = fd.value().get();
  EXPECT_NE(::fcntl(listener, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(listener, F_GETFD) & FD_CLOEXEC, 0);
  ASSERT_NE(LocalPort(listener), 0);
  const base::UniqueFd client = ConnectLoopback(LocalPort(listener));
  ASSERT_TRUE(client.valid());
  const base::UniqueFd accepted(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_TRUE(accepted.valid());
  int no_delay = 0;
  socklen_t bytes = sizeof(no_delay);
  ASSERT_EQ(::getsockopt(accepted.get(), IPPROTO_TCP, TCP_NODELAY, &no_delay, &bytes), 0);
  EXPECT_NE(no_delay, 0) << "TCP_NODELAY must pass to accepted sockets";
}

TEST(ListenTcp, TakenPortNamesTheAddress) {
  auto first = ListenTcp({.host = "127.0.0.1", .port = 0, .unix_path = ""}, false);
  ASSERT_TRUE(first.ok());
  const uint16_t port = LocalPort(first.value().get());
  const auto second = ListenTcp({.host = "127.0.0.1", .port = port, .unix_path = ""}, false);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, EADDRINUSE);
  EXPECT_NE(second.error().message.find("127.0.0.1:" + std::to_string(port)), std::string::npos);
}

TEST(ListenTcp, ReusePortIsSharedAndStillSeenAsTaken) {
  auto first = ListenTcp({.host = "127.0.0.1", .port = 0, .unix_path = ""}, true);
  ASSERT_TRUE(first.ok());
  const Address address{
      .host = "127.0.0.1", .port = LocalPort(first.value().get()), .unix_path = ""};
  EXPECT_TRUE(ListenTcp(address, true).ok());
  EXPECT_TRUE(IsTaken(address));
  first.value().reset();
  EXPECT_FALSE(IsTaken(address));
}

TEST(ListenTcp, TogetherSharesThePortWithItsOwnAndWithNobodyElse) {
  const auto fds = ListenTcpTogether({.host = "127.0.0.1"}, 3);
  ASSERT_TRUE(fds.ok()) << fds.error().message;
  ASSERT_EQ(fds.value().size(), 3U);
  const uint16_t port = LocalPort(fds.value()[0].get());
  for (const auto& fd : fds.value()) EXPECT_EQ(LocalPort(fd.get()), port);
  for (int i = 0; i < 64; ++i) EXPECT_TRUE(ConnectLoopback(port).valid());
  size_t with_clients = 0;
  for (const auto& fd : fds.value()) {
    with_clients += base::UniqueFd(::accept(fd.get(), nullptr, nullptr)).valid();
  }
  EXPECT_GE(with_clients, 2U);
  const auto other = ListenTcpTogether({.host = "127.0.0.1", .port = port, .unix_path = ""}, 1);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, EADDRINUSE);
}

// How many of eight calls at the same moment succeed.
template <typename Listen>
int LetIn(const Listen& listen) {
  std::atomic<int> ready{0};
  std::atomic<int> let_in{0};
  std::vector<std::thread> starts;
  for (int i = 0; i < 8; ++i) {
    starts.emplace_back([&] {
      ready.fetch_add(1);
      while (ready.load() < 8) std::this_thread::yield();
      const auto got = listen();
      let_in.fetch_add(got.ok() ? 1 : 0);
      ready.fetch_add(1);
      while (ready.load() < 16) std::this_thread::yield();  // keep it until all have tried
    });
  }
  for (auto& start : starts) start.join();
  return let_in.load();
}

TEST(ListenTcp, OfStartsAtTheSameMomentOneIsLetIn) {
  for (int round = 0; round < 20; ++round) {
    uint16_t port = 0;
    {
      const auto free = ListenTcp({.host = "127.0.0.1"}, false);
      ASSERT_TRUE(free.ok());
      port = LocalPort(free.value().get());
    }
    const Address address{.host = "127.0.0.1", .port = port, .unix_path = ""};
    EXPECT_EQ(LetIn([&] { return ListenTcpTogether(address, 2); }), 1);
  }
}

TEST(ListenTcp, UnknownHostIsAnError) {
  const auto fd = ListenTcp({.host = "256.1.1.1.invalid", .port = 1, .unix_path = ""}, false);
  ASSERT_FALSE(fd.ok());
  EXPECT_NE(fd.error().message.find("256.1.1.1.invalid"), std::string::npos);
}

TEST(ListenUnix, ServesWithMode0666AndLeavesNoOtherFile) {
  const TempFolder folder;
  const std::string path = folder.At("a.sock");
  const mode_t old_mask = ::umask(0077);
  const auto fd = ListenUnix(path);
  ::umask(old_mask);
  ASSERT_TRUE(fd.ok()) << fd.error().message;
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0666U);
  EXPECT_TRUE(ConnectUnix(path).valid());
  EXPECT_TRUE(IsTaken({.host = "", .port = 0, .unix_path = path}));
  EXPECT_EQ(folder.FileCount(), 1U);
}

TEST(ListenUnix, ReplacesTheSocketOfADeadServer) {
  const TempFolder folder;
  const std::string path = folder.At("a.sock");
  { ASSERT_TRUE(ListenUnix(path).ok()); }
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_FALSE(ConnectUnix(path).valid());
  EXPECT_FALSE(IsTaken({.host = "", .port = 0, .unix_path = path}));
  const auto fd = ListenUnix(path);
  ASSERT_TRUE(fd.ok()) << fd.error().message;
  EXPECT_TRUE(ConnectUnix(path).valid());
}

TEST(ListenUnix, NeverReplacesALiveServer) {
  const TempFolder folder;
  const std::string path = folder.At("a.sock");
  auto first = ListenUnix(path);
  ASSERT_TRUE(first.ok());
  const auto second = ListenUnix(path);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, EADDRINUSE);
  EXPECT_NE(second.error().message.find(path), std::string::npos);
  const base::UniqueFd client = ConnectUnix(path);
  ASSERT_TRUE(client.valid());
  // The probe of the refused start waits in front.
  EXPECT_GE(::accept(first.value().get(), nullptr, nullptr), 0);
}

TEST(ListenUnix, OfStartsAtTheSameMomentOneReplacesTheDeadServersSocket) {
  for (int round = 0; round < 20; ++round) {
    const TempFolder folder;
    const std::string path = folder.At("a.sock");
    { ASSERT_TRUE(ListenUnix(path).ok()); }
    EXPECT_EQ(LetIn([&] { return ListenUnix(path); }), 1);
    EXPECT_EQ(folder.FileCount(), 1U);
  }
}

TEST(SocketFileTest, RemovesItsOwnSocketAndNeverASuccessors) {
  const TempFolder folder;
  const std::string path = folder.At("a.sock");
  SocketFile first_file;
  SocketFile second_file;
  const auto first = ListenUnix(path, &first_file);
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(std::filesystem::remove(path));  // by an operator, for example
  const auto second = ListenUnix(path, &second_file);
  ASSERT_TRUE(second.ok());
  EXPECT_FALSE(first_file.Remove());
  EXPECT_TRUE(ConnectUnix(path).valid());
  EXPECT_TRUE(second_file.Remove());
  EXPECT_EQ(folder.FileCount(), 0U);
  EXPECT_FALSE(second_file.Remove());
  EXPECT_FALSE(SocketFile().Remove());
}

// Another server may be about to put its own file there, between the check and the removal.
TEST(SocketFileTest, IsLeftWhileAnotherServerHasTheFolder) {
  const TempFolder folder;
  const std::string path = folder.At("a.sock");
  SocketFile file;
  const auto fd = ListenUnix(path, &file);
  ASSERT_TRUE(fd.ok());
  {
    const base::UniqueFd other(::open(folder.At("").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
    EXPECT_FALSE(file.Remove());
    EXPECT_TRUE(ConnectUnix(path).valid());
  }
  EXPECT_TRUE(file.Remove());
}

TEST(ListenUnix, NeverReplacesAFileThatIsNoSocket) {
  const TempFolder folder;
  const std::string path = folder.At("notes.txt");
  std::ofstream(path) << "dear diary";
  EXPECT_FALSE(ListenUnix(path).ok());
  std::string text;
  std::getline(std::ifstream(path) >> std::ws, text);
  EXPECT_EQ(text, "dear diary");
  EXPECT_EQ(folder.FileCount(), 1U);
}

TEST(ListenUnix, PathErrorsAreValues) {
  const TempFolder folder;
  const auto too_long = ListenUnix(folder.At(std::string(120, 'x')));
  ASSERT_FALSE(too_long.ok());
  EXPECT_NE(too_long.error().message.find("longer"), std::string::npos);
  const auto no_folder = ListenUnix(folder.At("missing/a.sock"));
  ASSERT_FALSE(no_folder.ok());
  EXPECT_EQ(no_folder.error().code, ENOENT);
  EXPECT_NE(no_folder.error().message.find("create its folder"), std::string::npos);
  // Even root cannot write here.
  const auto closed = ListenUnix("/sys/a.sock");
  ASSERT_FALSE(closed.ok());
  EXPECT_NE(closed.error().message.find("let this user write"), std::string::npos)
      << closed.error().message;
}

}  // namespace
}  // namespace tollgate::net
