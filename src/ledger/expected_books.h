// Whose books a caller means, and what the readers of the books share beside it.
//
// Thread: pure, over a memory that any thread may read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ledger/packed.h"
#include "tollgate/ledger/books_memory.h"

namespace tollgate::ledger {

// The error of a script that was asked of other books than those that are here.
inline constexpr std::string_view kOtherBooks = "OTHERBOOKS";
// Keys that a step of the sweep looks at: a fraction of a millisecond.
inline constexpr const char* kSweepKeys = "200";

// The id of the books that the caller's table was told to, as the scripts take it; empty: any.
// Nothing where it was told to none yet: then these are nobody's to ask.
inline std::optional<std::string> ExpectedBooks(const BooksMemory* memory) {
  if (memory == nullptr) return "";
  const payments::Uuid id = memory->Books();
  if (id == payments::Uuid{}) return std::nullopt;
  std::string text;
  Pack<8>(text, id.high);
  Pack<8>(text, id.low);
  return text;
}

}  // namespace tollgate::ledger
