// Payment: what a client asks for. Money is an integer number of cents from here to Redis.
//
// Thread: a value type.
#pragma once

#include <cstdint>

#include "tollgate/payments/uuid.h"

namespace tollgate::payments {

struct Payment {
  Uuid id;
  int64_t amount_cents = 0;  // 1 .. kAmountCentsMax
  bool operator==(const Payment&) const = default;
};

// A processor, as an index into the instance's ProcessorDirectory.
using ProcessorId = uint8_t;
inline constexpr ProcessorId kNoProcessor = 31;

}  // namespace tollgate::payments
