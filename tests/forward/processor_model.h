// ProcessorModel: a processor as it really behaves (docs/PROCESSORS.md): a payment that arrives is
// booked even if its sender has ended, and an id is booked only once. ClientModel: the connection
// to it, with every fault of a network and of libcurl.
//
// Thread: one simulation's.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "tests/forward/timeline.h"
#include "tollgate/upstream/processor_client.h"

namespace tollgate::simulation {

class ProcessorModel {
 public:
  struct Entry {
    int64_t cents = 0;
    int64_t requested_at_ms = 0;
  };
  // False: it has this id already (422).
  bool Book(const payments::Payment& payment, int64_t requested_at_ms) {
    return entries_.emplace(payment.id, Entry{payment.amount_cents, requested_at_ms}).second;
  }
  const std::map<payments::Uuid, Entry>& entries() const { return entries_; }

  bool failing = false;  // answers 500 with an empty body
  bool invalid = false;  // answers 400
  bool refuses = false;  // answers 429 at once, with this Retry-After
  int64_t retry_after_ms = 0;
  int64_t delay_us = 1'000;

 private:
  std::map<payments::Uuid, Entry> entries_;
};

// Once in so many requests; 0: never.
struct NetworkFaults {
  uint64_t not_sent = 0;       // no byte was sent
  uint64_t over_capacity = 0;  // 429
  uint64_t lost_request = 0;   // unknown, and it never arrived
  uint64_t lost_answer = 0;    // unknown, and it was booked
  uint64_t sleeping = 0;       // unknown, and it is booked seconds later
  uint64_t sent_twice = 0;     // libcurl's second copy arrives later than the answer
  uint64_t error_500 = 0;      // a 500 with a body; booked or not
  uint64_t lookup_unclear = 0;
};

// The third one replaces the first in a world where processors move.
using Processors = std::array<ProcessorModel, 3>;

class ClientModel final : public upstream::ProcessorClient {
 public:
  ClientModel(Timeline& timeline, Processors& processors, NetworkFaults faults)
      : timeline_(timeline), processors_(processors), faults_(faults) {}

  void SetEvents(upstream::ProcessorEvents* events) override { events_ = events; }
  bool Post(const upstream::PostRequest& request, uint64_t cookie) override;
  bool Lookup(const payments::Uuid& id, payments::ProcessorId processor, uint64_t cookie) override;
  void SetFaults(NetworkFaults faults) { faults_ = faults; }
  // Sets which model the first configured processor is.
  void MoveFirst(size_t to) { first_ = to; }
  // Called for each POST before it is sent.
  void OnPost(std::function<void(const upstream::PostRequest&)> look) { look_ = std::move(look); }

 private:
  upstream::PostOutcome Arrive(const upstream::PostRequest& request);
  ProcessorModel& At(payments::ProcessorId id) { return processors_[id == 0 ? first_ : id]; }
  void Answer(int64_t delay_us, uint64_t cookie, upstream::PostOutcome outcome);

  Timeline& timeline_;
  Processors& processors_;
  NetworkFaults faults_;
  size_t first_ = 0;
  upstream::ProcessorEvents* events_ = nullptr;
  std::function<void(const upstream::PostRequest&)> look_;
  const std::shared_ptr<bool> life_ = std::make_shared<bool>(true);
};

}  // namespace tollgate::simulation
