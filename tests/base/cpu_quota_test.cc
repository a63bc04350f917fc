#include "tollgate/base/cpu_quota.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace tollgate::base {
namespace {

class CpuQuotaTest : public ::testing::Test {
 protected:
  CpuQuotaTest() {
    std::string pattern = "/tmp/tollgate-cgroup.XXXXXX";
    root_ = ::mkdtemp(pattern.data());
  }
  ~CpuQuotaTest() override { std::filesystem::remove_all(root_); }
  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  std::string root_;
};

TEST_F(CpuQuotaTest, VersionTwoInAContainerAndOutside) {
  Write("/sys/fs/cgroup/cpu.max", "45000 100000\n");
  EXPECT_DOUBLE_EQ(CpuQuota(root_), 0.45);
  Write("/sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_GE(CpuQuota(root_), 1);
  Write("/proc/self/cgroup", "0::/a/b\n");
  Write("/sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
  EXPECT_DOUBLE_EQ(CpuQuota(root_), 0.5);
}

TEST_F(CpuQuotaTest, VersionOne) {
  Write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "25000\n");
  Write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_DOUBLE_EQ(CpuQuota(root_), 0.25);
  Write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  EXPECT_GE(CpuQuota(root_), 1);
}

TEST_F(CpuQuotaTest, WithoutAnyItIsTheCpusThatMayBeUsed) { EXPECT_GE(CpuQuota(root_), 1); }

}  // namespace
}  // namespace tollgate::base
