// The names of processors on the books: each has a number of its own, whoever named it first.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/ledger/place_fixture.h"

namespace tollgate::ledger {
namespace {

using NamesTest = PlaceTest;

// The books keep the numbers of an owner's names for as long as it calls with the same names.
TEST_P(NamesTest, AProcessorThatIsNewOrOnlyAnotherInstanceHasGoesByItsName) {
  Connect();
  ASSERT_EQ(Claim(owner_, {Request(1)}).at(0).verdict, ClaimVerdict::kYours);
  const std::optional<payments::ProcessorId> third = directory_.Add("third");
  ASSERT_TRUE(third.has_value() && directory_.Add("fourth").has_value());
  RecordRequest record{.claim = Request(2)};
  record.claim.processor = *third;
  ASSERT_EQ(Claim(owner_, {record.claim}).at(0).verdict, ClaimVerdict::kYours) << Told();
  ASSERT_EQ(Record(owner_, {record}).at(0).verdict, RecordVerdict::kDone);

  payments::ProcessorDirectory others{{"fallback", "default"}};
  const auto other = NewLedger(others);
  other->Record({.table = {7, 7}, .incarnation = 1, .nonce = 1},
                std::vector{RecordRequest{.claim = Request(2)}}, ++batch_);
  ASSERT_TRUE(Until([&] { return done_ == batch_; }));
  ASSERT_EQ(recorded_.at(0).verdict, RecordVerdict::kContradiction);
  EXPECT_EQ(others.Name(recorded_.at(0).other), "third");
}

// Names come and go. An instance never has more than a few, but the books keep them all.
TEST_P(NamesTest, ProcessorsHaveNumbersOfTheirOwnHoweverManyThereWere) {
  Use({});
  constexpr uint64_t kEach = 6;
  for (uint64_t round = 0; round < 8; ++round) {
    std::vector<std::string> names;
    for (uint64_t i = 0; i < kEach; ++i) {
      names.push_back("p" + std::to_string(round) + "-" + std::to_string(i));
    }
    payments::ProcessorDirectory directory(names);
    const auto ledger = NewLedger(directory);
    ASSERT_TRUE(Until([&] { return ledger->can_claim(); })) << Told();
    std::vector<ClaimRequest> requests;
    for (uint64_t i = 0; i < kEach; ++i) {
      requests.push_back(Request(1 + round * kEach + i));
      requests.back().processor = static_cast<payments::ProcessorId>(i);
    }
    Owner owner{.table = {1, round}, .incarnation = 1, .nonce = 1};
    for (; owner.incarnation <= 2; ++owner.incarnation) {
      ledger->Claim(owner, requests, ++batch_);
      ASSERT_TRUE(Until([&] { return done_ == batch_; }));
      ASSERT_FALSE(failed_) << Told();
    }
    for (uint64_t i = 0; i < kEach; ++i) {
      EXPECT_EQ(claimed_.at(i).verdict, ClaimVerdict::kYours);
      EXPECT_EQ(claimed_.at(i).processor, i) << names[i];
    }
  }
  ledger_ = NewLedger(directory_);
  RecordRequest record{.claim = Request(1 + 7 * kEach + 5)};  // that of p7-5, the last name
  RecordRequest other = record;
  other.claim.processor = 1;
  payments::ProcessorDirectory last{{"p7-5", "x"}};
  const auto ledger = NewLedger(last);
  ledger->Record({.table = {1, 99}, .incarnation = 1, .nonce = 1}, std::vector{record}, ++batch_);
  ASSERT_TRUE(Until([&] { return done_ == batch_; }));
  ASSERT_EQ(recorded_.at(0).verdict, RecordVerdict::kDone);
  ASSERT_EQ(Record(owner_, {other}).at(0).verdict, RecordVerdict::kContradiction);
  EXPECT_EQ(directory_.Name(recorded_.at(0).other), "p7-5");
}

TOLLGATE_IN_EACH_PLACE(NamesTest);

}  // namespace
}  // namespace tollgate::ledger
