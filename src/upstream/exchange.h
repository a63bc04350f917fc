// Exchange: one request to a processor and what is known of it until its event.
//
// Thread: the loop's.
#pragma once

#include <cstdint>

#include "tollgate/payments/payment.h"

namespace tollgate::upstream {

class Connection;

struct Exchange {
  payments::Payment payment;  // for a look-up the id alone
  int64_t requested_at_ms = 0;
  uint64_t cookie = 0;
  int64_t begun_ns = 0;
  bool is_lookup = false;
  // Some of its bytes may have left. Set before the first write that sent any.
  bool sent = false;
  Connection* connection = nullptr;  // that carries it; null: it waits for one
  // Neighbours in the order of Begin; all exchanges of one processor have the same time-out.
  Exchange* earlier = nullptr;
  Exchange* later = nullptr;
  Exchange* behind = nullptr;  // next in the queue for a connection, or in the list of free ones
};

}  // namespace tollgate::upstream
