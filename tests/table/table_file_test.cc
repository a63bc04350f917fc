#include "table/table_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/table/table_fixture.h"
#include "tollgate/base/unique_fd.h"

namespace tollgate::table {
namespace {

using TableFileTest = TableFixture;

TEST_F(TableFileTest, ATableHasOneInstance) {
  const auto table = Open();
  const auto second = TryOpen();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, EWOULDBLOCK);
  EXPECT_NE(second.error().message.find("in use"), std::string::npos);
  EXPECT_TRUE(IsLocked(path_));
}

TEST_F(TableFileTest, OfStartsAtTheSameMomentOneGetsItAndTheOthersAreToldThatItIsInUse) {
  constexpr int kStarts = 6;
  for (int round = 0; round < 5; ++round) {
    std::filesystem::remove(path_);
    int go[2];
    int results[2];
    ASSERT_EQ(::pipe(go) | ::pipe(results), 0);
    std::vector<pid_t> children;
    for (int i = 0; i < kStarts; ++i) {
      children.push_back(::fork());
      if (children.back() != 0) continue;
      ::close(go[1]);
      char byte = 0;
      if (::read(go[0], &byte, 1) != 0) ::_exit(1);  // end of file: all are here
      const auto opened = TryOpen(4096);
      const char result = opened.ok() ? 'o' : opened.error().code == EWOULDBLOCK ? 'u' : '?';
      if (::write(results[1], &result, 1) != 1) ::_exit(1);
      for (;;) ::pause();  // keeps the lock
    }
    ::close(go[1]);
    std::string said(kStarts, ' ');
    for (char& each : said) ASSERT_EQ(::read(results[0], &each, 1), 1);
    std::sort(said.begin(), said.end());
    EXPECT_EQ(said, "ouuuuu");
    for (const pid_t child : children) ::kill(child, SIGKILL);
    for (const pid_t child : children) ::waitpid(child, nullptr, 0);
    for (const int fd : {go[0], results[0], results[1]}) ::close(fd);
  }
}

TEST_F(TableFileTest, AForeignFileIsRefusedAndLeftAsItIs) {
  for (const std::string& content : {std::string("hello"), std::string(100'000, 'x'),
                                     std::string("TOLLGATE") + std::string(9000, '\0')}) {
    std::ofstream(path_, std::ios::trunc | std::ios::binary) << content;
    const auto opened = TryOpen();
    ASSERT_FALSE(opened.ok());
    EXPECT_NE(opened.error().message.find("left as it is"), std::string::npos);
    std::ifstream file(path_, std::ios::binary);
    const std::string now((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(now, content);
  }
}

// A file as version 1 wrote it, byte by byte: a header in the first page, an unresolved payment in
// the first of eight slots.
class Version1File {
 public:
  explicit Version1File(uint32_t version = 1) {
    Put("TOLLGATE", 8);
    Number<uint32_t>(version);
    Number<uint32_t>(64);  // bytes of a slot
    Number<uint64_t>(8);   // slots
    Number<uint64_t>(0x1111);
    Number<uint64_t>(0x2222);  // the table's UUID
    Number<uint64_t>(41);      // incarnation
    Number<uint64_t>(7);       // nonce
    Number<uint64_t>(2);       // serial
    Put("0123456789abcdef0123456789abcdef01234567", 48);
    for (const char* name : {"default", "fallback"}) Put(name, 32);
    bytes_.resize(1104);
    uint64_t hash = 0xCBF29CE484222325U;
    for (const char byte : bytes_) {
      hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3U;
    }
    Number<uint64_t>(hash);
    bytes_.resize(2 * 4096);
    const payments::Payment payment{.id = {5, 6}, .amount_cents = 100};
    Slot slot{};
    slot.payment = payment;
    slot.accepted_at_ms = 1'767'225'600'000;
    slot.generation = 3;
    Number<uint64_t>(payment.id.high);
    Number<uint64_t>(payment.id.low);
    Number<int64_t>(payment.amount_cents);
    Number<int64_t>(slot.accepted_at_ms);
    Number<uint32_t>(slot.generation);
    Number<uint32_t>(PaymentChecksum(slot));
    // UNRESOLVED, pinned, at "fallback", attempt 9, requestedAt a second after the origin.
    Number<uint64_t>(uint64_t{4} << 61U | uint64_t{1} << 60U | uint64_t{1} << 53U |
                     uint64_t{9} << 40U | 1000U);
    bytes_.resize(2 * 4096 + 8 * 64);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void Put(const std::string& text, size_t size) {
    bytes_ += text;
    bytes_.resize(bytes_.size() + size - text.size());
  }
  template <typename Type>
  void Number(Type value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  std::string bytes_;
};

TEST_F(TableFileTest, AFileOfVersion1IsReadWholeAndWrittenAsThisOne) {
  std::ofstream(path_, std::ios::binary) << Version1File().bytes();
  const auto expect = [](const PaymentTable& table, uint64_t incarnation) {
    EXPECT_EQ(table.identity().table, (payments::Uuid{0x1111, 0x2222}));
    EXPECT_EQ(table.identity().incarnation, incarnation);
    EXPECT_EQ(table.LastLedgerRunId(), "0123456789abcdef0123456789abcdef01234567");
    ASSERT_EQ(table.recovery().to_continue, std::vector{SlotIndex{0}});
    EXPECT_EQ(table.At(SlotIndex{0}).payment.id, (payments::Uuid{5, 6}));
    const SlotStatus expected{.state = SlotState::kUnresolved,
                              .pinned = true,
                              .processor = 1,
                              .attempt = 9,
                              .requested_at_ms = 1'735'689'601'000};
    EXPECT_EQ(table.Status(SlotIndex{0}), expected);
  };
  expect(*Open(), 42);
  const auto version_of = [this](std::streamoff page) {
    std::ifstream file(path_, std::ios::binary);
    file.seekg(page * 4096 + 8);
    uint32_t version = 0;
    file.read(reinterpret_cast<char*>(&version), sizeof(version));
    return version;
  };
  // One copy was written; the other one is still the old one, until the next write.
  EXPECT_EQ(version_of(0) + version_of(1), 3U);
  expect(*Open(), 43);
  EXPECT_EQ(version_of(0) + version_of(1), 4U);
  expect(*Open(), 44);
}

// Version 0.1 was killed with ten payments: eight booked, one in flight to a processor that did not
// answer, one not sent.
TEST_F(TableFileTest, ATableOfARunningVersion1IsTakenOver) {
  std::filesystem::copy_file(TOLLGATE_VERSION1_TABLE, path_);
  payments::ProcessorDirectory directory{{"default", "fallback"}};
  const auto opened = PaymentTable::Open({.path = path_, .slots = 64}, directory);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  const PaymentTable& table = *opened.value();
  EXPECT_EQ(table.recovery().damaged, 0U);
  ASSERT_EQ(table.recovery().to_continue.size(), 2U);
  for (const SlotIndex slot : table.recovery().to_continue) {
    const auto copy = table.Read(slot);
    ASSERT_TRUE(copy);
    const bool sent = copy->payment.amount_cents == 950;
    EXPECT_EQ(copy->payment.amount_cents, sent ? 950 : 1050);
    EXPECT_EQ(copy->status.state, sent ? SlotState::kSent : SlotState::kAccepted);
    if (!sent) continue;
    EXPECT_EQ(directory.Name(copy->status.processor), "default");
    EXPECT_EQ(copy->status.attempt, 1);
  }
  int resting = 0;
  for (const SlotIndex slot : AllSlots(table.slot_count())) {
    resting += table.Status(slot).state == SlotState::kFreeBooked ? 1 : 0;
  }
  EXPECT_EQ(resting, 8);
}

TEST_F(TableFileTest, ADamagedHeaderOfVersion1IsRefused) {
  for (const size_t at : {30U, 200U, 1105U}) {  // the table's UUID, a name, the checksum
    std::string bytes = Version1File().bytes();
    bytes[at] ^= 1;
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
    const auto opened = TryOpen();
    ASSERT_FALSE(opened.ok());
    EXPECT_NE(opened.error().message.find("damaged header"), std::string::npos);
  }
}

TEST_F(TableFileTest, AFileOfAVersionThatIsNotKnownIsRefused) {
  for (const uint32_t version : {0U, kTableVersion + 1, UINT32_MAX}) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << Version1File(version).bytes();
    const auto opened = TryOpen();
    ASSERT_FALSE(opened.ok());
    EXPECT_NE(opened.error().message.find("version " + std::to_string(version)), std::string::npos);
  }
}

// Two starts at once, each as process 1 of its container, write one file in turn.
TEST_F(TableFileTest, AFileThatAnotherStartIsMakingIsLeftToIt) {
  const std::string unfinished = path_ + ".new";
  const base::UniqueFd other(::open(unfinished.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  ASSERT_EQ(::ftruncate(other.get(), 12'345), 0);
  const auto table = TryOpen(64);
  ASSERT_FALSE(table.ok());
  EXPECT_EQ(table.error().code, EWOULDBLOCK) << table.error().message;
  EXPECT_EQ(std::filesystem::file_size(unfinished), 12'345U);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(TableFileTest, WhatAKilledStartLeftUnfinishedIsUsed) {
  std::ofstream(path_ + ".new") << std::string(1'000'000, 'x');
  EXPECT_EQ(Open(64)->recovery().unfinished, 0U);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
  ASSERT_TRUE(Open(64)->Acquire(Pay(1), 5));
  EXPECT_EQ(Open(64)->recovery().unfinished, 1U);
}

// Killed after it gave the file its name and before it removed the other name.
TEST_F(TableFileTest, AnUnfinishedNameOfATableInUseIsTakenAwayAndItsTableKept) {
  const std::string elsewhere = path_ + ".elsewhere";
  std::ofstream(elsewhere) << "payments";
  std::filesystem::create_hard_link(elsewhere, path_ + ".new");
  ASSERT_TRUE(Open(64)->Acquire(Pay(1), 5));
  EXPECT_EQ(std::filesystem::file_size(elsewhere), 8U);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
}

// The same if the name cannot be removed: an error, instead of endless retries.
TEST_F(TableFileTest, AnUnfinishedNameThatCannotBeRemovedIsAnError) {
  const std::string elsewhere = path_ + ".elsewhere";
  std::ofstream(elsewhere) << "payments";
  std::filesystem::create_hard_link(elsewhere, path_ + ".new");
  std::filesystem::permissions(folder_, std::filesystem::perms{0555});
  const uid_t was = ::geteuid();
  constexpr uid_t kNobody = 65'534;
  if (was == 0) {  // root can remove anything
    ASSERT_EQ(::chown(elsewhere.c_str(), kNobody, kNobody), 0);
    ASSERT_EQ(::seteuid(kNobody), 0);
  }
  const auto table = TryOpen(64);
  ASSERT_EQ(::seteuid(was), 0);
  std::filesystem::permissions(folder_, std::filesystem::perms{0755});
  ASSERT_FALSE(table.ok());
  EXPECT_EQ(table.error().code, EACCES) << table.error().message;
  EXPECT_NE(table.error().message.find("cannot be removed"), std::string::npos)
      << table.error().message;
  EXPECT_EQ(std::filesystem::file_size(elsewhere), 8U);
}

// One thread opens, finishes and removes the table all the time, like an adopter. The other one
// must never hold a file that has lost its name.
TEST_F(TableFileTest, AFileThatIsRemovedWhileItIsOpenedIsNotUsed) {
  // In memory if possible: syncs of a disk would take all the time.
  const std::string path = std::filesystem::exists("/dev/shm")
                               ? "/dev/shm/tollgate-test." + std::to_string(::getpid()) + ".table"
                               : path_;
  std::atomic<bool> stop{false};
  std::atomic<int> removed{0};
  const auto open = [&] {
    TableOptions options;
    options.path = path;
    options.slots = 1;
    return PaymentTable::Open(options, directory_);
  };
  std::thread adopter([&] {
    while (!stop.load()) {
      const auto table = open();
      if (!table.ok()) continue;
      std::filesystem::remove(path);
      removed.fetch_add(1);
    }
  });
  int opened = 0;
  // While the other thread runs, this one gets "in use".
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while ((opened < 500 || removed.load() < 500) && std::chrono::steady_clock::now() < end) {
    const auto table = open();
    if (!table.ok()) {
      EXPECT_EQ(table.error().code, EWOULDBLOCK) << table.error().message;
      continue;
    }
    ++opened;
    EXPECT_TRUE(IsLocked(path)) << "its file has no name any more";
  }
  stop.store(true);
  adopter.join();
  EXPECT_GT(opened, 0);
  EXPECT_GT(removed.load(), 0);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace tollgate::table
