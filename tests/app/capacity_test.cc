#include "app/capacity.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace tollgate::app {
namespace {

config::Config Usual() {
  config::Config config;
  config.acceptors = 2;
  config.workers = 2;
  config.client_bytes_max = size_t{1} << 30U;
  for (const char* name : {"default", "fallback"}) {
    upstream::ProcessorOptions processor;
    processor.name = name;
    processor.in_flight_max = 350;
    config.processors.push_back(processor);
  }
  return config;
}

TEST(Capacity, ClientsGetWhatForwardingLeaves) {
  const config::Config config = Usual();
  const Descriptors many = Divide(20'000, config);
  EXPECT_EQ(many.in_flight, 704U);
  EXPECT_LT(many.clients, 20'000U - 704U - 100U);
  EXPECT_GT(many.clients, 18'000U);
  // Each further descriptor is for a client.
  EXPECT_EQ(Divide(20'001, config).clients, many.clients + 1);
}

TEST(Capacity, WithFewOfThemBothGetAPart) {
  for (size_t allowed = 0; allowed < 3'000; ++allowed) {
    const Descriptors few = Divide(allowed, Usual());
    ASSERT_GE(few.clients, 1U) << allowed;
    ASSERT_LE(few.in_flight, 704U);
    ASSERT_LE(few.clients + few.in_flight, std::max<size_t>(allowed, 1)) << allowed;
    // From here on there is enough for the gateway itself.
    ASSERT_TRUE(allowed <= 700 || (few.clients >= 50 && few.in_flight >= 150)) << allowed;
  }
}

TEST(Capacity, MemoryBoundsConnectionsToo) {
  config::Config config = Usual();
  config.server.connections_max = 16'384;
  config.client_bytes_max = 40U << 20U;
  config = WithinCapacity(config);
  EXPECT_EQ(config.server.connections_max, (20U << 20U) / kConnectionBytes / 2);
  EXPECT_EQ(config.server.send_buffer_bytes, kSendBufferBytes);
  EXPECT_EQ(MakeAdminServerOptions(config).connections_max, kAdminConnectionsMax);
  EXPECT_EQ(MakeAdminServerOptions(config).memory_bytes_max, kAdminBytesMax);
}

// In a child: the limit is per process.
TEST(Capacity, FewerPaymentsAreInFlightThanThereAreDescriptors) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const rlimit low{.rlim_cur = 300, .rlim_max = 700};
    if (::setrlimit(RLIMIT_NOFILE, &low) != 0) ::_exit(1);
    const config::Config config = WithinCapacity(Usual());
    const Descriptors divided = Divide(700, Usual());
    if (config.processors[0].in_flight_max > divided.in_flight / 2) ::_exit(2);
    if (config.processors[0].in_flight_max < 30) ::_exit(3);
    if (config.server.connections_max * 2 > divided.clients) ::_exit(4);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace tollgate::app
