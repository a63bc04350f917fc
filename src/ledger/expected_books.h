// Whose books a caller means, and what the readers of the books share beside it.
//
// Thread: pure, over a memory that any thread may read.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "tollgate/ledger/books_memory.h"

namespace tollgate::ledger {

// The error of a script that was asked of other books than those that are here.
inline constexpr std::string_view kOtherBooks = "OTHERBOOKS";
// Keys that a step of the sweep looks at: a fraction of a millisecond.
inline constexpr const char* kSweepKeys = "200";

// An id of books as the scripts take it; empty: any. Held in place: it is asked for while payments
// are on their way.
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

// The books that the caller's table was told to. Nothing where it was told to none yet: then these
// are nobody's to ask.
inline std::optional<BooksText> ExpectedBooks(const BooksMemory* memory) {
  if (memory == nullptr) return BooksText();
  const payments::Uuid id = memory->Books();
  if (id == payments::Uuid{}) return std::nullopt;
  return BooksText(id);
}

}  // namespace tollgate::ledger
