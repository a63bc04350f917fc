// BooksMemory: what a table remembers of the books that its payments are claimed in: which books
// they are, and how far they had come when they last answered. Books that have lost something are
// known by it, also where the server's run is the same.
//
// The number is raised by each call of the table (src/ledger/lua/_prelude.lua, raise_number). Its
// upper bits are an era: a table begins a new one for each loss that it has seen.
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

  // The id of the books; zero: the table was told to none yet.
  virtual payments::Uuid Books() const = 0;
  // False: it could not be stored, and nothing may be claimed there.
  virtual bool SetBooks(const payments::Uuid& id) = 0;

  // The highest number that a reply has confirmed; 0: none.
  virtual uint64_t Number() const = 0;
  // Raises Number() to `number`, if it is lower. `now_ns`: monotonic; the books have answered.
  virtual void Confirm(uint64_t number, int64_t now_ns) = 0;
  // Records that were confirmed by this number or before may be held by no slot any more.
  virtual uint64_t Forgotten() const = 0;
  // A loss was seen by a call of era `era`: a new era begins, unless somebody was faster.
  virtual void BeginEra(uint64_t era) = 0;
};

}  // namespace tollgate::ledger
