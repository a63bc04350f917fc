// Compares the simulated processor with the real one as docs/PROCESSORS.md describes it, with a
// manual clock.
#include "processor_sim/sim_handler.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/server/server_fixture.h"

namespace tollgate::sim {
namespace {

using server::Client;
using server::Ending;
using server::Response;

constexpr const char* kId = "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3";
constexpr const char* kToken = "X-Rinha-Token: 123\r\n";

class SimHandlerTest : public server::ServerTest {
 protected:
  void SetUp() override {
    other = [this](const http::Request& request, server::Responder responder) {
      sim_.OnRequest(request, responder);
    };
    options.connections_max = 4'000;
    Start();
  }
  static std::string Body(const std::string& id, const std::string& amount = "19.90",
                          const std::string& at = "2025-07-15T12:34:56.120Z") {
    return R"({"correlationId":")" + id + R"(","amount":)" + amount + R"(,"requestedAt":")" + at +
           "\"}";
  }
  static std::string Id(int number) {
    std::string id = kId;
    const std::string digits = std::to_string(100'000 + number);
    return id.replace(id.size() - digits.size(), digits.size(), digits);
  }
  Response Ask(const std::string& request) {
    Client client = Connect();
    EXPECT_TRUE(client.Send(request));
    return client.Read();
  }
  Response Pay(const std::string& body) { return Ask(server::Post("/payments", body)); }
  Response Show(const std::string& id) { return Ask(server::Get("/payments/" + id)); }
  Response Set(const std::string& what, const std::string& json, const char* token = kToken) {
    return Ask("PUT /admin/configurations/" + what + " HTTP/1.1\r\nHost: x\r\n" + token +
               "Content-Length: " + std::to_string(json.size()) + "\r\n\r\n" + json);
  }
  std::string Sum(const std::string& query) {
    return Ask(server::Get("/admin/payments-summary" + query, kToken)).body;
  }

  SimHandler sim_{loop, SimOptions{}};
};

TEST_F(SimHandlerTest, APaymentIsBookedOnceAndShownWithoutZoneAndTrailingZeros) {
  const Response paid = Pay(Body(kId));
  EXPECT_EQ(paid.status, 200);
  EXPECT_EQ(paid.body, R"({"message":"payment processed successfully"})");
  EXPECT_EQ(Pay(Body(kId)).status, 422);
  EXPECT_EQ(Show(kId).body, R"({"correlationId":")" + std::string(kId) +
                                R"(","amount":19.90,"requestedAt":"2025-07-15T12:34:56.12"})");
  EXPECT_EQ(Show(Id(1)).status, 404);
  EXPECT_EQ(Pay(Body(Id(2), "19.985", "2025-07-15T14:34:56+02:00")).status, 200);
  EXPECT_EQ(Show(Id(2)).body, R"({"correlationId":")" + Id(2) +
                                  R"(","amount":19.98,"requestedAt":"2025-07-15T12:34:56"})");
  for (const std::string& bad : {std::string("{}"), Body("x"), Body(Id(3), "\"1\""),
                                 Body(Id(3), "-1"), Body(Id(3), "1", "yesterday")}) {
    EXPECT_EQ(Pay(bad).status, 400) << bad;
  }
}

TEST_F(SimHandlerTest, TheDelayComesFirstThenTheFailureThenTheInsert) {
  EXPECT_EQ(Set("delay", R"({"delay":1000})").body, R"({"config":"delay","was":0,"is":1000})");
  Client client = Connect();
  ASSERT_TRUE(client.Send(server::Post("/payments", Body(kId))));
  Advance(999);
  EXPECT_EQ(client.Peek(), "");
  EXPECT_EQ(Set("failure", R"({"failure":true})").body,
            R"({"config":"failure","was":false,"is":true})");
  Advance(1);
  const Response failed = client.Read();
  EXPECT_EQ(failed.status, 500);
  EXPECT_EQ(failed.body, "");
  EXPECT_EQ(Show(kId).status, 404);
}

