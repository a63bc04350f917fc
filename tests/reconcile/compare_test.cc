#include "reconcile/compare.h"

#include <gtest/gtest.h>

#include <string>

namespace tollgate::reconcile {
namespace {

using ledger::BookEntry;
using ledger::EntryState;

constexpr int64_t kKnownFrom = 1'000;
constexpr int64_t kAt = 5'000;

BookEntry Entry(EntryState state, payments::ProcessorId processor = 0) {
  return {.state = state,
          .amount_cents = 100,
          .processor = processor,
          .requested_at_ms = kAt,
          .counted = state == EntryState::kBooked};
}
Answer Held(int64_t cents = 100, int64_t at = kAt) {
  return {.kind = Answer::Kind::kHeld, .amount_cents = cents, .requested_at_ms = at};
}
const Answer kLacks{.kind = Answer::Kind::kLacks};
const Answer kSilent{.kind = Answer::Kind::kNone};
const Answer kUnasked{};

// For example "books_lack@0 repairable, held_twice@1".
std::string Found(std::optional<BookEntry> books, std::vector<Answer> answers) {
  std::string text;
  for (const Difference& it : Compare({{1, 2}, books, std::move(answers)}, kKnownFrom)) {
    if (!text.empty()) text += ", ";
    text += std::string(Name(it.kind)) + "@" + std::to_string(it.processor);
    if (it.repairable) text += " repairable";
  }
  return text;
}

TEST(ReconcileCompare, WhatIsBookedMustBeHeldByItsProcessorAsItIs) {
  const BookEntry booked = Entry(EntryState::kBooked);
  EXPECT_EQ(Found(booked, {Held(), kLacks}), "");
  EXPECT_EQ(Found(booked, {Held(), kUnasked}), "");
  EXPECT_EQ(Found(booked, {kLacks, kLacks}), "processor_lacks@0");
  EXPECT_EQ(Found(booked, {kLacks, Held()}), "held_elsewhere@1");
  EXPECT_EQ(Found(booked, {Held(), Held()}), "held_twice@1");
  EXPECT_EQ(Found(booked, {Held(101), kLacks}), "amount_differs@0");
  EXPECT_EQ(Found(booked, {Held(100, kAt + 1), kLacks}), "time_differs@0");
  EXPECT_EQ(Found(booked, {Held(101, kAt + 1), Held()}),
            "amount_differs@0, time_differs@0, held_twice@1");
}

TEST(ReconcileCompare, SilenceIsNoProofOfAnything) {
  EXPECT_EQ(Found(Entry(EntryState::kBooked), {kSilent, kLacks}), "not_answered@0");
  EXPECT_EQ(Found(Entry(EntryState::kBooked), {kSilent, Held()}),
            "not_answered@0, held_elsewhere@1");
  EXPECT_EQ(Found(Entry(EntryState::kBooked), {Held(), kSilent}), "");
  EXPECT_EQ(Found(Entry(EntryState::kPending), {kSilent, kLacks}), "not_answered@0");
  EXPECT_EQ(Found(std::nullopt, {kSilent, kLacks}), "not_answered@0");
  // A processor that is not configured any more cannot be asked.
  EXPECT_EQ(Found(Entry(EntryState::kBooked, 7), {kLacks, kLacks}), "not_answered@7");
}

TEST(ReconcileCompare, WhatIsPendingIsRepairedWhereItsClaimSaysAlone) {
  const BookEntry pending = Entry(EntryState::kPending);
  EXPECT_EQ(Found(pending, {kLacks, kLacks}), "") << "its instance will finish it";
  EXPECT_EQ(Found(pending, {Held(), kLacks}), "books_lack@0 repairable");
  EXPECT_EQ(Found(pending, {Held(100, kAt - 7), kLacks}), "books_lack@0 repairable")
      << "at the time that the processor holds";
  EXPECT_EQ(Found(pending, {Held(101), kLacks}), "amount_differs@0");
  EXPECT_EQ(Found(pending, {kLacks, Held()}), "held_elsewhere@1") << "it may be on its way to 0";
  EXPECT_EQ(Found(pending, {Held(), Held()}), "books_lack@0 repairable, held_twice@1");
}

TEST(ReconcileCompare, WhatIsRejectedOrUnknownIsRepairedWhereItIsHeld) {
  for (const auto& books :
       {std::optional<BookEntry>(), std::optional(Entry(EntryState::kRejected, 0)),
        std::optional(Entry(EntryState::kRejected, payments::kNoProcessor))}) {
    EXPECT_EQ(Found(books, {kLacks, kLacks}), "");
    EXPECT_EQ(Found(books, {Held(), kLacks}), "books_lack@0 repairable");
    EXPECT_EQ(Found(books, {kLacks, Held()}), "books_lack@1 repairable");
  }
  EXPECT_EQ(Found(std::nullopt, {Held(), Held()}), "held_twice@1") << "whose is it to be?";
  EXPECT_EQ(Found(Entry(EntryState::kRejected), {Held(101), kLacks}), "amount_differs@0");
  EXPECT_EQ(Found(Entry(EntryState::kRejected), {kLacks, Held(101)}), "amount_differs@1");
}

// The books may have counted it and forgotten it since.
TEST(ReconcileCompare, ABookingOfBeforeTheBooksBeginIsNeverRepaired) {
  BookEntry pending = Entry(EntryState::kPending);
  EXPECT_EQ(Found(pending, {Held(100, kKnownFrom - 1), kLacks}), "books_lack@0");
  EXPECT_EQ(Found(pending, {Held(100, kKnownFrom), kLacks}), "books_lack@0 repairable");
  // A claim that still exists for the same booking was never settled.
  pending.requested_at_ms = kKnownFrom - 1;
  EXPECT_EQ(Found(pending, {Held(100, kKnownFrom - 1), kLacks}), "books_lack@0 repairable");
  const Subject unknown{{1, 2}, std::nullopt, {Held(100, kKnownFrom - 1), kLacks}};
  EXPECT_TRUE(IsTooOldToJudge(unknown, kKnownFrom));
  EXPECT_FALSE(IsTooOldToJudge(unknown, kKnownFrom - 1));
}

TEST(ReconcileCompare, GapsAreWhatThePaymentAddsToTheDifferenceOfTheSummaries) {
  const payments::SummaryRange range{.from_ms = 4'000, .to_ms = 6'000};
  const auto gaps = [&](std::optional<BookEntry> books, std::vector<Answer> answers) {
    Gaps sum{};
    AddGaps({{1, 2}, books, std::move(answers)}, range, sum);
    return std::vector<int64_t>{sum[0].count, sum[0].amount_cents, sum[1].count,
                                sum[1].amount_cents};
  };
  BookEntry booked = Entry(EntryState::kBooked);
  EXPECT_EQ(gaps(booked, {Held(), kLacks}), (std::vector<int64_t>{0, 0, 0, 0}));
  EXPECT_EQ(gaps(booked, {Held(130), kLacks}), (std::vector<int64_t>{0, 30, 0, 0}));
  EXPECT_EQ(gaps(booked, {Held(100, 6'001), Held(7)}), (std::vector<int64_t>{-1, -100, 1, 7}));
  EXPECT_EQ(gaps(Entry(EntryState::kPending), {Held(), kLacks}),
            (std::vector<int64_t>{1, 100, 0, 0}));
  booked.counted = false;
  EXPECT_EQ(gaps(booked, {Held(), kLacks}), (std::vector<int64_t>{1, 100, 0, 0}));
}

}  // namespace
}  // namespace tollgate::reconcile
