#include "tollgate/table/data_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "table/table_file.h"
#include "tests/table/table_fixture.h"

namespace tollgate::table {
namespace {

constexpr uid_t kStranger = 12'345;

class DataFolderTest : public TableFixture {
 protected:
  std::string Make(const std::string& name, size_t slots = 8) {
    path_ = folder_ + "/" + name;
    EXPECT_TRUE(TryOpen(slots).ok());
    return path_;
  }
  static bool Has(const std::vector<std::string>& lines, const std::string& text) {
    for (const std::string& line : lines) {
      if (line.find(text) != std::string::npos) return true;
    }
    return false;
  }
};

TEST_F(DataFolderTest, AFolderThatOthersMayWriteToIsARisk) {
  for (const mode_t mode : {0700U, 0750U, 0755U, 0770U, 0775U}) {
    ASSERT_EQ(::chmod(folder_.c_str(), mode), 0);
    EXPECT_EQ(FolderRisk(folder_), "");
    EXPECT_FALSE(IsShared(folder_));
  }
  ASSERT_EQ(::chmod(folder_.c_str(), 01777), 0);
  EXPECT_NE(FolderRisk(folder_).find("theirs are never used"), std::string::npos);
  EXPECT_TRUE(IsShared(folder_));
  ASSERT_EQ(::chmod(folder_.c_str(), 0777), 0);
  EXPECT_NE(FolderRisk(folder_).find("remove and replace"), std::string::npos);
  EXPECT_NE(FolderRisk(folder_).find("mode 1777"), std::string::npos);
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
  if (::geteuid() != 0) GTEST_SKIP() << "another user's folder needs root";
  ASSERT_EQ(::chown(folder_.c_str(), kStranger, kStranger), 0);
  EXPECT_NE(FolderRisk(folder_).find("belongs to user 12345"), std::string::npos);
  EXPECT_TRUE(IsShared(folder_));
}

TEST_F(DataFolderTest, ATableThatNobodyWorksWithIsFoundAsLongAsNobodyDoes) {
  FolderWatch watch(folder_, {.tables_max = 8, .slots_max = 1000});
  const std::string orphan = Make("a.table");
  const std::string in_use = Make("b.table");
  const auto table = Open();
  EXPECT_EQ(watch.Look(0, 0).unlocked, std::vector<std::string>{orphan});
  path_ = orphan;
  {
    const auto back = Open();
    EXPECT_TRUE(watch.Look(0, 0).unlocked.empty());
  }
  EXPECT_EQ(watch.Look(0, 0).unlocked, std::vector<std::string>{orphan});
  std::filesystem::remove(orphan);
  EXPECT_TRUE(watch.Look(0, 0).unlocked.empty());
}

// A table with damaged slots is kept, and must not be finished again and again.
TEST_F(DataFolderTest, AFinishedTableThatStaysIsFoundAgainOnlyAfterAUse) {
  FolderWatch watch(folder_, {.tables_max = 8, .slots_max = 1000});
  const std::string kept = Make("a.table");
  EXPECT_EQ(watch.Look(0, 0).unlocked, std::vector<std::string>{kept});
  watch.Keep(kept);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(watch.Look(0, 0).unlocked.empty());
  {
    const auto used = Open();
    watch.Look(0, 0);
  }
  EXPECT_EQ(watch.Look(0, 0).unlocked, std::vector<std::string>{kept});
}

TEST_F(DataFolderTest, WhatIsAdoptedAtOnceIsBoundedAndTheRestIsToldOnce) {
  FolderWatch watch(folder_, {.tables_max = 3, .slots_max = 100});
  const std::string a = Make("a.table", 60);
  const std::string b = Make("b.table", 50);
  const std::string c = Make("c.table", 40);
  const std::string d = Make("d.table", 101);
  const auto found = watch.Look(0, 0);
  EXPECT_EQ(found.unlocked, (std::vector<std::string>{a, c}));
  EXPECT_EQ(found.news.size(), 2U);
  EXPECT_TRUE(Has(found.news, b + " is not in use; it waits"));
  EXPECT_TRUE(Has(found.news, d + " is not in use and has 101 slots"));
  EXPECT_TRUE(watch.Look(0, 0).news.empty());
  EXPECT_TRUE(watch.Look(3, 0).unlocked.empty()) << "as many tables as allowed are adopted";
  EXPECT_EQ(watch.Look(2, 0).unlocked, std::vector<std::string>{a});
  EXPECT_EQ(watch.Look(1, 55).unlocked, std::vector<std::string>{c});
}

// A file that claims a huge size and uses no space: it is not read before its size is checked.
TEST_F(DataFolderTest, ASparseGiantIsTooLargeToAdopt) {
  FolderWatch watch(folder_, {.tables_max = 8, .slots_max = 262'144});
  const std::string giant = Make("a.table");
  std::filesystem::resize_file(giant, kSlotsOffset + kSlotsMax * sizeof(Slot));
  const auto found = watch.Look(0, 0);
  EXPECT_TRUE(found.unlocked.empty());
  EXPECT_TRUE(Has(found.news, "16777216 slots"));
}

TEST_F(DataFolderTest, WhatCannotBeUsedIsToldOnceAndNeverAdopted) {
  FolderWatch watch(folder_, {.tables_max = 8, .slots_max = 1000});
  ASSERT_EQ(::mkfifo((folder_ + "/fifo.table").c_str(), 0666), 0);
  std::filesystem::create_symlink(folder_ + "/nothing", folder_ + "/dangling.table");
  std::ofstream(folder_ + "/has\x1b[2Jodd\nname.table") << "x";
  const std::string open_to_all = Make("open.table");
  ASSERT_EQ(::chmod(open_to_all.c_str(), 0666), 0);
  const auto found = watch.Look(0, 0);
  EXPECT_TRUE(Has(found.news, "fifo.table is a FIFO"));
  EXPECT_TRUE(Has(found.news, "dangling.table is a symbolic link"));
  EXPECT_TRUE(Has(found.news, "chmod 600"));
  EXPECT_TRUE(Has(found.news, "names that no instance gives"));
  EXPECT_FALSE(Has(found.news, "\x1b"));
  for (int i = 0; i < 3; ++i) {
    const auto again = watch.Look(0, 0);
    EXPECT_TRUE(again.news.empty());
    EXPECT_TRUE(again.unlocked.empty());
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/nothing"));
}

TEST_F(DataFolderTest, AnotherUsersTableIsNeverAdopted) {
  if (::geteuid() != 0) GTEST_SKIP() << "another user's files need root";
  FolderWatch watch(folder_, {.tables_max = 8, .slots_max = 1000});
  const std::string planted = Make("a.table");
  ASSERT_EQ(::chown(planted.c_str(), kStranger, kStranger), 0);
  EXPECT_TRUE(Has(watch.Look(0, 0).news, "belongs to user 12345"));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(watch.Look(0, 0).unlocked.empty());
}

// Other users create files all the time: each look adds only a limited number of lines to the log.
TEST_F(DataFolderTest, FilesWithoutEndAreToldInBounds) {
  FolderWatch watch(folder_, {.tables_max = 8, .slots_max = 1000});
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(::mkfifo((folder_ + "/" + std::to_string(i) + ".table").c_str(), 0666), 0);
  }
  EXPECT_EQ(watch.Look(0, 0).news.size(), 16U);
  EXPECT_EQ(watch.Look(0, 0).news.size(), 16U) << "the next ones";
}

TEST_F(DataFolderTest, ATableThatIsFinishedIsRemovedOnlyIfItIsStillThatFile) {
  const std::string path = Make("a.table");
  const auto table = Open();
  std::filesystem::rename(path, path + ".moved");
  std::ofstream(path) << "another";
  table->RemoveFile();
  EXPECT_TRUE(std::filesystem::exists(path)) << "another file of that name was removed";
  std::filesystem::rename(path + ".moved", path);
  table->RemoveFile();
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace tollgate::table
