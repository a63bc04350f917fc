// Processor: what a payment processor keeps and decides, without sockets or waiting: payments by
// id, totals by time, the rate limit of service-health, the limit of requests at once.
//
// Thread: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "tollgate/base/unique_fd.h"
#include "tollgate/payments/payment.h"

namespace tollgate::sim {

struct StoredPayment {
  int64_t amount_cents = 0;
  int64_t requested_at_us = 0;
};

struct Totals {
  int64_t count = 0;
  int64_t amount_cents = 0;
};

class Processor {
 public:
  // False: it has this id already.
  bool Insert(const payments::Payment& payment, int64_t requested_at_us);
  std::optional<StoredPayment> Find(const payments::Uuid& id) const;
  // Both ends inclusive, in microseconds since 1970.
  Totals Sum(int64_t from_us, int64_t to_us) const;
  void Purge();
  // From now on what it holds outlives its process, in this file; what the file holds is taken
  // over. False: the file cannot be used.
  bool KeepIn(const std::string& path);
  const std::unordered_map<payments::Uuid, StoredPayment>& all() const { return by_id_; }

  bool failing = false;
  int64_t delay_ms = 0;
  std::string token = "123";

 private:
  std::unordered_map<payments::Uuid, StoredPayment> by_id_;
  std::map<int64_t, Totals> by_time_;  // µs → totals of that µs
  base::UniqueFd file_;                // invalid: all is kept in memory alone
};

// One call per fixed window of 5 s, for all callers together. Up to two further calls are held
// until a window of their own opens; past that a call is refused.
class HealthLimit {
 public:
  static constexpr int64_t kWindowMs = 5'000;
  // When the call may be answered, at or after `now_ms`; nothing: 429.
  std::optional<int64_t> Admit(int64_t now_ms);

 private:
  int64_t last_window_ = -1;  // the last one given away
};

// At most `running_max` requests at once; `waiting_max` more wait in line; then 429.
class RequestLimit {
 public:
  // Runs `work` now or later. False: refused.
  bool Enter(std::function<void()> work);
  // A request has ended; the next in line begins.
  void Leave();
  size_t running() const { return running_; }

  size_t running_max = 800;
  size_t waiting_max = 500;

 private:
  size_t running_ = 0;
  std::deque<std::function<void()>> waiting_;
};

}  // namespace tollgate::sim
