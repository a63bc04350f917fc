// DATA_DIR may be a folder that other users write to: what of it is used, and what is not touched.
#include "table/own_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "table/table_file.h"
#include "tests/table/table_fixture.h"
#include "tollgate/table/data_folder.h"

namespace tollgate::table {
namespace {

constexpr uid_t kStranger = 12'345;

class OwnFileTest : public TableFixture {
 protected:
  // Makes a table with one payment at `path_`.
  void MakeTable(size_t slots = 8) { ASSERT_TRUE(Open(slots)->Acquire(Pay(1), 5)); }
  static std::string Content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static mode_t ModeOf(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 07777;
  }
  // The error of opening `path_`.
  base::Error Refusal() {
    auto opened = TryOpen();
    EXPECT_FALSE(opened.ok());
    return opened.ok() ? base::Error{} : opened.error();
  }
  void ExpectSaid(const base::Error& error, const std::string& text) {
    EXPECT_NE(error.message.find(text), std::string::npos) << error.message;
  }
};

#define NEEDS_ROOT() \
  if (::geteuid() != 0) GTEST_SKIP() << "another user's files need root"

TEST_F(OwnFileTest, ALinkIsNotFollowedWhereverItLeads) {
  const std::string victim = folder_ + "/victim";
  for (const std::string& name : {path_, path_ + ".new"}) {
    for (const bool dangling : {false, true}) {
      std::filesystem::remove(victim);
      if (!dangling) std::ofstream(victim) << "theirs";
      std::filesystem::create_symlink(victim, name);
      ExpectSaid(Refusal(), name + " is a symbolic link");
      EXPECT_EQ(std::filesystem::exists(victim), !dangling);
      EXPECT_EQ(Content(victim), dangling ? "" : "theirs");
      EXPECT_FALSE(IsLocked(path_));
      EXPECT_FALSE(ReadPending(path_, directory_).ok());
      std::filesystem::remove(name);
    }
  }
}

TEST_F(OwnFileTest, NothingButARegularFileIsOpenedAndNothingIsWaitedFor) {
  for (const std::string& name : {path_, path_ + ".new"}) {
    ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
    ExpectSaid(Refusal(), name + " is a FIFO");
    EXPECT_FALSE(IsLocked(name));
    EXPECT_EQ(LookAt(name).state, TableSight::State::kNotUsable);
    EXPECT_FALSE(ReadPending(name, directory_).ok());
    std::filesystem::remove(name);

    ASSERT_TRUE(std::filesystem::create_directory(name));
    ExpectSaid(Refusal(), name + " is a folder");
    EXPECT_EQ(LookAt(name).state, TableSight::State::kNotUsable);
    std::filesystem::remove(name);

    const base::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_LT(name.size(), sizeof(address.sun_path));
    name.copy(address.sun_path, name.size());
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    ExpectSaid(Refusal(), name + " is a socket");
    EXPECT_EQ(LookAt(name).state, TableSight::State::kNotUsable);
    std::filesystem::remove(name);
  }
  EXPECT_TRUE(TryOpen().ok());
}

TEST_F(OwnFileTest, ATableOfAnotherUserIsNeverUsed) {
  NEEDS_ROOT();
  MakeTable();
  ASSERT_EQ(::chown(path_.c_str(), kStranger, kStranger), 0);
  const std::string before = Content(path_);
  const base::Error refusal = Refusal();
  EXPECT_EQ(refusal.code, kNotOurs);
  ExpectSaid(refusal, "belongs to user 12345 and this process runs as user 0");
  ExpectSaid(refusal, "chown 0");
  EXPECT_EQ(LookAt(path_).state, TableSight::State::kNotUsable);
  EXPECT_EQ(Content(path_), before);
  // It may be shown to an operator.
  EXPECT_EQ(ReadPending(path_, directory_).value().size(), 1U);
}

// A container that restarts as another user gets more than "permission denied".
TEST_F(OwnFileTest, ATableOfTheUserBeforeIsNamedAsSuch) {
  NEEDS_ROOT();
  MakeTable();
  ASSERT_EQ(::chmod(folder_.c_str(), 0777), 0);
  ASSERT_EQ(::seteuid(kStranger), 0);
  const base::Error refusal = Refusal();
  const TableSight sight = LookAt(path_);
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_EQ(refusal.code, kNotOurs);
  ExpectSaid(refusal, "belongs to user 0 and this process runs as user 12345");
  EXPECT_EQ(sight.state, TableSight::State::kNotUsable);
}

TEST_F(OwnFileTest, AnUnfinishedFileOfAnotherUserIsLeftToHim) {
  NEEDS_ROOT();
  std::ofstream(path_ + ".new") << "theirs";
  ASSERT_EQ(::chown((path_ + ".new").c_str(), kStranger, kStranger), 0);
  EXPECT_EQ(Refusal().code, kNotOurs);
  EXPECT_EQ(Content(path_ + ".new"), "theirs");
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(OwnFileTest, AFileThatEveryUserMayWriteIsNotUsed) {
  MakeTable();
  ASSERT_EQ(::chmod(path_.c_str(), 0666), 0);
  const std::string before = Content(path_);
  const base::Error refusal = Refusal();
  ExpectSaid(refusal, "chmod 600");
  EXPECT_EQ(refusal.code, 0) << "an operator's doing is no reason to go on beside it";
  EXPECT_EQ(Content(path_), before);
  ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
  EXPECT_EQ(Open()->recovery().unfinished, 1U);
}

TEST_F(OwnFileTest, ATableOfAnEarlierVersionIsTakenOverAndClosedToOthers) {
  for (const mode_t mode :
       {0644U, 0640U, 0660U, 0664U}) {  // the last two as a volume's group makes them
    std::filesystem::remove(path_);
    MakeTable();
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    EXPECT_EQ(Open()->recovery().unfinished, 1U);
    EXPECT_EQ(ModeOf(path_), 0600U);
  }
}

TEST_F(OwnFileTest, ANewTableIsForItsUserAloneWhateverTheUmask) {
  for (const mode_t mask : {0000U, 0022U, 0777U}) {
    std::filesystem::remove(path_);
    const mode_t was = ::umask(mask);
    const auto table = TryOpen();
    ::umask(was);
    ASSERT_TRUE(table.ok()) << table.error().message;
    EXPECT_EQ(ModeOf(path_), 0600U);
  }
}

TEST_F(OwnFileTest, AFileWithAnotherNameIsNotUsedUntilThatIsGone) {
  MakeTable();
  const std::string other = folder_ + "/other";
  std::filesystem::create_hard_link(path_, other);
  ExpectSaid(Refusal(), "2 names");
  std::filesystem::remove(other);
  EXPECT_EQ(Open()->recovery().unfinished, 1U);
}

// A start that was killed after it gave the file its name.
TEST_F(OwnFileTest, TheNameOfAnUnfinishedStartIsTakenAwayFromATable) {
  MakeTable();
  std::filesystem::create_hard_link(path_, path_ + ".new");
  EXPECT_EQ(Open()->recovery().unfinished, 1U);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
}

TEST_F(OwnFileTest, ASharedLockIsWaitedForAndAnotherInstanceIsNot) {
  MakeTable();
  const base::UniqueFd other(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_SH), 0);
  const base::Error refusal = Refusal();
  EXPECT_EQ(refusal.code, EWOULDBLOCK);
  ExpectSaid(refusal, "shared lock");
  TableOptions options;
  options.path = path_;
  options.lock_wait_ms = 3'600'000;  // it does not end before the lock is gone
  std::atomic<bool> begun{false};
  bool opened = false;
  std::thread owner([&] {
    begun.store(true);
    opened = PaymentTable::Open(options, directory_).ok();
  });
  while (!begun.load()) std::this_thread::yield();
  ASSERT_EQ(::flock(other.get(), LOCK_UN), 0);
  owner.join();
  EXPECT_TRUE(opened);
  // With the same time-out, a process that works on the file is reported at once.
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  EXPECT_EQ(PaymentTable::Open(options, directory_).error().code, EWOULDBLOCK);
}

TEST_F(OwnFileTest, LookingForOrphansNeverKeepsAnOwnerFromItsTable) {
  MakeTable();
  TableOptions options;
  options.path = path_;
  options.lock_wait_ms = 600'000;
  std::atomic<bool> stop{false};
  std::thread looker([&] {
    while (!stop.load()) IsLocked(path_);
  });
  for (int i = 0; i < 300; ++i) {
    const auto opened = PaymentTable::Open(options, directory_);
    EXPECT_TRUE(opened.ok()) << i << ": " << opened.error().message;
    if (!opened.ok()) break;
  }
  stop.store(true);
  looker.join();
}

TEST_F(OwnFileTest, HolesOfACopyAreFilled) {
  constexpr size_t kSlots = 65'536;
  MakeTable(kSlots);
  const auto blocks = [this] {
    struct stat info {};
    EXPECT_EQ(::stat(path_.c_str(), &info), 0);
    return info.st_blocks * 512 / static_cast<blkcnt_t>(sizeof(Slot));
  };
  if (blocks() < static_cast<blkcnt_t>(kSlots)) GTEST_SKIP() << "a file system that compresses";
  // As `cp --sparse` makes it.
  const std::string head = Content(path_).substr(0, 16'384);
  std::ofstream(path_, std::ios::binary | std::ios::trunc) << head;
  std::filesystem::resize_file(path_, kSlotsOffset + kSlots * sizeof(Slot));
  ASSERT_LT(blocks(), static_cast<blkcnt_t>(kSlots)) << "no hole to test with";
  EXPECT_EQ(Open()->recovery().unfinished, 1U);
  EXPECT_GE(blocks(), static_cast<blkcnt_t>(kSlots));
}

TEST_F(OwnFileTest, AnAdoptionMakesNoFileAndTakesOverNoMoreSlotsThanAgreed) {
  TableOptions options;
  options.path = path_;
  options.adopt_slots_max = 64;
  EXPECT_EQ(PaymentTable::Open(options, directory_).error().code, ENOENT);
  EXPECT_FALSE(std::filesystem::exists(path_));
  MakeTable(65);
  const auto opened = PaymentTable::Open(options, directory_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, EFBIG);
  options.adopt_slots_max = 65;
  EXPECT_TRUE(PaymentTable::Open(options, directory_).ok());
}

TEST_F(OwnFileTest, ANameThatNoConfigurationCanGiveIsNotTakenOver) {
  for (const std::string& name :
       {std::string("a\"b"), std::string("a\\b"), std::string("a\nb"), std::string("\x1b[2J"),
        std::string("\xff"), std::string("\x7f"), std::string("\xc2\x9b"), std::string(32, 'a')}) {
    std::filesystem::remove(path_);
    MakeTable();
    {
      TableFile file;
      ASSERT_TRUE(file.Open(path_, {}).ok());
      file.header().names[2].fill(0);
      std::copy(name.begin(), name.end(), file.header().names[2].begin());
      ASSERT_TRUE(file.WriteHeader(false).ok());
    }
    ExpectSaid(Refusal(), "a processor name that is not valid");
    EXPECT_FALSE(ReadPending(path_, directory_).ok());
    EXPECT_EQ(directory_.size(), 2U);
  }
}

// Their checksum is right, but no instance can have accepted them.
TEST_F(OwnFileTest, AnAmountOrATimeThatCannotBeIsSetAsideAndNotShown) {
  const auto damage = [this](auto&& change) {
    std::filesystem::remove(path_);
    MakeTable();
    TableFile file;
    ASSERT_TRUE(file.Open(path_, {}).ok());
    Slot& slot = file.slots()[0];
    change(slot);
    slot.checksum = PaymentChecksum(slot);
  };
  for (const int64_t cents : {INT64_MIN, int64_t{0}, payments::kAmountCentsMax + 1, INT64_MAX}) {
    damage([&](Slot& slot) { slot.payment.amount_cents = cents; });
    EXPECT_TRUE(ReadPending(path_, directory_).value().empty()) << cents;
    EXPECT_EQ(Open()->recovery().damaged, 1U) << cents;
  }
  for (const int64_t ms : {INT64_MIN, int64_t{-1}, int64_t{253'402'300'800'000}, INT64_MAX}) {
    damage([&](Slot& slot) { slot.accepted_at_ms = ms; });
    EXPECT_TRUE(ReadPending(path_, directory_).value().empty()) << ms;
    EXPECT_EQ(Open()->recovery().damaged, 1U) << ms;
  }
}

using LostTable = OwnFileTest;

TEST_F(LostTable, TruncatedInUseIsAMessageAndAnExitCode) {
  EXPECT_EXIT(
      {
        ExitWithAWordIfATableIsLost();
        auto table = Open(4096);
        std::filesystem::resize_file(path_, 4096);
        for (uint64_t i = 0; i < 4096; ++i) table->Acquire(Pay(i), 5);
        ::_exit(0);
      },
      ::testing::ExitedWithCode(kTableLostExitCode), "a.table has lost a part");
}

TEST_F(LostTable, AnotherBusErrorIsASignalAsEver) {
  EXPECT_EXIT(
      {
        ExitWithAWordIfATableIsLost();
        auto table = Open();
        ::raise(SIGBUS);
        ::_exit(0);
      },
      ::testing::KilledBySignal(SIGBUS), "");
  EXPECT_EXIT(
      {
        ExitWithAWordIfATableIsLost();
        auto table = Open();
        std::ofstream(folder_ + "/other") << std::string(8192, 'x');
        const int fd = ::open((folder_ + "/other").c_str(), O_RDWR | O_CLOEXEC);
        auto* const bytes = static_cast<volatile char*>(
            ::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
        if (::ftruncate(fd, 0) == 0) bytes[4096] = 1;
        ::_exit(0);
      },
      ::testing::KilledBySignal(SIGBUS), "");
}

TEST_F(LostTable, IsNoLongerWatchedOnceItIsClosed) {
  for (int i = 0; i < 200; ++i) Open();  // more than the handler has entries
  EXPECT_EXIT(
      {
        ExitWithAWordIfATableIsLost();
        auto table = Open(4096);
        std::filesystem::resize_file(path_, 4096);
        table->Acquire(Pay(1), 5);
        ::_exit(0);
      },
      ::testing::ExitedWithCode(kTableLostExitCode), "has lost a part");
}

}  // namespace
}  // namespace tollgate::table
