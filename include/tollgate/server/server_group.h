// ServerGroup: what the servers of one gateway share: the memory for their clients' bytes, and the
// connections. Each server gets an even part of the connections, no matter which one accepts them.
//
// Thread: any, once every server has joined. One thread joins them all, before the loops run.
// Owns: the counts. Not: the servers.
// Invariants: the memory in use never exceeds memory_bytes_max. A connection is counted with one
// server, from Place until Leave.
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
  // Takes a connection that another server accepted. Thread: the member's loop.
  virtual void TakeIn(base::UniqueFd fd) = 0;
  // Accepts for another server that has no room. Thread: the member's loop.
  virtual void AcceptOnce() = 0;
};

class ServerGroup {
 public:
  explicit ServerGroup(size_t memory_bytes_max) : memory_bytes_max_(memory_bytes_max) {}

  // Returns false if it would exceed memory_bytes_max.
  bool TakeMemory(size_t bytes);
  void GiveMemory(size_t bytes);
  size_t memory_used() const { return memory_used_.load(std::memory_order_relaxed); }

  // Returns the member's number.
  size_t Join(GroupMember& member);
  size_t size() const { return seats_.size(); }

  // Chooses a member for a connection that `self` accepted, and counts it there. That is `self`,
  // unless another member has clearly fewer connections or `self` has `connections_max`. Returns
  // the member. If it is not `self`, the caller hands the connection over.
  size_t Place(size_t self, size_t connections_max);
  void HandOver(size_t to, base::UniqueFd fd);
  void Leave(size_t member);  // a connection has ended
  size_t count(size_t member) const;
  size_t least_count() const;
  size_t most_count() const;
  // True while connections are on their way from one member to another. Acquire: partner is the
  // release in HandOver.
  bool handing_over() const { return in_transit_.load(std::memory_order_acquire) != 0; }
  // From now on each member keeps what it accepts, because a drain has begun.
  void StopHandingOver() { spreading_.store(false, std::memory_order_relaxed); }

  // Makes all other members accept, because `self` has no room.
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
