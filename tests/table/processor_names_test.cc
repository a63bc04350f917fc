#include "table/processor_names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/table/table_fixture.h"

namespace tollgate::table {
namespace {

class ProcessorNamesTest : public TableFixture {
 protected:
  // With a processor "b" of these identities, the present one first.
  std::unique_ptr<PaymentTable> OpenWith(std::vector<uint64_t> identities) {
    names_ = std::make_unique<payments::ProcessorDirectory>(
        std::vector<std::string>{"a", "b"},
        std::vector<std::vector<uint64_t>>{{1}, std::move(identities)});
    return PaymentTable::Open({.path = path_, .slots = 8}, *names_).value();
  }
  static SlotStatus SentTo(payments::ProcessorId processor, SlotState state = SlotState::kSent) {
    return {
        .state = state, .processor = processor, .attempt = 1, .requested_at_ms = 1'752'583'000'000};
  }

  std::unique_ptr<payments::ProcessorDirectory> names_;
};

TEST_F(ProcessorNamesTest, WhatWasSentToAnotherOfTheSameNameIsNotAtTheConfiguredOne) {
  for (const SlotState state : {SlotState::kClaimed, SlotState::kSent, SlotState::kUnresolved}) {
    std::filesystem::remove(path_);
    auto table = OpenWith({11});
    const SlotIndex slot = table->Acquire(Pay(1), 5).value();
    table->SetStatus(slot, SentTo(1, state));
    table.reset();
    for (int start = 0; start < 3; ++start) {
      table = OpenWith({22});
      const payments::ProcessorId at = table->Status(slot).processor;
      ASSERT_EQ(at, 2);
      EXPECT_EQ(names_->Name(at), "b");
      EXPECT_EQ(names_->Label(at), "b (before)");
      EXPECT_EQ(names_->ConfiguredId(at), 1);
      const bool sent = state != SlotState::kClaimed;
      EXPECT_EQ(table->recovery().sent_to_strangers.count(at), sent ? 1U : 0U);
      // Another change of the slot, and a new payment at the new processor.
      table->SetStatus(slot, SentTo(at, state));
      const SlotIndex next = table->Acquire(Pay(2), 5).value();
      table->SetStatus(next, SentTo(1));
      EXPECT_EQ(table->Status(next).processor, 1);
      table.reset();
    }
    table = OpenWith({22, 11});
    EXPECT_EQ(table->Status(slot).processor, 1) << "it is the same, says the configuration";
    EXPECT_TRUE(table->recovery().sent_to_strangers.empty());
    table.reset();
    table = OpenWith({22});
    EXPECT_EQ(table->Status(slot).processor, 1) << "and need not say so again";
    table.reset();
  }
}

// Otherwise each deployment with another URL would take one of the thirty-one places.
TEST_F(ProcessorNamesTest, AChangeWhileNothingIsAtItTakesNoPlace) {
  for (uint64_t identity = 11; identity < 100; ++identity) {
    auto table = OpenWith({identity});
    const auto slot = table->Acquire(Pay(identity), 5);
    if (slot) table->SetStatus(*slot, SentTo(1, SlotState::kBooked));
    EXPECT_EQ(names_->size(), 2U);
  }
}

TEST_F(ProcessorNamesTest, APlaceWithoutAnIdentityIsTheConfiguredOnes) {
  auto table = OpenWith({});  // as from a file of version 1
  const SlotIndex slot = table->Acquire(Pay(1), 5).value();
  table->SetStatus(slot, SentTo(1));
  table.reset();
  EXPECT_EQ(OpenWith({11})->Status(slot).processor, 1);
  EXPECT_EQ(OpenWith({22})->Status(slot).processor, 2) << "it has one since";
}

TEST(ProcessorNames, AFileThatNamesAProcessorAsNoneCanBeCalledIsRefusedAndSaysSo) {
  const std::string bad[] = {"a\nb", "\x1b[2J", "a\"b", "a\\b", "\xff", std::string(32, 'x')};
  for (const std::string& name : bad) {
    TableHeader header;
    std::copy(name.begin(), name.end(), header.names[0].begin());
    payments::ProcessorDirectory directory({"default"});
    ProcessorNames names(directory);
    const base::Status status = names.Load(header, [](payments::ProcessorId) { return false; });
    ASSERT_FALSE(status.ok()) << name;
    EXPECT_NE(status.error().message.find("damaged"), std::string::npos) << status.error().message;
    EXPECT_EQ(status.error().message.find('\n'), std::string::npos) << status.error().message;
    EXPECT_EQ(directory.size(), 1U);
  }
}

}  // namespace
}  // namespace tollgate::table
