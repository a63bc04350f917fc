// Acceptor: takes connections from a listening descriptor, pauses when there is no room for them,
// and never spins when the process is out of descriptors (muduo's spare descriptor).
//
// Thread: the server's loop.
// Owns: the spare descriptor. Not: the listening one.
#pragma once

#include <cstdint>
#include <functional>

#include "tollgate/base/result.h"
#include "tollgate/base/unique_fd.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::server {

class Acceptor final : public net::EventHandler {
 public:
  // `room` says whether one more connection may be taken; `on_accepted` takes it.
  Acceptor(net::EventLoop& loop, int listener_fd, bool exclusive, std::function<bool()> room,
           std::function<void(base::UniqueFd)> on_accepted, std::function<void()> on_pause);
  ~Acceptor() override;

  base::Status Start();
  void Stop();
  // There is room again: ends a pause that was for want of room.
  void RoomAgain();

 private:
  void OnEvents(uint32_t events) override;
  void Pause(bool for_room);
  void Resume();
  void OutOfDescriptors();

  net::EventLoop& loop_;
  const int fd_;
  const uint32_t events_;
  const std::function<bool()> room_;
  const std::function<void(base::UniqueFd)> on_accepted_;
  const std::function<void()> on_pause_;
  base::UniqueFd spare_;
  net::Timer resume_;
  bool watching_ = false;
  bool paused_for_room_ = false;
  bool stopped_ = false;
};

}  // namespace tollgate::server
