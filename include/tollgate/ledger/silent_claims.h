// SilentClaims: counts the pending claims of owners that have been silent for long, for people.
// Their payments wait until the owner returns, or until clients repeat them at another instance.
//
// Thread: one loop's. Calls and callbacks are on it. One count at a time.
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
  virtual ~SilentClaims() = default;
  virtual void Start() = 0;
  virtual bool ready() const = 0;
  // The owner with most claims comes first, at most kSilentOwnersMax owners. Empty: the books are
  // away, or their answer is not valid. REQUIRES: the last count has been answered.
  using OnCounted = std::function<void(std::optional<std::vector<SilentOwner>>)>;
  virtual void Count(int64_t silent_after_s, OnCounted done) = 0;
};
inline constexpr size_t kSilentOwnersMax = 1'000;

// Owns: one connection.
class RedisSilentClaims final : public SilentClaims {
 public:
  RedisSilentClaims(net::EventLoop& loop, const RedisOptions& options);
  ~RedisSilentClaims() override;
  void Start() override;
  bool ready() const override;
  void Count(int64_t silent_after_s, OnCounted done) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::ledger
