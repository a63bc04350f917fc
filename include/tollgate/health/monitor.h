// Monitor: takes part in the fleet's lease; the holder polls each processor's service-health once
// per interval and publishes what it heard, all others read it. Health is never needed for
// progress: without it the board says "unknown" and payments route by what they see themselves.
//
// Thread: the health thread's loop.
// Owns: its timer and the last answers.
// Invariants: one call per processor and interval for the whole fleet, also across a change of the
// holder; a held call or a 429 is normal and changes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tollgate/ledger/lease.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/payments/processor_json.h"
#include "tollgate/upstream/health_board.h"

namespace tollgate::health {

struct MonitorOptions {
  std::vector<std::string> processors;  // names; index is the ProcessorId
  std::string token;                    // random, this instance's own
  int64_t lease_ttl_ms = 3'000;
  int64_t renew_interval_ms = 1'000;
  int64_t renew_backoff_ms_max = 5'000;  // while the ledger is away
  int64_t poll_interval_ms = 5'000;
  int64_t believed_ms_max = 15'000;  // an older answer says nothing
  uint64_t seed = 1;                 // of the jitter
  std::function<void(bool problem, std::string_view text)> report;
};

class Monitor {
 public:
  // Starts a call of service-health to a processor; false if one is under way. Its answer comes
  // back through OnAnswer.
  using Ask = std::function<bool(size_t processor)>;

  // All references outlive it.
  Monitor(net::EventLoop& loop, MonitorOptions options, ledger::LeaseStore& lease,
          upstream::HealthBoard& board, Ask ask);
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  void Start();
  // Nothing: no answer, 429, or not one that can be read.
  void OnAnswer(size_t processor, const std::optional<payments::ServiceHealth>& answer);
  // Gives the lease back, so that another instance need not wait for it to run out.
  void Stop(std::function<void()> done);

  bool holds_lease() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::health
