// Acceptor: accepts connections from a listening descriptor. It pauses when there is no room for
// them. It never spins when the process is out of descriptors (muduo's spare descriptor).
//
// Thread: the server's loop.
// Owns: the spare descriptor. Not: the listening one.
#pragma once

#include <cstdint>
#include <string_view>

#include "tollgate/base/result.h"
#include "tollgate/base/unique_fd.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::server {

// What receives the connections.
class AcceptorOwner {
 public:
  virtual ~AcceptorOwner() = default;
  // HasRoom: one more connection may be accepted. MakeRoom: tries to evict one, and returns whether
  // it did.
  virtual bool HasRoom() const = 0;
  virtual bool MakeRoom() = 0;
  virtual void OnAccepted(base::UniqueFd fd) = 0;
  // A client waits in the backlog, and there is no room.
  virtual void OnNoRoom() = 0;
  // The process has no descriptor left. Returns true if it freed some.
  virtual bool FreeDescriptors() = 0;
  virtual void OnPause() = 0;
  // The response for a client that is turned away.
  virtual std::string_view refusal() const = 0;
};

class Acceptor final : public net::EventHandler {
 public:
  Acceptor(net::EventLoop& loop, int listener_fd, bool exclusive, AcceptorOwner& owner);
  ~Acceptor() override;

  base::Status Start();
  void Stop();
  // There is room again. Ends a pause that began because there was none.
  void RoomAgain();
  // Accepts for another server of the group, which has no room.
  void AcceptForAnother();

 private:
  void OnEvents(uint32_t events) override;
  void Accept(bool for_another);
  bool SomebodyWaits() const;
  void Pause(bool for_room);
  void Resume();
  void OutOfDescriptors();

  net::EventLoop& loop_;
  const int fd_;
  const uint32_t events_;
  AcceptorOwner& owner_;
  base::UniqueFd spare_;
  net::Timer resume_;
  bool watching_ = false;
  bool paused_for_room_ = false;
  bool stopped_ = false;
};

}  // namespace tollgate::server
