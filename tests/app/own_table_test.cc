// Which table an instance takes when others have its address, or when files are in its way.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "app/gateway_context.h"

namespace tollgate::app {
namespace {

class OwnTableTest : public ::testing::Test {
 protected:
  OwnTableTest() {
    std::string pattern = "/tmp/tollgate-own.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    config_.data_dir = folder_;
    config_.listen = "0.0.0.0:9999";
    config_.table_slots = 8;
  }
  ~OwnTableTest() override { std::filesystem::remove_all(folder_); }
  base::Result<WorkQueue> TryOpen() {
    return OpenOwnWorkQueue(config_, directory_,
                            [this](bool, std::string_view text) { told_.emplace_back(text); });
  }
  std::string Name(const std::string& name) const { return folder_ + "/" + name; }

  std::string folder_;
  config::Config config_;
  payments::ProcessorDirectory directory_{{"default", "fallback"}};
  std::vector<std::string> told_;
};

// As with several containers of one service on one volume.
TEST_F(OwnTableTest, AnyNumberOfInstancesOfOneAddressHaveATableEach) {
  std::vector<WorkQueue> instances;
  std::set<std::string> paths;
  for (int i = 0; i < 40; ++i) {
    auto opened = TryOpen();
    ASSERT_TRUE(opened.ok()) << i << ": " << opened.error().message;
    instances.push_back(std::move(opened).value());
    paths.insert(instances.back().table->path());
  }
  EXPECT_EQ(paths.size(), 40U);
  EXPECT_TRUE(paths.count(Name("0.0.0.0_9999.table")) == 1);
  EXPECT_TRUE(paths.count(Name("0.0.0.0_9999-40.table")) == 1);
  // An instance that stops leaves its table to the next one.
  const std::string left = instances[20].table->path();
  instances.erase(instances.begin() + 20);
  EXPECT_EQ(TryOpen().value().table->path(), left);
  EXPECT_TRUE(told_.empty());
}

TEST_F(OwnTableTest, MoreThanTheBoundAreToldWhatToDo) {
  if (::geteuid() != 0) GTEST_SKIP() << "another user's files need root";
  // Files of another user take the names; a thousand tables would cost too many syncs.
  ASSERT_EQ(::chmod(folder_.c_str(), 01777), 0);
  for (int n = 1; n <= kOwnTablesMax; ++n) {
    const std::string name = "0.0.0.0_9999" + (n == 1 ? "" : "-" + std::to_string(n)) + ".table";
    ASSERT_EQ(::mkfifo(Name(name).c_str(), 0600), 0);
    ASSERT_EQ(::chown(Name(name).c_str(), 12'345, 12'345), 0);
  }
  const auto opened = TryOpen();
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find("999 that may stand beside it"), std::string::npos)
      << opened.error().message;
  EXPECT_LE(told_.size(), 10U);
}

TEST_F(OwnTableTest, WhatAStrangerPutInASharedFolderIsToldAndPassedBy) {
  if (::geteuid() != 0) GTEST_SKIP() << "another user's files need root";
  ASSERT_EQ(::chmod(folder_.c_str(), 01777), 0);
  ASSERT_EQ(::mkfifo(Name("0.0.0.0_9999.table").c_str(), 0666), 0);
  std::ofstream(Name("0.0.0.0_9999-2.table")) << "planted";
  std::filesystem::create_symlink("/tmp/nothing", Name("0.0.0.0_9999-3.table.new"));
  for (const char* name :
       {"0.0.0.0_9999.table", "0.0.0.0_9999-2.table", "0.0.0.0_9999-3.table.new"}) {
    ASSERT_EQ(::lchown(Name(name).c_str(), 12'345, 12'345), 0);
  }
  const auto opened = TryOpen();
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(opened.value().table->path(), Name("0.0.0.0_9999-4.table"));
  EXPECT_EQ(told_.size(), 3U);
}

// No other user can have put it there: it holds payments of ours, so it must not be ignored.
TEST_F(OwnTableTest, ATableOfAnotherUserInAFolderOfOursIsAnError) {
  if (::geteuid() != 0) GTEST_SKIP() << "another user's files need root";
  const std::string path = TryOpen().value().table->path();
  ASSERT_EQ(::chown(path.c_str(), 12'345, 12'345), 0);
  const auto opened = TryOpen();
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find("belongs to user 12345"), std::string::npos);
}

TEST_F(OwnTableTest, ATableThatOnlyAnOperatorCanHaveSpoiltIsAnErrorAlsoInASharedFolder) {
  ASSERT_EQ(::chmod(folder_.c_str(), 01777), 0);
  const std::string path = TryOpen().value().table->path();
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
  const auto opened = TryOpen();
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find("chmod 600"), std::string::npos);
}

}  // namespace
}  // namespace tollgate::app
