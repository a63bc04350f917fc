// ServerGroup: what the servers of one gateway share: the memory for their clients' bytes, and the
// clients themselves, of which each server gets an even part, whoever of them accepts.
//
// Thread: any, once every server has joined; joining is one thread's, before the loops run.
// Owns: the counts. Not: the servers.
// Invariants: no more than memory_bytes_max is taken at any time; a connection is counted with one
// server, from when it is placed until it ends.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "tollgate/base/cache_line.h"
#include "tollgate/base/unique_fd.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::server {

// A server as its group sees it.
class GroupMember {
 public:
  virtual ~GroupMember() = default;
  virtual net::EventLoop& member_loop() = 0;
  // A connection that another one accepted. Thread: the member's loop.
  virtual void TakeIn(base::UniqueFd fd) = 0;
  // Somebody waits outside for whom another one has no room. Thread: the member's loop.
  virtual void AcceptOnce() = 0;
};

class ServerGroup {
 public:
  explicit ServerGroup(size_t memory_bytes_max) : memory_bytes_max_(memory_bytes_max) {}

  // False if it would be more than there is.
  bool TakeMemory(size_t bytes);
  void GiveMemory(size_t bytes);
  size_t memory_used() const { return memory_used_.load(std::memory_order_relaxed); }

  // The member's number.
  size_t Join(GroupMember& member);
  size_t size() const { return seats_.size(); }

  // Counts a connection that `self` accepted with the member that has the fewest, which is `self`
  // unless another has clearly fewer, or `self` has `connections_max`. Whose it is: hand it over,
  // if that is another.
  size_t Place(size_t self, size_t connections_max);
  void HandOver(size_t to, base::UniqueFd fd);
  void Leave(size_t member);  // a connection has ended
  size_t count(size_t member) const;
  size_t least_count() const;
  size_t most_count() const;
  // Connections that are on their way from one member to another.
  bool handing_over() const { return in_transit_.load(std::memory_order_acquire) != 0; }
  // From now on each keeps what it accepts: a drain has begun.
  void StopHandingOver() { spreading_.store(false, std::memory_order_relaxed); }

  // Has all others accept, as `self` has no room.
  void AskOthersToAccept(size_t self);

 private:
  struct alignas(base::kCacheLineBytes) Seat {
    explicit Seat(GroupMember& member_in) : member(member_in) {}
    GroupMember& member;
    std::atomic<size_t> connections{0};
  };

  const size_t memory_bytes_max_;
  std::vector<std::unique_ptr<Seat>> seats_;  // constant once the loops run
  alignas(base::kCacheLineBytes) std::atomic<size_t> memory_used_{0};
  std::atomic<size_t> in_transit_{0};
  std::atomic<bool> spreading_{true};
};

}  // namespace tollgate::server
