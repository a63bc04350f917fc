// BooksMemory: what a table remembers of the books in which its payments are claimed: their id, and
// the number of their last answer. It shows that books have lost something, even if the server's
// run is the same.
//
// Each call of the table raises the number (src/ledger/lua/_prelude.lua, raise_number). Its upper
// bits are an era. A table begins a new era for each loss that it has seen.
//
// Thread: any.
#pragma once

#include <cstdint>

#include "tollgate/payments/uuid.h"

namespace tollgate::ledger {

inline constexpr uint64_t kEraNumbers = uint64_t{1} << 40U;
inline constexpr uint64_t kNumberMax = (uint64_t{1} << 53U) - 1;  // exact in Lua
inline uint64_t EraOf(uint64_t number) { return number / kEraNumbers; }

class BooksMemory {
 public:
  virtual ~BooksMemory() = default;

  // The id of the books. Zero: the table has not claimed in any yet.
  virtual payments::Uuid Books() const = 0;
  // Returns false if it could not be stored. Then nothing may be claimed there.
  virtual bool SetBooks(const payments::Uuid& id) = 0;

  // The highest number that a reply has confirmed; 0: none.
  virtual uint64_t Number() const = 0;
  // Raises Number() to `number` if it is lower. `now_ns`: the monotonic time of the books' answer.
  virtual void Confirm(uint64_t number, int64_t now_ns) = 0;
  // Records confirmed with this number or a lower one may no longer be in any slot.
  virtual uint64_t Forgotten() const = 0;
  // Begins a new era after a call of era `era` saw a loss, unless one has begun meanwhile.
  virtual void BeginEra(uint64_t era) = 0;
};

}  // namespace tollgate::ledger
