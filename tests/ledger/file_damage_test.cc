// Books in a file whose content is damaged: who reads them must hear of it, and end.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/ledger/place_fixture.h"
#include "tests/support/exchange_leaves.h"

namespace tollgate::ledger {
namespace {

class FileDamageTest : public PlaceTest {
 protected:
  std::string Path() const { return folder_ / "books.db"; }
  void Book(uint64_t count) {
    Connect();
    for (uint64_t i = 0; i < count; i += payments::kLedgerBatchMax) {
      std::vector<RecordRequest> records;
      for (uint64_t id = i; id < std::min(i + payments::kLedgerBatchMax, count); ++id) {
        records.push_back({.claim = Request(id + 1)});
      }
      ASSERT_EQ(Record(owner_, records).size(), records.size());
    }
    ledger_.reset();
    place_.reset();  // the last one writes all into the database
  }
  // Reads all pages. Returns their number if there was an end, and -1 if a page was not read.
  int ReadAll(ClaimReader& reader) {
    constexpr int kPagesMax = 100;
    int pages = 0;
    std::optional<ClaimCursor> cursor = ClaimCursor{};
    while (cursor && pages < kPagesMax) {
      std::optional<std::optional<ClaimPage>> page;
      reader.Read(*cursor, [&](auto answer) { page = std::move(answer); });
      EXPECT_TRUE(Until([&] { return page.has_value(); }));
      if (!page || !*page) return -1;
      cursor = (*page)->next;
      ++pages;
    }
    return pages;
  }
};

// A page continues behind the last id of the page before. Where that id stands too far in front,
// the next page is the same again.
TEST_P(FileDamageTest, AScanOfRowsInTheWrongOrderEndsAndSaysWhatToDo) {
  ASSERT_NO_FATAL_FAILURE(Book(900));
  place_ = NewPlace();
  auto reader = place_->MakeClaimReader(loop_, directory_);
  reader->Start();
  EXPECT_EQ(ReadAll(*reader), 5) << "one of no claims, four of 900 payments";
  EXPECT_FALSE(reader->is_damaged());
  reader.reset();
  place_.reset();
  ASSERT_TRUE(testing::ExchangeLeaves(Path()));
  place_ = NewPlace();
  EXPECT_EQ(place_->WhyUnreadable(), "") << "the beginning is fine";
  reader = place_->MakeClaimReader(loop_, directory_);
  reader->Start();
  EXPECT_EQ(ReadAll(*reader), -1);
  EXPECT_TRUE(reader->is_damaged());
  EXPECT_NE(Told().find("are damaged (database disk image is malformed): stop all gateways"),
            std::string::npos)
      << Told();
  EXPECT_EQ(Told().find("Payments are kept"), std::string::npos) << "a reader cannot know";
}

TEST_P(FileDamageTest, WhatIsWrongAtTheBeginningIsSaidBeforeAnythingIsRead) {
  ASSERT_NO_FATAL_FAILURE(Book(900));
  place_ = NewPlace();
  EXPECT_EQ(place_->WhyUnreadable(), "");
  const std::string garbage(4'096, 'x');
  for (const int64_t page : {1, 0}) {
    std::fstream file(Path(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(page * 4'096).write(garbage.data(), 4'096);
    file.close();
    EXPECT_NE(place_->WhyUnreadable().find("put a backup in its place"), std::string::npos)
        << page << place_->WhyUnreadable();
  }
}

INSTANTIATE_TEST_SUITE_P(Books, FileDamageTest, ::testing::Values(Where::kFile),
                         [](const auto& instance) { return NameOf(instance.param); });

}  // namespace
}  // namespace tollgate::ledger
