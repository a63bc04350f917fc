// Monitor: takes part in the fleet's lease. The holder polls each processor's service-health once
// per interval and publishes the answers. All others read them. Health is never needed for
// progress: without it the board says "unknown", and payments are routed by each instance's own
// observations.
//
// Thread: the health thread's loop.
// Owns: its timers and the last answers.
// Invariants: one call per processor and interval for the whole fleet, also when the holder
// changes. A delayed call or a 429 is normal and changes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tollgate/base/backoff.h"
#include "tollgate/base/lifetime.h"
#include "tollgate/base/random.h"
#include "tollgate/ledger/lease.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/payments/processor_json.h"
#include "tollgate/upstream/health_board.h"

namespace tollgate::health {

struct MonitorOptions {
  std::vector<std::string> processors;  // names; index is the ProcessorId
  std::string token;                    // random, unique to this instance
  int64_t lease_ttl_ms = 3'000;
  // From one renewal of the lease to the next; longer while the ledger is away.
  base::BackoffRange renew_waits{.min_ms = 1'000, .max_ms = 5'000};
  int64_t poll_interval_ms = 5'000;
  int64_t believed_ms_max = 15'000;  // an older answer is ignored
  uint64_t seed = 1;                 // of the jitter
  std::function<void(bool problem, std::string_view text)> report;
};

class Monitor {
 public:
  // Starts a call of a processor's service-health. Returns false if one is in progress. The answer
  // is given to OnAnswer.
  using Ask = std::function<bool(size_t processor)>;

  // All references outlive the monitor.
  Monitor(net::EventLoop& loop, MonitorOptions options, ledger::LeaseStore& lease,
          upstream::HealthBoard& board, Ask ask);
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  void Start() { Renew(); }
  // Empty: no answer, 429, or an answer that cannot be parsed.
  void OnAnswer(size_t processor, const std::optional<payments::ServiceHealth>& answer);
  // Releases the lease, so that another instance need not wait until it expires.
  void Stop(std::function<void()> done);

  bool holds_lease() const { return held_; }

 private:
  // The last answer of one processor, from this instance's poll or the holder's snapshot.
  struct Known {
    bool any = false;
    bool failing = false;
    uint32_t min_response_ms = 0;
    int64_t heard_ns = 0;
    int64_t next_poll_ns = 0;
  };

  void Report(bool problem, const std::string& text) const;
  void Renew();
  void OnView(const std::optional<ledger::LeaseView>& view);
  void SetHeld(bool now_held, const std::string& why);
  // Takes over the answers of another instance.
  void Adopt(const ledger::LeaseView& view);
  int64_t PollIntervalNs() const;
  void Poll();
  void PublishSnapshot();
  void PublishBoard();

  net::EventLoop& loop_;
  const MonitorOptions options_;
  ledger::LeaseStore& lease_;
  upstream::HealthBoard& board_;
  const Ask ask_;
  std::vector<Known> known_;
  base::Random random_;
  net::Timer renew_timer_;
  net::Timer poll_timer_;
  base::Lifetime life_;     // replies may outlive it
  base::Backoff failures_;  // of renewals
  bool held_ = false;
  bool seen_snapshot_ = false;
  bool stopping_ = false;
};

}  // namespace tollgate::health
