// HAProxy with the shipped configuration, in front of gateways that are killed.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/stack.h"

namespace tollgate::testing {
namespace {

TEST(BalancerTest, AKilledGatewayShowsNoErrorToClientsWhoseBodiesAreUnderWay) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  constexpr uint64_t kClients = 16;  // each gateway has some of them
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (uint64_t i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<HttpClient>(stack.front()));
    // A request that is not a client's first one ends in a close if it cannot be sent again.
    ASSERT_EQ(clients.back()->Get("/readyz").status, 200);
    const size_t body_bytes = PaymentBody(TestId(7, i), "1").size();
    ASSERT_TRUE(clients.back()->SendPart(
        "POST /payments HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body_bytes) +
        "\r\n\r\n"));
  }
  // HAProxy has one thread: when it answers this, it has seen all heads before.
  ASSERT_EQ(HttpClient(stack.front()).Get("/readyz").status, 200);
  stack.gateway(0).Kill();
  for (uint64_t i = 0; i < kClients; ++i) {
    ASSERT_TRUE(clients[i]->SendPart(PaymentBody(TestId(7, i), "1")));
  }
  for (uint64_t i = 0; i < kClients; ++i) EXPECT_EQ(clients[i]->AwaitAnswer().status, 202) << i;
}

}  // namespace
}  // namespace tollgate::testing
