// Lease: the right to be the fleet's one health monitor, and the snapshot that it publishes. Both
// are in Redis.
//
// Thread: the health thread's. Calls and callbacks are on it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::ledger {

struct LeaseView {
  bool held = false;            // by this token, for ttl_ms from now
  std::string holder;           // the holder, for the log
  std::string snapshot;         // the last published, empty if none
  int64_t snapshot_age_ms = 0;  // by Redis' own clock
  // When auditors came lately, at any instance: Unix ms as Redis has them, so any number.
  std::vector<int64_t> visits;
  uint32_t instances = 1;  // that asked within the last seconds, with this one
};

class LeaseStore {
 public:
  virtual ~LeaseStore() = default;
  virtual void Start() {}
  using OnView = std::function<void(std::optional<LeaseView>)>;  // empty: Redis is away
  using OnDone = std::function<void(bool)>;
  // Takes the lease if it is free, renews it if this token holds it, tells `visits` to the fleet,
  // and reads the snapshot and the visits of all, in one script. `visits`: Unix ms, at most
  // base::RecentTimes::kCount.
  virtual void Acquire(const std::string& token, int64_t ttl_ms, std::span<const int64_t> visits,
                       OnView done) = 0;
  // Publishes only while `token` holds the lease. Otherwise the callback gets false.
  virtual void Publish(const std::string& token, const std::string& snapshot, OnDone done) = 0;
  // Deletes the lease if `token` holds it.
  virtual void Release(const std::string& token, OnDone done) = 0;
};

}  // namespace tollgate::ledger
