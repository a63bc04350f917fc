#include "tests/integration/recording_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "tollgate/base/assert.h"

namespace tollgate::testing {

RecordingServer::RecordingServer(std::string answer) : answer_(std::move(answer)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  TG_ASSERT(bind(listener_, generic, size) == 0 && listen(listener_, 128) == 0 &&
            getsockname(listener_, generic, &size) == 0);
  address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  thread_ = std::thread([this] { Serve(); });
}

RecordingServer::~RecordingServer() {
  stop_.store(true);
  thread_.join();
  for (const auto& [fd, input] : input_) close(fd);
  close(listener_);
}

std::vector<std::string> RecordingServer::Requests() {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void RecordingServer::Serve() {
  while (!stop_.load()) {
    std::vector<pollfd> watched{{listener_, POLLIN, 0}};
    for (const auto& [fd, input] : input_) watched.push_back({fd, POLLIN, 0});
    if (poll(watched.data(), watched.size(), 20) <= 0) continue;
    for (const pollfd& it : watched) {
      if (it.revents == 0) continue;
      if (it.fd == listener_) {
        const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd >= 0) input_[fd] = "";
      } else if (!ReadFrom(it.fd)) {
        close(it.fd);
        input_.erase(it.fd);
      }
    }
  }
}

bool RecordingServer::ReadFrom(int fd) {
  char bytes[4096];
  const ssize_t count = recv(fd, bytes, sizeof(bytes), 0);
  if (count <= 0) return false;
  std::string& input = input_[fd];
  input.append(bytes, static_cast<size_t>(count));
  for (size_t end = input.find("\r\n\r\n"); end != std::string::npos;
       end = input.find("\r\n\r\n")) {
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(input.substr(0, input.find("\r\n")));
    }
    input.erase(0, end + 4);
    if (send(fd, answer_.data(), answer_.size(), MSG_NOSIGNAL) < 0) return false;
  }
  return true;
}

}  // namespace tollgate::testing
