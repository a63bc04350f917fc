#include "tollgate/base/startup_pages.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

namespace tollgate::base {
namespace {

constexpr size_t kPage = 4096;

// Resident pages of files, in bytes (proc(5), statm).
size_t ResidentOfFiles() {
  std::ifstream file("/proc/self/statm");
  size_t all = 0;
  size_t resident = 0;
  size_t shared = 0;
  file >> all >> resident >> shared;
  return shared * kPage;
}

// A private mapping of 64 pages of 'f'. All were read, so they are resident.
char* MapFile(int protection) {
  const std::string name = ::testing::TempDir() + "load-pages-" + std::to_string(::getpid());
  std::ofstream(name) << std::string(64 * kPage, 'f');
  FILE* const file = std::fopen(name.c_str(), "r");
  void* const at = ::mmap(nullptr, 64 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE,
                          ::fileno(file), 0);
  std::fclose(file);
  std::remove(name.c_str());
  EXPECT_NE(at, MAP_FAILED);
  EXPECT_EQ(::mprotect(at, 64 * kPage, protection), 0);
  return static_cast<char*>(at);
}

TEST(LoadPages, AreHandedBackAndComeAgain) {
  char* const mapped = MapFile(PROT_READ);
  const size_t before = ResidentOfFiles();
  const auto returned = ReleaseStartupPages();
  ASSERT_TRUE(returned.ok()) << returned.error().message;
  const size_t after = ResidentOfFiles();
  EXPECT_GE(returned.value(), 64 * kPage);
  EXPECT_LE(after + 48 * kPage, before) << "of " << before << " bytes " << after << " stayed";
  for (size_t i = 0; i < 64 * kPage; i += kPage) ASSERT_EQ(mapped[i], 'f');
  // Code of libraries, and data that the dynamic linker has written.
  std::ostringstream text;
  text << std::fixed << 19.9 << std::string(3, '.');
  EXPECT_EQ(text.str(), "19.900000...");
  ::munmap(mapped, 64 * kPage);
}

TEST(LoadPages, WhatWasChangedStays) {
  char* const mapped = MapFile(PROT_READ | PROT_WRITE);
  mapped[5 * kPage] = 'x';  // like a relocation or a breakpoint
  ASSERT_EQ(::mprotect(mapped, 64 * kPage, PROT_READ), 0);
  ASSERT_TRUE(ReleaseStartupPages().ok());
  EXPECT_EQ(mapped[5 * kPage], 'x');
  EXPECT_EQ(mapped[6 * kPage], 'f');
  ::munmap(mapped, 64 * kPage);
}

}  // namespace
}  // namespace tollgate::base
