// A client's JSON body to a Payment: simdjson on-demand over the connection's own padded buffer,
// without copying, and stricter than it: one object, nothing after it, no repeated member, valid
// UTF-8 also in members that are skipped.
//
// Thread: one parser per thread.  Owns: simdjson's scratch memory, allocated once.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "tollgate/payments/payment.h"

namespace tollgate::payments {

// Bytes that must be readable (of any content) behind a body given to Parse.
inline constexpr size_t kJsonPaddingBytes = 64;

struct ParsedPayment {
  Payment payment;
  // Empty on success; else what a person must change, a static text such as
  // "amount: more than two decimal places".
  std::string_view problem;
  bool ok() const { return problem.empty(); }
};

class PaymentParser {
 public:
  // Takes bodies of at most `body_bytes_max`; allocates all that it needs here.
  explicit PaymentParser(size_t body_bytes_max);
  ~PaymentParser();
  PaymentParser(const PaymentParser&) = delete;
  PaymentParser& operator=(const PaymentParser&) = delete;

  // REQUIRES: kJsonPaddingBytes readable bytes behind `body`; body.size() <= body_bytes_max.
  // Does not allocate.
  ParsedPayment Parse(std::string_view body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::payments
