// Acceptor: takes connections from a listening descriptor, pauses when there is no room for them,
// and never spins when the process is out of descriptors (muduo's spare descriptor).
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

// Who has the connections.
class AcceptorOwner {
 public:
  virtual ~AcceptorOwner() = default;
  // Whether one more connection may be taken; MakeRoom ends another for it, if one may be ended.
  virtual bool HasRoom() const = 0;
  virtual bool MakeRoom() = 0;
  virtual void OnAccepted(base::UniqueFd fd) = 0;
  // Somebody waits outside, and there is no room.
  virtual void OnNoRoom() = 0;
  // The process has no descriptor left; true if some could be given back.
  virtual bool FreeDescriptors() = 0;
  virtual void OnPause() = 0;
  // What whoever is turned away is told.
  virtual std::string_view refusal() const = 0;
};

class Acceptor final : public net::EventHandler {
 public:
  Acceptor(net::EventLoop& loop, int listener_fd, bool exclusive, AcceptorOwner& owner);
  ~Acceptor() override;

  base::Status Start();
  void Stop();
  // There is room again: ends a pause that was for want of room.
  void RoomAgain();
  // Another server of the group has no room for whoever waits.
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
