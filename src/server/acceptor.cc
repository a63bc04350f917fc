#include "server/acceptor.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace tollgate::server {
namespace {

constexpr int kAcceptsPerTurn = 64;
constexpr int64_t kPauseNs = 100 * base::kNanosPerMilli;

int OpenSpare() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

}  // namespace

Acceptor::Acceptor(net::EventLoop& loop, int listener_fd, bool exclusive,
                   std::function<bool()> room, std::function<void(base::UniqueFd)> on_accepted,
                   std::function<void()> on_pause)
    : loop_(loop),
      fd_(listener_fd),
      events_(EPOLLIN | (exclusive ? static_cast<uint32_t>(EPOLLEXCLUSIVE) : 0U)),
      room_(std::move(room)),
      on_accepted_(std::move(on_accepted)),
      on_pause_(std::move(on_pause)),
      spare_(OpenSpare()),
      resume_(loop, [this] { Resume(); }) {}

Acceptor::~Acceptor() { Stop(); }

base::Status Acceptor::Start() {
  auto status = loop_.Add(fd_, events_, this);
  watching_ = status.ok();
  return status;
}

void Acceptor::Stop() {
  stopped_ = true;
  resume_.Disarm();
  if (std::exchange(watching_, false)) loop_.Remove(fd_);
}

void Acceptor::OnEvents(uint32_t /*events*/) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    if (!room_()) return Pause(true);
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      on_accepted_(base::UniqueFd(fd));
      continue;
    }
    switch (errno) {
      case EAGAIN:
        return;
      case EINTR:
      case ECONNABORTED:
        continue;
      case EMFILE:
      case ENFILE:
        return OutOfDescriptors();
      default:  // ENOBUFS, ENOMEM and the network's own: later
        return Pause(false);
    }
  }
}

// The waiting client is told by a close, with the descriptor kept for this, instead of being left
// in the backlog; then nobody is taken for a while.
void Acceptor::OutOfDescriptors() {
  spare_.reset();
  const base::UniqueFd refused(::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  Pause(false);
  spare_.reset(OpenSpare());
}

void Acceptor::Pause(bool for_room) {
  if (std::exchange(watching_, false)) loop_.Remove(fd_);
  paused_for_room_ = for_room;
  on_pause_();
  if (!for_room) resume_.ArmIn(kPauseNs);
}

void Acceptor::Resume() {
  if (stopped_ || watching_) return;
  paused_for_room_ = false;
  watching_ = loop_.Add(fd_, events_, this).ok();
  if (!watching_) resume_.ArmIn(kPauseNs);
}

void Acceptor::RoomAgain() {
  if (paused_for_room_) Resume();
}

}  // namespace tollgate::server
