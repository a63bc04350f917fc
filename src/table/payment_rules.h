// What an instance can have accepted. The contents of a file are checked against it.
//
// Thread: pure functions.
#pragma once

#include "tollgate/payments/limits.h"
#include "tollgate/table/slot.h"

namespace tollgate::table {

// 9999-12-31T23:59:59.999Z, the last time that has a text form.
inline constexpr int64_t kAcceptedMsMax = 253'402'300'799'999;

inline bool IsPayment(const Slot& slot) {
  return slot.payment.amount_cents >= 1 && slot.payment.amount_cents <= payments::kAmountCentsMax &&
         slot.accepted_at_ms >= 0 && slot.accepted_at_ms <= kAcceptedMsMax;
}

}  // namespace tollgate::table
