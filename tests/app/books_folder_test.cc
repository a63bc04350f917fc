#include "app/books_folder.h"

#include <gtest/gtest.h>
#include <linux/magic.h>

namespace tollgate::app {
namespace {

TEST(BooksFolder, WhereOtherHostsMayWriteIsToldOf) {
  for (const int64_t remote :
       {int64_t{NFS_SUPER_MAGIC}, int64_t{0xFF534D42}, int64_t{V9FS_MAGIC}}) {
    EXPECT_TRUE(IsNetworkFileSystem(remote)) << remote;
  }
  for (const int64_t local :
       {EXT4_SUPER_MAGIC, TMPFS_MAGIC, XFS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC}) {
    EXPECT_FALSE(IsNetworkFileSystem(local)) << local;
  }
  EXPECT_EQ(BooksFolderRisk("/proc"), "");
  EXPECT_EQ(BooksFolderRisk("/no such folder"), "");
}

}  // namespace
}  // namespace tollgate::app
