// Parses a client's JSON body into a Payment. It uses simdjson on-demand on the connection's own
// padded buffer, without copying, and is stricter: one object, nothing after it, no repeated
// member, and valid UTF-8 in members that are skipped too.
//
// Thread: one parser per thread.
// Owns: simdjson's scratch memory, allocated once.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "tollgate/payments/payment.h"

namespace tollgate::payments {

// Bytes that must be readable (with any content) after a body given to Parse.
inline constexpr size_t kJsonPaddingBytes = 64;

struct ParsedPayment {
  Payment payment;
  // Empty on success. Else a static text that says what to change, such as "amount: more than two
  // decimal places".
  std::string_view problem;
  bool ok() const { return problem.empty(); }
};

class PaymentParser {
 public:
  // Accepts bodies of at most `body_bytes_max`. All memory is allocated here.
  explicit PaymentParser(size_t body_bytes_max);
  ~PaymentParser();
  PaymentParser(const PaymentParser&) = delete;
  PaymentParser& operator=(const PaymentParser&) = delete;

  // Does not allocate. REQUIRES: kJsonPaddingBytes readable bytes after `body`, and body.size() <=
  // body_bytes_max.
  ParsedPayment Parse(std::string_view body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::payments
