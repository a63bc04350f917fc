// Big-endian integers packed in a string, as the Lua scripts' struct library reads and writes them.
//
// Thread: pure functions over the caller's buffers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tollgate/base/assert.h"
#include "tollgate/payments/payment.h"

namespace tollgate::ledger {

template <size_t kBytes>
void Pack(std::string& out, uint64_t value) {
  for (size_t i = kBytes; i-- > 0;) out += static_cast<char>(value >> (8 * i) & 0xFFU);
}

inline void PackUuid(std::string& out, const payments::Uuid& id) {
  Pack<8>(out, id.high);
  Pack<8>(out, id.low);
}

class Unpacker {
 public:
  explicit Unpacker(std::string_view data) : data_(data) {}
  template <size_t kBytes>
  uint64_t Take() {
    TG_ASSERT(data_.size() >= kBytes);
    uint64_t value = 0;
    for (size_t i = 0; i < kBytes; ++i) value = value << 8U | static_cast<unsigned char>(data_[i]);
    data_.remove_prefix(kBytes);
    return value;
  }
  payments::Uuid TakeUuid() {
    const uint64_t high = Take<8>();
    return {high, Take<8>()};
  }
  bool empty() const { return data_.empty(); }
  // REQUIRES: not empty.
  uint8_t Peek() const { return static_cast<uint8_t>(data_.front()); }

 private:
  std::string_view data_;
};

}  // namespace tollgate::ledger
