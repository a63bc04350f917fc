#include "tollgate/server/server_group.h"

#include <algorithm>
#include <utility>

#include "tollgate/base/assert.h"

namespace tollgate::server {

// All counts are relaxed. The data that they count belongs to one thread or is passed by Post.

bool ServerGroup::TakeMemory(size_t bytes) {
  const size_t before = memory_used_.fetch_add(bytes, std::memory_order_relaxed);
  if (bytes <= memory_bytes_max_ && before <= memory_bytes_max_ - bytes) return true;
  memory_used_.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

void ServerGroup::GiveMemory(size_t bytes) {
  const size_t before = memory_used_.fetch_sub(bytes, std::memory_order_relaxed);
  TG_ASSERT(before >= bytes);
}

size_t ServerGroup::Join(GroupMember& member) {
  seats_.push_back(std::make_unique<Seat>(member));
  return seats_.size() - 1;
}

size_t ServerGroup::Place(size_t self, size_t connections_max) {
  size_t best = self;
  if (spreading_.load(std::memory_order_relaxed)) {
    const size_t own = count(self);
    size_t least = own;
    for (size_t i = 0; i < seats_.size(); ++i) {
      if (count(i) >= least) continue;
      least = count(i);
      best = i;
    }
    // Handing over costs a wake-up, so small differences do not matter.
    if (own <= least + least / 8 && own < connections_max) best = self;
  }
  seats_[best]->connections.fetch_add(1, std::memory_order_relaxed);
  return best;
}

void ServerGroup::HandOver(size_t to, base::UniqueFd fd) {
  GroupMember& member = seats_[to]->member;
  in_transit_.fetch_add(1, std::memory_order_relaxed);
  // A task must be copyable, a descriptor is not. If the loop stops first, the client sees a close.
  auto parcel = std::make_shared<base::UniqueFd>(std::move(fd));
  member.member_loop().Post([this, &member, parcel] {
    member.TakeIn(std::move(*parcel));
    in_transit_.fetch_sub(1, std::memory_order_release);  // partner: handing_over
  });
}

void ServerGroup::Leave(size_t member) {
  seats_[member]->connections.fetch_sub(1, std::memory_order_relaxed);
}

size_t ServerGroup::count(size_t member) const {
  return seats_[member]->connections.load(std::memory_order_relaxed);
}

size_t ServerGroup::least_count() const {
  size_t least = SIZE_MAX;
  for (size_t i = 0; i < seats_.size(); ++i) least = std::min(least, count(i));
  return least;
}

size_t ServerGroup::most_count() const {
  size_t most = 0;
  for (size_t i = 0; i < seats_.size(); ++i) most = std::max(most, count(i));
  return most;
}

void ServerGroup::AskOthersToAccept(size_t self) {
  for (size_t i = 0; i < seats_.size(); ++i) {
    GroupMember& member = seats_[i]->member;
    if (i != self) member.member_loop().Post([&member] { member.AcceptOnce(); });
  }
}

}  // namespace tollgate::server
