// Compares the offsets in docs/TABLE_FILE.md with the structures.
#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <sstream>
#include <string>

#include "table/table_file.h"

namespace tollgate::table {
namespace {

std::string Page() {
  std::ifstream file(TOLLGATE_DOCS "/TABLE_FILE.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// "| 16 | 8 | `slots` |": a row of the page, as the structures define it.
std::string Row(size_t at, size_t bytes, const std::string& field) {
  return "\n| " + std::to_string(at) + " | " + std::to_string(bytes) + " | `" + field + "` |";
}

#define EXPECT_ROW(page, Type, field, base)                                                \
  EXPECT_NE((page).find(Row((base) + offsetof(Type, field), sizeof(Type::field), #field)), \
            std::string::npos)                                                             \
      << Row((base) + offsetof(Type, field), sizeof(Type::field), #field)

TEST(TableLayout, TheHeaderIsAsThePageSays) {
  const std::string page = Page();
  ASSERT_FALSE(page.empty());
  EXPECT_ROW(page, TableHeader, magic, 0);
  EXPECT_ROW(page, TableHeader, version, 0);
  EXPECT_ROW(page, TableHeader, slot_bytes, 0);
  EXPECT_ROW(page, TableHeader, slots, 0);
  EXPECT_ROW(page, TableHeader, table, 0);
  EXPECT_ROW(page, TableHeader, incarnation, 0);
  EXPECT_ROW(page, TableHeader, nonce, 0);
  EXPECT_ROW(page, TableHeader, serial, 0);
  EXPECT_ROW(page, TableHeader, ledger_run_id, 0);
  EXPECT_ROW(page, TableHeader, names, 0);
  EXPECT_ROW(page, TableHeader, identities, 0);
  EXPECT_ROW(page, TableHeader, books, 0);
  EXPECT_ROW(page, TableHeader, predecessors, 0);
  EXPECT_ROW(page, TableHeader, checksum, 0);
  EXPECT_EQ(offsetof(TableHeader, checksum) + sizeof(TableHeader::checksum), sizeof(TableHeader));
  EXPECT_ROW(page, LiveWords, number, kLiveWordsAt);
  EXPECT_ROW(page, LiveWords, forgotten, kLiveWordsAt);
}

TEST(TableLayout, ASlotIsAsThePageSays) {
  const std::string page = Page();
  EXPECT_NE(page.find(Row(offsetof(Slot, payment), 16, "payment.id")), std::string::npos);
  EXPECT_NE(page.find(Row(offsetof(Slot, payment) + 16, 8, "payment.amount_cents")),
            std::string::npos);
  static_assert(offsetof(payments::Payment, amount_cents) == sizeof(payments::Uuid));
  EXPECT_ROW(page, Slot, accepted_at_ms, 0);
  EXPECT_ROW(page, Slot, generation, 0);
  EXPECT_ROW(page, Slot, checksum, 0);
  EXPECT_ROW(page, Slot, status, 0);
  EXPECT_ROW(page, Slot, claim_epoch, 0);
  EXPECT_ROW(page, Slot, freed_at_s, 0);
  EXPECT_ROW(page, Slot, recorded_in, 0);
  EXPECT_NE(page.find("| " + std::to_string(kSlotsOffset) + " | " + std::to_string(sizeof(Slot)) +
                      " each |"),
            std::string::npos);
  EXPECT_NE(page.find("| 8 | 4 | `version` | " + std::to_string(kTableVersion) + " |"),
            std::string::npos);
}

}  // namespace
}  // namespace tollgate::table
