#include "tests/server/server_fixture.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "tollgate/net/listener.h"

namespace tollgate::server {
namespace {

// Only a failing test waits this long.
constexpr std::chrono::seconds kPatience{20};

const http::StaticResponse& Accepted() {
  static const http::StaticResponse response(202, "", "");
  return response;
}

size_t NumberBehind(std::string_view text, std::string_view mark) {
  const size_t at = text.find(mark);
  size_t number = 0;
  if (at == std::string_view::npos) return number;
  text.remove_prefix(at + mark.size());
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

template <typename Condition>
bool Client::TurnUntil(Condition condition) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    turn_();
    Take();
  }
  return true;
}

bool Client::Take() {
  if (ending_ != Ending::kOpen || !fd_.valid()) return false;
  char buffer[16 * 1024];
  const ssize_t n = ::recv(fd_.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
  if (n > 0) text_.append(buffer, static_cast<size_t>(n));
  if (n == 0) ending_ = Ending::kEnd;
  if (n < 0 && errno != EAGAIN) ending_ = Ending::kReset;
  return n > 0;
}

bool Client::Send(std::string_view bytes) {
  return TurnUntil([&] {
           if (bytes.empty()) return true;
           const ssize_t n =
               ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
           if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
           if (n < 0 && errno != EAGAIN) return true;
           return bytes.empty();
         }) &&
         bytes.empty();
}

Response Client::Read(bool head_only) {
  Response response;
  const bool came = TurnUntil([&] {
    const size_t end = text_.find("\r\n\r\n");
    if (end == std::string::npos) return ending_ != Ending::kOpen;
    response.head = text_.substr(0, end + 4);
    const size_t length = head_only ? 0 : NumberBehind(response.head, "Content-Length: ");
    if (text_.size() < end + 4 + length) return ending_ != Ending::kOpen;
    response.status = static_cast<int>(NumberBehind(response.head, "HTTP/1.1 "));
    response.body = text_.substr(end + 4, length);
    text_.erase(0, end + 4 + length);
    return true;
  });
  EXPECT_TRUE(came) << "no answer; what came: " << text_.substr(0, 200);
  return response;
}

const std::string& Client::Peek() {
  do {
    turn_();
  } while (Take());
  return text_;
}

Ending Client::ReadToEnd() {
  EXPECT_TRUE(TurnUntil([&] { return ending_ != Ending::kOpen; })) << "the connection stays open";
  return ending_;
}

Ending Client::State() {
  Peek();
  return ending_;
}

void Client::HalfClose() { ::shutdown(fd_.get(), SHUT_WR); }

ServerTest::ServerTest() {
  std::string name = (std::filesystem::temp_directory_path() / "server.XXXXXX").string();
  folder_ = ::mkdtemp(name.data());
  auto unix_fd = net::ListenUnix(folder_ + "/s");
  EXPECT_TRUE(unix_fd.ok());
  unix_listener = std::move(unix_fd).value();
  auto tcp_fd = net::ListenTcp({.host = "127.0.0.1", .port = 0, .unix_path = ""}, false);
  EXPECT_TRUE(tcp_fd.ok());
  tcp_listener = std::move(tcp_fd).value();
}

ServerTest::~ServerTest() {
  server.reset();
  std::filesystem::remove_all(folder_);
}

void ServerTest::Start() {
  group = std::make_unique<ServerGroup>(options.memory_bytes_max);
  server = std::make_unique<HttpServer>(loop, options, *this, *group);
  ASSERT_TRUE(server->Listen(unix_listener.get(), true).ok());
  ASSERT_TRUE(server->Listen(tcp_listener.get(), false).ok());
}

void ServerTest::Turn() {
  // Each step of a request (accept, read, continue when the socket has room) is one turn.
  for (int i = 0; i < 4; ++i) loop.RunOnce(0);
}

void ServerTest::Advance(int64_t ms) {
  Turn();
  clock.AdvanceMillis(ms);
  Turn();
}

Client ServerTest::Connect() {
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string path = folder_ + "/s";
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
  return Client([this] { Turn(); }, std::move(fd));
}

Client ServerTest::ConnectTcp() {
  base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(net::LocalPort(tcp_listener.get()));
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
  return Client([this] { Turn(); }, std::move(fd));
}

void ServerTest::OnRequest(const http::Request& request, Responder responder) {
  const std::string query(request.query);
  seen.push_back(std::string(request.path) + (query.empty() ? "" : "?" + query));
  if (request.path == "/now") return responder.Send(Accepted());
  if (request.path == "/later") return later.push_back(responder);
  if (request.path == "/echo") return responder.Send(200, "text/plain", request.body);
  if (request.path == "/bytes") {
    return responder.Send(200, "text/plain", std::string(std::stoul(query), 'x'));
  }
  if (other) return other(request, responder);
  responder.SendProblem(404, "no such path");
}

std::string Get(std::string_view target, std::string_view extra_headers) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" + std::string(extra_headers) +
         "\r\n";
}

std::string Post(std::string_view target, std::string_view body, std::string_view extra_headers) {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(extra_headers) + "\r\n" + std::string(body);
}

}  // namespace tollgate::server
