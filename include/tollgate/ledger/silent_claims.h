// SilentClaims: how many pending claims belong to owners that nobody has heard of for long, for
// people. What they accepted waits for them to come back, or for clients to repeat it elsewhere.
//
// Thread: one loop's; calls and callbacks on it. One count under way at a time.
// Owns: one connection.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "tollgate/ledger/redis_options.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/payments/payment.h"

namespace tollgate::ledger {

struct SilentOwner {
  payments::Uuid table;
  uint64_t claims = 0;   // about: Redis may tell one twice while its hash grows
  int64_t silent_s = 0;  // since its last greeting, by Redis' clock; -1: it never greeted
  bool gone = false;     // it has said so
};

class SilentClaims {
 public:
  SilentClaims(net::EventLoop& loop, const RedisOptions& options);
  ~SilentClaims();
  void Start();
  bool ready() const;

  // The owner with most claims first, 1,000 owners at most. Nothing: Redis is away, or answered
  // what it cannot have. REQUIRES: the last count has been answered.
  using OnCounted = std::function<void(std::optional<std::vector<SilentOwner>>)>;
  void Count(int64_t silent_after_s, OnCounted done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::ledger
