// Any body: no crash; only JSON is accepted, and JSON is never called invalid JSON. An accepted
// payment is the same after it was written and read again.
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/payments/json_reference.h"
#include "tollgate/base/assert.h"
#include "tollgate/payments/money.h"
#include "tollgate/payments/payment_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tollgate::payments;
  static PaymentParser parser(4096);
  if (size > 4096) return 0;
  const auto parse = [](const std::string& body) {
    std::vector<char> padded(body.size() + kJsonPaddingBytes, '"');
    std::memcpy(padded.data(), body.data(), body.size());
    return parser.Parse({padded.data(), body.size()});
  };
  const std::string body(reinterpret_cast<const char*>(data), size);
  const ParsedPayment parsed = parse(body);
  const bool is_json = testing::JsonReference::IsJson(body);
  TG_ASSERT(is_json ? parsed.problem != "body: is not valid JSON" : !parsed.ok());
  if (!parsed.ok()) return 0;
  TG_ASSERT(parsed.payment.amount_cents > 0);
  const std::string again = R"({"amount":)" + CentsToString(parsed.payment.amount_cents) +
                            R"(,"correlationId":")" + ToString(parsed.payment.id) + "\"}";
  const ParsedPayment second = parse(again);
  TG_ASSERT(second.ok() && second.payment == parsed.payment);
  return 0;
}
