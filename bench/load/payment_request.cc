#include "bench/load/payment_request.h"

namespace tollgate::bench {
namespace {

constexpr std::string_view kNoId = "00000000-0000-4000-a000-000000000000";

// splitmix64's output function: a bijection.
uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31U);
}

void WriteHex(uint64_t value, size_t digits, char* out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (size_t i = digits; i > 0; --i) {
    out[i - 1] = kDigits[value & 0xFU];
    value >>= 4U;
  }
}

}  // namespace

PaymentRequest::PaymentRequest(std::string_view path, std::string_view amount, uint64_t seed)
    : seed_(Mix(seed)) {
  const std::string before = R"({"correlationId":")";
  const std::string after = R"(","amount":)" + std::string(amount) + "}";
  const size_t body_bytes = before.size() + kNoId.size() + after.size();
  text_ = "POST " + std::string(path) +
          " HTTP/1.1\r\nHost: localhost:9999\r\nUser-Agent: bench-load\r\n"
          "Content-Type: application/json\r\nContent-Length: " +
          std::to_string(body_bytes) + "\r\n\r\n" + before;
  id_at_ = text_.size();
  text_ += std::string(kNoId) + after;
}

// Seed and number choose the first 60 bits, both and the seed again the other 60.
std::string_view PaymentRequest::Next() {
  const uint64_t high = Mix(seed_ ^ number_);
  const uint64_t low = Mix(~seed_ ^ high);
  char* const id = text_.data() + id_at_;
  WriteHex(high >> 32U, 8, id);
  WriteHex(high >> 16U, 4, id + 9);
  WriteHex(high, 3, id + 15);
  WriteHex(low >> 48U, 3, id + 20);
  WriteHex(low, 12, id + 24);
  ++number_;
  return text_;
}

}  // namespace tollgate::bench
