#include "tollgate/base/memory_quota.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace tollgate::base {
namespace {

class MemoryQuotaTest : public ::testing::Test {
 protected:
  MemoryQuotaTest() {
    std::string pattern = "/tmp/tollgate-cgroup.XXXXXX";
    root_ = ::mkdtemp(pattern.data());
  }
  ~MemoryQuotaTest() override { std::filesystem::remove_all(root_); }
  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  std::string root_;
};

TEST_F(MemoryQuotaTest, VersionTwoInAContainerAndOutside) {
  Write("/sys/fs/cgroup/memory.max", "83886080\n");
  EXPECT_EQ(MemoryQuota(root_), 80U << 20U);
  Write("/sys/fs/cgroup/memory.max", "max\n");
  EXPECT_GT(MemoryQuota(root_), 80U << 20U);
  Write("/proc/self/cgroup", "0::/a/b\n");
  Write("/sys/fs/cgroup/a/b/memory.max", "4194304\n");
  EXPECT_EQ(MemoryQuota(root_), 4U << 20U);
  // A group above may allow less.
  Write("/sys/fs/cgroup/a/memory.max", "2097152\n");
  EXPECT_EQ(MemoryQuota(root_), 2U << 20U);
}

TEST_F(MemoryQuotaTest, VersionOne) {
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "83886080\n");
  EXPECT_EQ(MemoryQuota(root_), 80U << 20U);
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  Write("/proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/x\n0::/\n");
  Write("/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "4194304\n");
  EXPECT_EQ(MemoryQuota(root_), 4U << 20U);
}

TEST_F(MemoryQuotaTest, WhatIsNoLimitIsNone) {
  const uint64_t machine = MemoryQuota(root_);
  EXPECT_GT(machine, 1U << 20U);
  for (const char* text : {"", "0\n", "-1\n", "x\n", "12x\n", "99999999999999999999999\n"}) {
    Write("/sys/fs/cgroup/memory.max", text);
    EXPECT_EQ(MemoryQuota(root_), machine) << text;
  }
  Write("/proc/self/cgroup", "0:\n:\n\nnonsense\n4:memory\n4:memory:\n0::a\n");
  EXPECT_EQ(MemoryQuota(root_), machine);
}

}  // namespace
}  // namespace tollgate::base
