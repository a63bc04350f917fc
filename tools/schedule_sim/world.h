// What surrounds the gateways in the simulator: the processors as they really behave, and the fate
// of every payment.
//
// Thread: one simulation's.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "processor_sim/processor.h"
#include "schedule_sim/event_queue.h"
#include "schedule_sim/schedule.h"
#include "tollgate/upstream/processor_client.h"

namespace tollgate::schedule {

inline constexpr uint8_t kNowhere = 0xFF;

// Of one payment, by its number (the low half of its id).
struct Fate {
  int64_t requested_at_ms = 0;   // as booked
  int64_t booked_ns = 0;         // when the processor booked it
  int64_t heard_ns = 0;          // when its gateway heard of that
  int64_t on_books_ns = 0;       // when the record was executed; 0: not yet
  uint8_t processor = kNowhere;  // who booked it
};

// Who asked a processor for something.
class Asker {
 public:
  virtual ~Asker() = default;
  virtual void OnAnswer(uint32_t call, upstream::PostOutcome outcome) = 0;
  virtual void OnFound(uint32_t call, bool found) = 0;
};

// The delay first, then the failure, then the insert; 800 at once, 500 in line, then 429
// (processor_sim's own limits).
class SimulatedProcessor final : public EventTarget {
 public:
  SimulatedProcessor(EventQueue& events, const Behaviour& behaviour, uint8_t id,
                     std::vector<Fate>& fates)
      : events_(events), behaviour_(behaviour), id_(id), fates_(fates) {}

  void Post(Asker& asker, uint32_t call, uint64_t payment, int64_t requested_at_ms);
  void Lookup(Asker& asker, uint32_t call, uint64_t payment);
  const Segment& Now() const { return At(behaviour_, events_.now_ns() / base::kNanosPerMilli); }
  sim::HealthLimit& health_limit() { return health_limit_; }

 private:
  struct Running {
    Asker* asker;
    uint32_t call;
    uint64_t payment;
    int64_t requested_at_ms;
  };
  void OnEvent(uint32_t kind, uint64_t argument) override;

  EventQueue& events_;
  const Behaviour& behaviour_;
  const uint8_t id_;
  std::vector<Fate>& fates_;
  sim::RequestLimit limit_;
  sim::HealthLimit health_limit_;
  std::vector<Running> running_;  // by event argument
  std::vector<uint64_t> free_;
};

}  // namespace tollgate::schedule
