#include "tollgate/table/payment_table.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/table/table_fixture.h"
#include "tollgate/base/random.h"

namespace tollgate::table {
namespace {

using PaymentTableTest = TableFixture;

TEST_F(PaymentTableTest, EveryStateIsFoundAgainAtTheNextOpening) {
  const SlotState states[] = {SlotState::kAccepted,   SlotState::kClaimed, SlotState::kSent,
                              SlotState::kUnresolved, SlotState::kBooked,  SlotState::kRejected};
  TableIdentity before;
  {
    auto table = Open();
    before = table->identity();
    for (uint64_t i = 0; i < 6; ++i) {
      const auto slot = table->Acquire(Pay(i + 1), 1'752'583'000'000 + static_cast<int64_t>(i));
      ASSERT_TRUE(slot);
      if (i == 0) continue;
      table->SetStatus(*slot, {.state = states[i],
                               .pinned = i == 3,
                               .processor = 1,
                               .attempt = 7,
                               .requested_at_ms = 1'752'583'111'111});
    }
  }
  auto table = Open();
  EXPECT_EQ(table->identity().table, before.table);
  EXPECT_EQ(table->identity().incarnation, before.incarnation + 1);
  EXPECT_NE(table->identity().nonce, before.nonce);
  ASSERT_EQ(table->recovery().to_continue.size(), 6U);
  for (size_t i = 0; i < 6; ++i) {
    const auto copy = table->Read(table->recovery().to_continue[i]);
    ASSERT_TRUE(copy);
    EXPECT_EQ(copy->payment, Pay(i + 1)) << "oldest accepted first";
    EXPECT_EQ(copy->status.state, states[i]);
    EXPECT_EQ(copy->status.pinned, i == 3);
    EXPECT_EQ(copy->status.requested_at_ms, i > 0 ? 1'752'583'111'111 : 0);
  }
}

// A failed disk does not stop a gateway when Redis names a processor that is new to its table.
TEST_F(PaymentTableTest, ANameThatCannotBeWrittenIsHeldByNoSlot) {
  auto table = Open();
  const auto late = directory_.Add("late");
  ASSERT_TRUE(late);
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
  const bool held = table->CanHold(*late);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_FALSE(held);
  EXPECT_TRUE(table->CanHold(*late)) << "the disk is well again";
  EXPECT_TRUE(table->CanHold(0));
  EXPECT_FALSE(table->CanHold(payments::kNoProcessor));
  const auto slot = table->Acquire(Pay(1), 5);
  const SlotStatus status{.state = SlotState::kSent,
                          .processor = *late,
                          .attempt = 1,
                          .requested_at_ms = 1'752'583'111'111};
  table->SetStatus(*slot, status);
  table.reset();
  directory_.Add("another");
  EXPECT_EQ(Open()->Status(*slot), status);
}

TEST_F(PaymentTableTest, ADamagedSlotIsSetAside) {
  {
    auto table = Open();
    for (uint64_t i = 1; i <= 3; ++i) ASSERT_TRUE(table->Acquire(Pay(i), 5));
  }
  {
    // A bit of the second payment's amount.
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(8192 + 64 + 16);
    file.put('\x7f');
  }
  auto table = Open();
  EXPECT_EQ(table->recovery().damaged, 1U);
  EXPECT_EQ(table->recovery().to_continue, (std::vector{SlotIndex{0}, SlotIndex{2}}));
  std::set<SlotIndex> taken;
  while (const auto slot = table->Acquire(Pay(9), 5)) taken.insert(*slot);
  EXPECT_EQ(taken.size(), 5U);
  EXPECT_FALSE(taken.contains(SlotIndex{1})) << "a damaged slot was reused";
}

TEST_F(PaymentTableTest, AnotherSizeOrOtherProcessorsDropNothing) {
  {
    auto table = Open(8);
    const auto slot = table->Acquire(Pay(1), 5);
    table->SetStatus(*slot, {.state = SlotState::kUnresolved,
                             .pinned = true,
                             .processor = 1,
                             .attempt = 1,
                             .requested_at_ms = 1'752'583'000'000});
  }
  payments::ProcessorDirectory other({"new", "default"});
  TableOptions options;
  options.path = path_;
  options.slots = 64;
  auto table = std::move(PaymentTable::Open(options, other)).value();
  EXPECT_EQ(table->slot_count(), 8U);
  ASSERT_EQ(table->recovery().to_continue.size(), 1U);
  const auto processor = table->Status(SlotIndex{0}).processor;
  EXPECT_EQ(other.Name(processor), "fallback") << "it came to mean another processor";
  EXPECT_GE(processor, other.configured_count());
}

TEST_F(PaymentTableTest, AReusedSlotNeverShowsTheNewPaymentUnderTheOldStatus) {
  // If Acquire is interrupted anywhere, a slot that rested as booked must not have that status with
  // the next payment. A concurrent reader sees the same stores.
  TableOptions options;
  options.path = path_;
  options.slots = 1;
  options.rest_ms = 0;
  auto table = std::move(PaymentTable::Open(options, directory_)).value();
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> wrong{0};
  std::thread reader([&] {
    while (!stop.load()) {
      const auto copy = table->Read(SlotIndex{0});
      if (!copy || copy->status.state != SlotState::kFreeBooked) continue;
      const auto tag = static_cast<uint64_t>(copy->status.requested_at_ms - 1'752'583'000'000);
      if (copy->payment.id.high != tag) wrong.fetch_add(1);
    }
  });
  for (uint64_t i = 1; i < 200'000; ++i) {
    const auto slot = table->Acquire(Pay(i), 5);
    ASSERT_TRUE(slot);
    table->Release(*slot, {.state = SlotState::kFreeBooked,
                           .processor = 0,
                           .attempt = 1,
                           .requested_at_ms = 1'752'583'000'000 + static_cast<int64_t>(i)});
  }
  stop.store(true);
  reader.join();
  EXPECT_EQ(wrong.load(), 0U);
}

TEST_F(PaymentTableTest, ManyThreadsNeverGetTheSameSlot) {
  auto table = Open(4000);
  std::vector<std::atomic<int>> taken(4000);
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      while (const auto slot = table->Acquire(Pay(t), 5)) taken[NumberOf(*slot)].fetch_add(1);
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& count : taken) ASSERT_EQ(count.load(), 1);
}

// A child accepts payments and moves them on, and reports how many were published. It is killed at
// any instruction; every published payment is found again and valid.
TEST_F(PaymentTableTest, AProcessKilledAnywhereLeavesEveryPublishedPaymentSound) {
  auto* const published = static_cast<std::atomic<uint64_t>*>(
      ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  base::Random random(20261124);
  for (int round = 0; round < 30; ++round) {
    std::filesystem::remove(path_);
    published->store(0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto table = Open(20'000);
      for (uint64_t i = 1;; ++i) {
        const auto slot = table->Acquire(Pay(i), static_cast<int64_t>(i));
        if (!slot) ::pause();
        published->store(i);
        table->SetStatus(*slot, {.state = SlotState::kSent,
                                 .processor = static_cast<uint8_t>(i % 2),
                                 .attempt = 1,
                                 .requested_at_ms = 1'752'583'000'000});
      }
    }
    while (published->load() == 0) std::this_thread::yield();
    ::usleep(static_cast<useconds_t>(random.Below(1'500)));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    auto table = Open(20'000);
    EXPECT_EQ(table->recovery().damaged, 0U);
    EXPECT_GE(table->recovery().unfinished, published->load());
    EXPECT_LE(table->recovery().unfinished, published->load() + 1);
  }
  ::munmap(published, 4096);
}

TEST_F(PaymentTableTest, AFailingDiskClosesTheTableUntilASyncOfAllSucceeds) {
  std::atomic<int> failure{0};
  std::atomic<int> syncs{0};
  TableOptions options;
  options.path = path_;
  options.durability = Durability::kDisk;
  options.slots = 64;
  options.sync_interval_us = 0;
  options.sync_for_test = [&] {
    syncs.fetch_add(1);
    return failure.load();
  };
  auto table = std::move(PaymentTable::Open(options, directory_)).value();
  std::atomic<int> commits{0};
  const CommitListener listener = table->AddCommitListener([&] { commits.fetch_add(1); });
  table->StartCommits();
  const auto wait = [](auto condition) {
    for (int i = 0; i < 20'000 && !condition(); ++i) ::usleep(1'000);
    return condition();
  };
  ASSERT_TRUE(table->Acquire(Pay(1), 5));
  const uint64_t first = table->TakeTicket();
  ASSERT_TRUE(wait([&] { return table->CommittedTicket() >= first; }));
  EXPECT_GE(commits.load(), 1);
  failure.store(ENOSPC);
  ASSERT_TRUE(table->Acquire(Pay(2), 5));
  const uint64_t second = table->TakeTicket();
  ASSERT_TRUE(wait([&] { return !table->healthy(); }));
  EXPECT_FALSE(table->Acquire(Pay(3), 5)) << "accepted without a disk";
  EXPECT_LT(table->CommittedTicket(), second);
  failure.store(0);
  ASSERT_TRUE(wait([&] { return table->CommittedTicket() >= second && table->healthy(); }));
  EXPECT_TRUE(table->Acquire(Pay(3), 5));
}

TEST_F(PaymentTableTest, TheLedgersRunIsKept) {
  Open()->SetLedgerRunId("0123456789abcdef0123456789abcdef01234567");
  EXPECT_EQ(Open()->LastLedgerRunId(), "0123456789abcdef0123456789abcdef01234567");
}

TEST_F(PaymentTableTest, PendingIsReadWhileTheTableIsInUse) {
  auto table = Open();
  ASSERT_TRUE(table->Acquire(Pay(1), 5));
  const auto pending = ReadPending(path_, directory_);
  ASSERT_TRUE(pending.ok());
  ASSERT_EQ(pending.value().size(), 1U);
  EXPECT_EQ(pending.value()[0].payment, Pay(1));
  EXPECT_EQ(ListTables(folder_), std::vector<std::string>{path_});
  EXPECT_EQ(TableFileName("0.0.0.0:9999"), "0.0.0.0_9999.table");
}

TEST(SlotStatus, SurvivesPacking) {
  base::Random random(1);
  for (int i = 0; i < 10'000; ++i) {
    const SlotStatus status{
        .state = static_cast<SlotState>(random.Below(8)),
        .pinned = random.OneIn(2),
        .reason = payments::RejectReasonFrom(random.Below(4)),
        .processor = static_cast<payments::ProcessorId>(random.Below(32)),
        .attempt = static_cast<uint16_t>(random.Below(8192)),
        .requested_at_ms =
            random.OneIn(4) ? 0
                            : 1'735'689'600'001 + static_cast<int64_t>(random.Below(1ULL << 39U))};
    ASSERT_EQ(UnpackStatus(PackStatus(status)), status);
  }
}

}  // namespace
}  // namespace tollgate::table
