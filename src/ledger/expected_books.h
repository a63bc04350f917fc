// The id of the books that a caller expects, and constants that the readers of the books share.
//
// Thread: pure functions; BooksMemory may be read by any thread.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "tollgate/ledger/books_memory.h"

namespace tollgate::ledger {

// The error of a script that found other books than its caller expects.
inline constexpr std::string_view kOtherBooks = "OTHERBOOKS";
// Keys that one step of the sweep reads: a fraction of a millisecond.
inline constexpr const char* kSweepKeys = "200";

// An id of books in the form that the scripts take; empty: any. Stored in place, because it is made
// while payments are in flight.
class BooksText {
 public:
  BooksText() = default;
  explicit BooksText(const payments::Uuid& id) : size_(bytes_.size()) {
    for (size_t i = 0; i < 8; ++i) {
      bytes_[i] = static_cast<char>(id.high >> (56 - 8 * i) & 0xFFU);
      bytes_[8 + i] = static_cast<char>(id.low >> (56 - 8 * i) & 0xFFU);
    }
  }
  std::string_view text() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, 16> bytes_{};
  size_t size_ = 0;
};

// The books that the caller's table belongs to; empty without a table: any. Nothing if the table
// has no books yet: then the caller may not ask.
inline std::optional<BooksText> ExpectedBooks(const BooksMemory* memory) {
  if (memory == nullptr) return BooksText();
  const payments::Uuid id = memory->Books();
  if (id == payments::Uuid{}) return std::nullopt;
  return BooksText(id);
}

}  // namespace tollgate::ledger