TEST_F(SimHandlerTest, ARequestWhoseClientHungUpIsStillBooked) {
  Set("delay", R"({"delay":1000})");
  {
    Client client = Connect();
    ASSERT_TRUE(client.Send(server::Post("/payments", Body(kId))));
    Turn();
  }
  Turn();
  EXPECT_EQ(Show(kId).status, 404);
  Advance(1'000);
  EXPECT_EQ(Show(kId).status, 200);
}

TEST_F(SimHandlerTest, EightHundredRunFiveHundredWaitTheRestAreTooMany) {
  Set("delay", R"({"delay":1000})");
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 1'302; ++i) {
    clients.push_back(std::make_unique<Client>(Connect()));
    ASSERT_TRUE(clients.back()->Send(server::Post("/payments", Body(Id(i)))));
    Turn();
  }
  EXPECT_EQ(clients[1'300]->Read().status, 429);
  EXPECT_EQ(clients[1'301]->Read().status, 429);
  EXPECT_EQ(Show(Id(1)).status, 429) << "a look-up shares the limit";
  Advance(1'000);
  for (size_t i = 0; i < 800; ++i) ASSERT_EQ(clients[i]->Read().status, 200) << i;
  EXPECT_EQ(clients[800]->Peek(), "");
  Advance(1'000);
  for (size_t i = 800; i < 1'300; ++i) ASSERT_EQ(clients[i]->Read().status, 200) << i;
}

TEST_F(SimHandlerTest, ServiceHealthAnswersOnceAWindowHoldsTwoCallsAndRefusesMore) {
  Set("delay", R"({"delay":100})");
  EXPECT_EQ(Ask(server::Get("/payments/service-health")).body,
            R"({"failing":false,"minResponseTime":100})");
  Client first = Connect();
  Client second = Connect();
  ASSERT_TRUE(first.Send(server::Get("/payments/service-health")));
  Turn();
  ASSERT_TRUE(second.Send(server::Get("/payments/service-health")));
  Turn();
  const Response third = Ask(server::Get("/payments/service-health"));
  EXPECT_EQ(third.status, 429);
  EXPECT_TRUE(third.Has("Retry-After: ")) << third.head;
  Set("failure", R"({"failure":true})");
  EXPECT_EQ(first.Peek(), "");
  Advance(5'000);
  EXPECT_EQ(first.Read().body, R"({"failing":true,"minResponseTime":100})");
  EXPECT_EQ(second.Peek(), "");
  Advance(5'000);
  EXPECT_EQ(second.Read().status, 200);
}

TEST_F(SimHandlerTest, TheAdminCallsNeedTheTokenWhichCanBeChanged) {
  for (const char* what : {"token", "delay", "failure", "faults"}) {
    EXPECT_EQ(Set(what, "{}", "X-Rinha-Token: 12\r\n").status, 401) << what;
    EXPECT_EQ(Set(what, "{}", "").status, 401) << what;
  }
  EXPECT_EQ(Ask(server::Get("/admin/payments-summary")).status, 401);
  EXPECT_EQ(Ask(server::Post("/admin/purge-payments", "")).status, 401);
  EXPECT_EQ(Set("token", R"({"token":"sesame"})").status, 204);
  EXPECT_EQ(Set("delay", R"({"delay":1})").status, 401);
  EXPECT_EQ(Set("delay", R"({"delay":1})", "X-Rinha-Token: sesame\r\n").status, 200);
}

TEST_F(SimHandlerTest, WhatIsNotWhollyUnderstoodChangesNothing) {
  for (const char* bad :
       {"", "{", "[]", R"({"delay":1,"delay":1})", R"({"delay":1}x)", R"({"delay":-1})",
        R"({"delay":1.5})", R"({"delay":"1"})", R"({"kind":"delay"})", R"({"delay":01})",
        R"({"delay":99999999999999999999})"}) {
    EXPECT_EQ(Set("delay", bad).status, 400) << bad;
  }
  EXPECT_EQ(Set("delay", R"({"kind":"delay","x":{"delay":5},"delay":7})").body,
            R"({"config":"delay","was":0,"is":7})");
  for (const char* bad :
       {R"({"kind":"no such"})", R"({"kind":5})", R"({"probability":2})", R"({"probability":"1"})",
        R"({"kind":"reset_before","hang_ms":-1})", R"({"kind":"reset_before","capacity":-1})",
        R"({"kind":"reset_before","queue":1.5})", R"({"kind":"reset_before","kind":"none"})"}) {
    EXPECT_EQ(Set("faults", bad).status, 400) << bad;
  }
  Set("delay", R"({"delay":0})");
  EXPECT_EQ(Pay(Body(kId)).status, 200) << "half a change was made";
  EXPECT_EQ(Pay(Body(Id(1)) + Body(Id(2))).status, 400);
  EXPECT_EQ(Pay(R"({"amount":1,)" + Body(Id(1)).substr(1)).status, 400);
}

TEST_F(SimHandlerTest, ATimeBefore1970IsShownAsItIs) {
  Pay(Body(Id(1), "10", "1969-12-31T23:59:59.998001Z"));
  EXPECT_EQ(Show(Id(1)).body,
            R"({"correlationId":")" + Id(1) +
                R"(","amount":10.00,"requestedAt":"1969-12-31T23:59:59.998001"})");
}

TEST_F(SimHandlerTest, TheTimeIsKeptToTheMicrosecond) {
  Pay(Body(Id(1), "10", "2025-07-15T12:00:00.0012349Z"));
  EXPECT_EQ(Show(Id(1)).body,
            R"({"correlationId":")" + Id(1) +
                R"(","amount":10.00,"requestedAt":"2025-07-15T12:00:00.001234"})");
  const auto counted = [&](const std::string& from, const std::string& to) {
    const std::string day = "2025-07-15T12:00:00.";
    return Sum("?from=" + day + from + "Z&to=" + day + to + "Z")
        .starts_with(R"({"totalRequests":1,)");
  };
  EXPECT_TRUE(counted("001234", "001234"));
  EXPECT_FALSE(counted("001235", "002"));
  EXPECT_FALSE(counted("001", "001233"));
}

TEST_F(SimHandlerTest, TheSummaryIsInclusiveAtBothEndsAndAPurgeEmptiesIt) {
  Pay(Body(Id(1), "10", "2025-07-15T12:00:00.001Z"));
  Pay(Body(Id(2), "20", "2025-07-15T12:00:00.002Z"));
  Pay(Body(Id(3), "30", "2025-07-15T12:00:00.003Z"));
  const std::string nothing =
      R"({"totalRequests":0,"totalAmount":0.00,"totalFee":0.00,"feePerTransaction":0.05})";
  EXPECT_EQ(Sum("?from=2025-07-15T12:00:00.001Z&to=2025-07-15T12:00:00.002Z"),
            R"({"totalRequests":2,"totalAmount":30.00,"totalFee":1.50,"feePerTransaction":0.05})");
  EXPECT_EQ(Sum("?from=2025-07-15T12:00:00.004Z&to=2025-07-15T12:00:01Z"), nothing);
  EXPECT_EQ(Sum("?from=2025-07-15T12:00:00Z"), nothing) << "it needs both ends";
  EXPECT_EQ(Ask(server::Post("/admin/purge-payments", "", kToken)).body,
            R"({"message":"All payments purged."})");
  EXPECT_EQ(Sum("?from=2025-07-15T12:00:00Z&to=2025-07-15T13:00:00Z"), nothing);
  EXPECT_EQ(Show(Id(1)).status, 404);
}

class SimFaultTest : public SimHandlerTest {
 protected:
  // What a client sees of a payment under a fault, after `hang_ms`.
  std::string Under(const std::string& kind, Ending* ending) {
    Set("faults", R"({"kind":")" + kind + R"(","hang_ms":700})");
    Client client = ConnectTcp();  // Unix sockets have no reset
    EXPECT_TRUE(client.Send(server::Post("/payments", Body(kId))));
    at_first_ = client.Peek();
    Advance(700);
    const std::string text = client.Peek();
    *ending = client.State();
    Set("faults", R"({"kind":"none"})");
    return text;
  }
  bool Booked() { return Show(kId).status == 200; }
  std::string at_first_;  // what had arrived before hang_ms
};

TEST_F(SimFaultTest, ResetBefore) {
  Ending ending{};
  EXPECT_EQ(Under("reset_before", &ending), "");
  EXPECT_EQ(ending, Ending::kReset);
  EXPECT_FALSE(Booked());
}

TEST_F(SimFaultTest, ResetAfter) {
  Ending ending{};
  EXPECT_EQ(Under("reset_after", &ending), "");
  EXPECT_EQ(ending, Ending::kReset);
  EXPECT_TRUE(Booked());
}

TEST_F(SimFaultTest, HangThenBook) {
  Ending ending{};
  EXPECT_TRUE(Under("hang_then_book", &ending).starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(at_first_, "");
  EXPECT_TRUE(Booked());
}

TEST_F(SimFaultTest, DropAnswer) {
  Ending ending{};
  EXPECT_EQ(Under("drop_answer", &ending), "");
  EXPECT_EQ(ending, Ending::kEnd);
  EXPECT_TRUE(Booked());
}

TEST_F(SimFaultTest, ErrorAfter) {
  Ending ending{};
  const std::string text = Under("error_after", &ending);
  EXPECT_TRUE(text.starts_with("HTTP/1.1 500 ")) << text;
  EXPECT_FALSE(text.ends_with("\r\n\r\n"))
      << "it has a body: a database error, not a simulated one";
  EXPECT_TRUE(Booked());
}

TEST_F(SimFaultTest, Garbage) {
  Ending ending{};
  const std::string text = Under("garbage", &ending);
  EXPECT_NE(text, "");
  EXPECT_FALSE(text.starts_with("HTTP/"));
  EXPECT_FALSE(Booked());
}

TEST_F(SimFaultTest, SlowBytesComeInTwoPieces) {
  Ending ending{};
  const std::string text = Under("slow_bytes", &ending);
  EXPECT_TRUE(at_first_.starts_with("HTTP/1.1 200 OK\r\n")) << at_first_;
  EXPECT_EQ(at_first_.find("\r\n\r\n"), std::string::npos);
  EXPECT_NE(text.find("Content-Length: 44\r\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\r\n\r\n{\"message\":\"payment processed successfully\"}")) << text;
  EXPECT_TRUE(Booked());
}

TEST_F(SimFaultTest, HalfAnswer) {
  Ending ending{};
  const std::string text = Under("half_answer", &ending);
  EXPECT_NE(text.find("Content-Length: 44\r\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("{\"message\":\"payment proc")) << text;
  EXPECT_EQ(ending, Ending::kEnd);
  EXPECT_TRUE(Booked());
}

TEST_F(SimHandlerTest, FaultsStrikeWithTheirProbability) {
  Set("faults", R"({"kind":"garbage","probability":0.5})");
  int struck = 0;
  for (int i = 0; i < 200; ++i) struck += Pay(Body(Id(i))).status != 200;
  EXPECT_GT(struck, 50);
  EXPECT_LT(struck, 150);
  EXPECT_EQ(Set("faults", R"({"kind":"nonsense"})").status, 400);
}

}  // namespace
}  // namespace tollgate::sim
