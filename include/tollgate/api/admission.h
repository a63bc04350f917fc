// Admission: passes a payment from the table into the ring. With disk durability, a payment enters
// the ring and is answered only once a group commit covers its slot. Earlier, a power loss could
// leave only its claim in the books, without an owner that can finish it.
//
// Thread: one acceptor's.
// Owns: the answers that wait for a commit.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>

#include "tollgate/base/assert.h"
#include "tollgate/base/mpmc_ring.h"
#include "tollgate/table/payment_table.h"

namespace tollgate::api {

template <typename Answer>
class Admission {
 public:
  Admission(table::PaymentTable& table, base::MpmcRing<table::SlotIndex>& ring)
      : table_(table), ring_(ring), waits_(table.durability() == table::Durability::kDisk) {}

  // True: the payment is in the ring and may be answered now. False: OnCommitted passes the answer
  // to its caller later. REQUIRES: the slot was just acquired.
  bool Admit(table::SlotIndex slot, const Answer& answer) {
    if (waits_) {
      waiting_.push_back({table_.TakeTicket(), slot, answer});
      return false;
    }
    Queue(slot);
    return true;
  }

  // Queues the committed payments and calls done(answer) for each.
  template <typename Done>
  void OnCommitted(const Done& done) {
    const uint64_t committed = table_.CommittedTicket();
    while (!waiting_.empty() && waiting_.front().ticket <= committed) {
      Queue(waiting_.front().slot);
      done(waiting_.front().answer);
      waiting_.pop_front();
    }
  }

 private:
  struct Waiting {
    uint64_t ticket;
    table::SlotIndex slot;
    Answer answer;
  };
  // The ring has room for every slot of the table.
  void Queue(table::SlotIndex slot) { TG_CHECK(ring_.TryPush(slot)); }

  table::PaymentTable& table_;
  base::MpmcRing<table::SlotIndex>& ring_;
  const bool waits_;
  std::deque<Waiting> waiting_;  // by ticket
};

}  // namespace tollgate::api
