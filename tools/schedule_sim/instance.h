// Instance: one gateway in the simulator: a real payment table in memory, a real ring and a real
// Forwarder with the routing rule under test, a ledger that always answers, and a client whose
// every request takes some of the instance's processor time.
//
// Thread: one simulation's.
#pragma once

#include <memory>
#include <vector>

#include "schedule_sim/event_queue.h"
#include "schedule_sim/world.h"
#include "tollgate/base/random.h"
#include "tollgate/forward/forwarder.h"
#include "tollgate/metrics/instruments.h"

namespace tollgate::schedule {

// What a healthy set-up on one host takes (docs/ROUTING.md has the measurement).
struct Costs {
  int64_t ledger_ns = 400'000;   // a script call, there and back
  int64_t network_ns = 150'000;  // one way to a processor
  int64_t send_ns = 60'000;      // of the instance's time, per request
  bool late_records = false;     // each is up to 30 ms late, one in fifty 100 ms
  uint64_t seed = 1;             // of that
};

class InstantLedger final : public ledger::Ledger, public EventTarget {
 public:
  InstantLedger(EventQueue& events, const Costs& costs, std::vector<Fate>& fates, bool& news)
      : events_(events), costs_(costs), fates_(fates), news_(news), random_(costs.seed) {}
  void SetEvents(ledger::LedgerEvents* listener) override { listener_ = listener; }
  void SetOwner(const ledger::Owner& /*owner*/) override {}
  bool ready() const override { return true; }
  bool can_claim() const override { return true; }
  ledger::BooksStanding standing() const override { return ledger::BooksStanding::kOurs; }
  void Claim(const ledger::Owner& owner, std::span<const ledger::ClaimRequest> requests,
             uint64_t batch) override;
  void TakeOver(const ledger::Owner& owner, std::span<const ledger::TakeOverRequest> requests,
                uint64_t batch) override;
  void Record(const ledger::Owner& owner, std::span<const ledger::RecordRequest> requests,
              uint64_t batch) override;
  void OnEvent(uint32_t kind, uint64_t argument) override;

 private:
  struct Batch {
    uint64_t id = 0;
    std::vector<ledger::ClaimReply> claims;
    std::vector<uint64_t> records;  // payments
  };
  uint64_t TakePlace();
  int64_t LateNs();

  EventQueue& events_;
  const Costs costs_;
  std::vector<Fate>& fates_;
  bool& news_;  // set when the forwarder heard something
  base::Random random_;
  ledger::LedgerEvents* listener_ = nullptr;
  std::vector<Batch> batches_;
  std::vector<uint64_t> free_;
  std::vector<ledger::RecordReply> done_;
};

using SimulatedProcessors = std::vector<std::unique_ptr<SimulatedProcessor>>;

class InstantClient final : public upstream::ProcessorClient, public EventTarget, public Asker {
 public:
  InstantClient(EventQueue& events, const Costs& costs, SimulatedProcessors& processors,
                std::vector<Fate>& fates, bool& news)
      : events_(events), costs_(costs), processors_(processors), fates_(fates), news_(news) {}
  void SetEvents(upstream::ProcessorEvents* listener) override { listener_ = listener; }
  bool Post(const upstream::PostRequest& request, uint64_t cookie) override;
  bool Lookup(const payments::Uuid& id, payments::ProcessorId processor, uint64_t cookie) override;
  void OnAnswer(uint32_t call, upstream::PostOutcome outcome) override;
  void OnFound(uint32_t call, bool found) override;
  void OnEvent(uint32_t kind, uint64_t argument) override;

 private:
  struct Call {
    uint64_t cookie = 0;
    uint64_t payment = 0;
    int64_t requested_at_ms = 0;
    int64_t began_ns = 0;
    payments::ProcessorId processor = 0;
    upstream::PostOutcome outcome = upstream::PostOutcome::kUnknown;
    bool found = false;
  };
  void Begin(const Call& call, uint32_t kind);

  EventQueue& events_;
  const Costs costs_;
  SimulatedProcessors& processors_;
  std::vector<Fate>& fates_;
  bool& news_;
  upstream::ProcessorEvents* listener_ = nullptr;
  int64_t free_at_ns_ = 0;  // when the instance has time for the next request
  std::vector<Call> calls_;
  std::vector<uint32_t> free_;
};

class Instance final : public EventTarget {
 public:
  Instance(EventQueue& events, const Costs& costs, SimulatedProcessors& processors,
           std::vector<Fate>& fates, const payments::ProcessorDirectory& directory,
           std::unique_ptr<table::PaymentTable> table, const forward::ForwarderOptions& options);

  // False: its table is full.
  bool Accept(const payments::Payment& payment);
  // After each moment; does nothing if that brought no news. A wake-up is set for the next moment
  // that the forwarder wants.
  void Pump();
  void OnEvent(uint32_t /*kind*/, uint64_t /*argument*/) override { news_ = true; }
  upstream::HealthBoard& board() { return board_; }
  const metrics::ForwardMetrics& metrics() const { return *metrics_; }

 private:
  EventQueue& events_;
  bool news_ = true;
  std::unique_ptr<table::PaymentTable> table_;
  forward::WorkRing ring_;
  InstantLedger ledger_;
  InstantClient client_;
  upstream::HealthBoard board_;
  std::unique_ptr<metrics::ForwardMetrics> metrics_ = std::make_unique<metrics::ForwardMetrics>();
  forward::Forwarder forwarder_;
  int64_t wake_ns_ = INT64_MAX;  // the soonest wake-up that is set
};

}  // namespace tollgate::schedule
