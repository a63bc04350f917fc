// Lease: the fleet's one health monitor, and the snapshot it publishes, kept in Redis.
//
// Thread: the health thread; calls and callbacks on it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tollgate::ledger {

struct LeaseView {
  bool held = false;            // by this token, for ttl_ms from now
  std::string holder;           // whose it is, for the log
  std::string snapshot;         // the last published, empty if none
  int64_t snapshot_age_ms = 0;  // by Redis' own clock
  uint32_t instances = 1;       // that have asked within the last seconds, this one included
};

class LeaseStore {
 public:
  virtual ~LeaseStore() = default;
  using OnView = std::function<void(std::optional<LeaseView>)>;  // nothing: Redis is away
  using OnDone = std::function<void(bool)>;
  // Takes the lease if it is free, renews it if it is ours, and reads the snapshot: one script.
  virtual void Acquire(const std::string& token, int64_t ttl_ms, OnView done) = 0;
  // Publishes only while `token` holds the lease; false otherwise.
  virtual void Publish(const std::string& token, const std::string& snapshot, OnDone done) = 0;
  // Compare-and-delete.
  virtual void Release(const std::string& token, OnDone done) = 0;
};

}  // namespace tollgate::ledger
