// SilentClaims: counts the pending claims of owners that have been silent for long, for people.
// Their payments wait until the owner returns, or until clients repeat them at another instance.
//
// Thread: one loop's. Calls and callbacks are on it. One count at a time.
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
  uint64_t claims = 0;   // approximate: Redis may return one twice while its hash grows
  int64_t silent_s = 0;  // since its last greeting, by Redis' clock; -1: it never greeted
  bool gone = false;     // it said so at its stop
};

class SilentClaims {
 public:
  SilentClaims(net::EventLoop& loop, const RedisOptions& options);
  ~SilentClaims();
  void Start();
  bool ready() const;

  // The owner with most claims comes first, at most 1,000 owners. Empty: Redis is away, or its
  // answer is not valid. REQUIRES: the last count has been answered.
  using OnCounted = std::function<void(std::optional<std::vector<SilentOwner>>)>;
  void Count(int64_t silent_after_s, OnCounted done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::ledger
