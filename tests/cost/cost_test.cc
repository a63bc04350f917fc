// What a payment costs in memory in a warm gateway: nothing is allocated for it, from the socket to
// the books. Counted in a real gateway with malloc and operator new replaced (bench/allocations).
// Allocations of libcurl and hiredis are counted apart.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <string_view>

#include "bench/allocations/allocation_sites.h"
#include "tests/support/load.h"
#include "tests/support/stack.h"

namespace tollgate::testing {
namespace {

struct Allocations {
  uint64_t ours = 0, curl = 0, hiredis = 0;
  std::string callers;  // of our code, with offsets for addr2line
};

class CostTest : public ::testing::Test {
 protected:
  void SetUp() override {
    stack_.StartRedis();
    for (size_t i = 0; i < 2; ++i) ASSERT_NO_FATAL_FAILURE(stack_.StartProcessor(i));
    const std::string path = stack_.folder() + "/allocations";
    gateway_ = ChildProcess(
        {TOLLGATE_COUNTED_BINARY, "--server-socket", socket_, "--redis-socket",
         stack_.RedisSocket(), "--data-dir", stack_.folder(), "--default-url",
         "http://" + stack_.ProcessorAddress(0), "--fallback-url",
         "http://" + stack_.ProcessorAddress(1),
         // Connections to processors are made once: so few that the warm-up makes them all.
         "--in-flight-max", "4"},
        stack_.folder() + "/gateway.log", {{bench::kSitesVariable, path}});
    ASSERT_TRUE(Eventually([&] { return !Stack::Summary(socket_).empty(); })) << gateway_.Log();
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    void* const memory =
        ::mmap(nullptr, sizeof(bench::AllocationSites), PROT_READ, MAP_SHARED, fd, 0);
    ASSERT_NE(memory, MAP_FAILED);
    ASSERT_EQ(::close(fd), 0);
    sites_ = static_cast<const bench::AllocationSites*>(memory);
  }
  void TearDown() override {
    gateway_.Kill();
    if (sites_ != nullptr) ::munmap(const_cast<bench::AllocationSites*>(sites_), sizeof(*sites_));
  }

  // Of acceptors and workers, since the start.
  Allocations Count() const {
    Allocations result;
    for (const bench::AllocationSite& site : *sites_) {
      const std::string_view thread(site.thread.data());
      if (site.address.load(std::memory_order_acquire) <= bench::kBusy) continue;
      if (!thread.starts_with("acceptor-") && !thread.starts_with("worker-")) continue;
      const std::string_view library(site.library.data());
      const uint64_t count = site.count.load(std::memory_order_relaxed);
      if (library.starts_with("libcurl") || library.starts_with("libssl") ||
          library.starts_with("libcrypto")) {
        result.curl += count;
      } else if (library.starts_with("libhiredis")) {
        result.hiredis += count;
      } else {
        result.ours += count;
        char line[96];
        std::snprintf(line, sizeof(line), "%llu from %s+0x%llx\n",
                      static_cast<unsigned long long>(count), site.library.data(),
                      static_cast<unsigned long long>(site.offset));
        result.callers += line;
      }
    }
    return result;
  }

  // Posts `payments` payments and waits until the processors have them all.
  void Pay(size_t payments) {
    Load load({.addresses = {socket_}, .seed = ++seed_, .payments_max = payments});
    load.Start();
    load.Wait();
    ASSERT_EQ(load.accepted_count(), payments);
    paid_ += payments;
    const auto held = [&] { return stack_.Held(0).size() + stack_.Held(1).size(); };
    ASSERT_TRUE(Eventually([&] { return held() == paid_; }, 60'000)) << gateway_.Log();
  }

  const std::string& socket() const { return socket_; }

  // How often the gateway has logged that the routing changed.
  size_t RoutesTold() {
    const std::string log = gateway_.Log();
    size_t reported = 0;
    for (size_t at = 0; (at = log.find("routing: ", at)) != std::string::npos; ++at) ++reported;
    return reported;
  }

 private:
  Stack stack_{{.gateway_arguments = {}, .redis_arguments = {}, .gateways = 0, .haproxy = false}};
  const std::string socket_ = stack_.folder() + "/gateway.sock";
  ChildProcess gateway_;
  const bench::AllocationSites* sites_ = nullptr;
  uint64_t seed_ = 0;
  size_t paid_ = 0;
};

TEST_F(CostTest, AllocationsAreCountedByWhoAsks) {
  const Allocations before = Count();
  EXPECT_GT(before.ours, 0U);  // at start
  HttpClient client(socket());
  for (int i = 0; i < 10; ++i) ASSERT_EQ(client.Get("/payments-summary").status, 200);
  const Allocations after = Count();
  EXPECT_GE(after.ours, before.ours + 10);  // a summary is a text
  EXPECT_GE(after.hiredis, before.hiredis + 10);
}

TEST_F(CostTest, APaymentAllocatesNothingOnceWarm) {
  constexpr size_t kPayments = 5'000;
  ASSERT_NO_FATAL_FAILURE(Pay(kPayments));
  ASSERT_NO_FATAL_FAILURE(Pay(kPayments));
  Allocations before;
  Allocations after;
  for (int tries = 0; tries < 10; ++tries) {
    const size_t routes = RoutesTold();
    before = Count();
    ASSERT_NO_FATAL_FAILURE(Pay(kPayments));
    after = Count();
    // A log line for a change of routing, at most once a second, does not belong to a payment.
    if (after.ours == before.ours) break;
    if (!Eventually([&] { return RoutesTold() != routes; }, 1'000)) break;
  }
  EXPECT_EQ(after.ours, before.ours) << "before:\n"
                                     << before.callers << "after:\n"
                                     << after.callers;
  EXPECT_EQ(after.curl, before.curl);  // it makes connections, and carries nothing
  const double each = static_cast<double>(after.hiredis - before.hiredis) / kPayments;
  std::printf("hiredis allocates %.3f times per payment\n", each);
  EXPECT_LT(each, 4) << "its replies are built without (7.2 if they were not): callbacks remain";
}

// In kB, of all private mappings of files that are never written: code and constants.
struct Pages {
  size_t mapped = 0, resident = 0;
};
Pages CodePages(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps");
  Pages pages;
  bool counts = false;
  for (std::string line; std::getline(file, line);) {
    const bool header =
        line.find(" r-xp ") != std::string::npos || line.find(" r--p ") != std::string::npos ||
        line.find(" rw-") != std::string::npos || line.find(" ---p ") != std::string::npos;
    if (header) counts = line.find(" r-xp ") != std::string::npos && line.find('/') != line.npos;
    if (counts && line.starts_with("Size:")) pages.mapped += std::stoul(line.substr(5));
    if (counts && line.starts_with("Rss:")) pages.resident += std::stoul(line.substr(4));
  }
  return pages;
}

// Three quarters of the mapped code belong to libraries that the gateway never uses.
TEST(Resident, WhatOnlyLoadingNeededIsHandedBack) {
  Stack stack({.gateway_arguments = {}, .redis_arguments = {}, .gateways = 1, .haproxy = false});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  const Pages pages = CodePages(stack.gateway(0).pid());
  std::printf("%zu kB of code are resident, of %zu mapped\n", pages.resident, pages.mapped);
  EXPECT_GT(pages.resident, 0U);
  EXPECT_LT(pages.resident, pages.mapped / 3);
}

}  // namespace
}  // namespace tollgate::testing
