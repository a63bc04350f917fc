// PaymentRequest: the bytes of a POST /payments, made once; only the id changes.
//
// Thread: one.
// Invariants: ids do not repeat, within a seed or between seeds (120 mixed bits); their bytes look
// random from the first one on, as the keys of the books are made of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tollgate::bench {

class PaymentRequest {
 public:
  PaymentRequest(std::string_view path, std::string_view amount, uint64_t seed);
  // The next payment's request; valid until the next call.
  std::string_view Next();

 private:
  std::string text_;
  size_t id_at_ = 0;
  uint64_t seed_;
  uint64_t number_ = 0;
};

}  // namespace tollgate::bench
