#include "tollgate/server/acceptor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace tollgate::server {
namespace {

constexpr int kAcceptsPerTurn = 64;
constexpr int64_t kPauseNs = 100 * base::kNanosPerMilli;
constexpr int64_t kRoomPauseNs = 25 * base::kNanosPerMilli;

int OpenSpare() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

}  // namespace

Acceptor::Acceptor(net::EventLoop& loop, int listener_fd, bool exclusive, AcceptorOwner& owner)
    : loop_(loop),
      fd_(listener_fd),
      events_(EPOLLIN | (exclusive ? static_cast<uint32_t>(EPOLLEXCLUSIVE) : 0U)),
      owner_(owner),
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

void Acceptor::OnEvents(uint32_t /*events*/) { Accept(false); }

// An acceptor that is paused resumes by itself.
void Acceptor::AcceptForAnother() {
  if (watching_) Accept(true);
}

void Acceptor::Accept(bool for_another) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    if (!owner_.HasRoom()) {
      // No connection is evicted unless a client waits. If more clients wait, the loop reports it.
      if (i > 0 || !SomebodyWaits()) return;
      if (!owner_.MakeRoom()) {
        if (!for_another) owner_.OnNoRoom();
        return Pause(true);
      }
    }
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      owner_.OnAccepted(base::UniqueFd(fd));
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
        if (owner_.FreeDescriptors()) continue;
        return OutOfDescriptors();
      default:  // ENOBUFS, ENOMEM and network errors: try again later
        return Pause(false);
    }
  }
}

bool Acceptor::SomebodyWaits() const {
  pollfd listener{.fd = fd_, .events = POLLIN, .revents = 0};
  return ::poll(&listener, 1, 0) > 0;
}

// Uses the spare descriptor to refuse the waiting client with a response instead of leaving it in
// the backlog. Then accepting pauses.
void Acceptor::OutOfDescriptors() {
  spare_.reset();
  const base::UniqueFd refused(::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (refused.valid()) {
    const std::string_view text = owner_.refusal();
    // A client that cannot be sent the response sees the close.
    [[maybe_unused]] const ssize_t sent =
        ::send(refused.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  Pause(false);
  spare_.reset(OpenSpare());
}

void Acceptor::Pause(bool for_room) {
  if (std::exchange(watching_, false)) loop_.Remove(fd_);
  paused_for_room_ = for_room;
  owner_.OnPause();
  // It resumes by itself even when there is no room. Another server of the group may have room by
  // then, or a connection may have waited long enough to be evicted.
  resume_.ArmIn(for_room ? kRoomPauseNs : kPauseNs);
}

void Acceptor::Resume() {
  if (stopped_ || watching_) return;
  paused_for_room_ = false;
  resume_.Disarm();
  watching_ = loop_.Add(fd_, events_, this).ok();
  if (!watching_) resume_.ArmIn(kPauseNs);
}

void Acceptor::RoomAgain() {
  if (paused_for_room_) Resume();
}

}  // namespace tollgate::server
