// What each behaviour of a processor proves, against a server that behaves as told.
#include "tollgate/upstream/http_processor_client.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <string>

#include "tests/upstream/scripted_server.h"
#include "tollgate/base/clock.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::upstream {
namespace {

using testing::ScriptedServer;
using Connection = ScriptedServer::Connection;

constexpr std::string_view kOk =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 44\r\n\r\n"
    "{\"message\":\"payment processed successfully\"}";
constexpr int64_t kPatienceNs = 30 * base::kNanosPerSecond;

class HttpProcessorClientTest : public ::testing::Test, public ProcessorEvents {
 protected:
  ProcessorOptions Options() const {
    ProcessorOptions options;
    options.name = "default";
    options.url = server_.url();
    return options;
  }
  void Start(const ProcessorOptions& options, size_t lookups_max = 4) {
    client_ = std::make_unique<HttpProcessorClient>(
        loop_, HttpClientOptions{.processors = {options}, .lookups_max = lookups_max});
    client_->SetEvents(this);
  }
  static PostRequest Request(uint64_t number = 1) {
    return {.payment = {.id = {.high = 7, .low = number}, .amount_cents = 1990},
            .processor = 0,
            .requested_at_ms = 1'752'583'000'123};
  }
  void OnPosted(uint64_t cookie, const PostResult& result) override {
    EXPECT_EQ(posted_.count(cookie), 0U) << "told twice";
    posted_[cookie] = result;
    if (after_post_) after_post_();
  }
  void OnLookedUp(uint64_t cookie, const LookupResult& result) override {
    EXPECT_EQ(looked_up_.count(cookie), 0U) << "told twice";
    looked_up_[cookie] = result;
  }
  template <typename Predicate>
  void RunUntil(Predicate done) {
    const int64_t give_up_ns = clock_.MonotonicNanos() + kPatienceNs;
    while (!done()) {
      ASSERT_LT(clock_.MonotonicNanos(), give_up_ns);
      loop_.RunOnce(100);
    }
  }
  PostResult PostOne(uint64_t cookie = 1) {
    EXPECT_TRUE(client_->Post(Request(cookie), cookie));
    EXPECT_EQ(posted_.count(cookie), 0U) << "told from inside the call";
    RunUntil([&] { return posted_.count(cookie) != 0; });
    return posted_[cookie];
  }
  LookupResult LookupOne(uint64_t cookie = 1) {
    EXPECT_TRUE(client_->Lookup(Request().payment.id, 0, cookie));
    RunUntil([&] { return looked_up_.count(cookie) != 0; });
    return looked_up_[cookie];
  }

  base::SystemClock clock_;
  net::EventLoop loop_{clock_};
  ScriptedServer server_{loop_};
  std::map<uint64_t, PostResult> posted_;
  std::map<uint64_t, LookupResult> looked_up_;
  std::function<void()> after_post_;
  std::unique_ptr<HttpProcessorClient> client_;
};

// What only asks is made so (tollgate reconcile): it could not charge if it wanted to.
TEST_F(HttpProcessorClientTest, AClientWithNoPaymentsInFlightPostsNothingAndLooksUp) {
  ProcessorOptions options = Options();
  options.in_flight_max = 0;
  Start(options);
  server_.on_request = [](ScriptedServer::Connection& connection, std::string_view) {
    connection.Send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  };
  EXPECT_FALSE(client_->Post(Request(), 1));
  const LookupResult result = LookupOne(2);
  EXPECT_EQ(result.outcome, LookupOutcome::kAbsent);
  EXPECT_EQ(result.http_status, 404);
  EXPECT_FALSE(client_->Post(Request(), 3));
  EXPECT_EQ(server_.requests().size(), 1U);
  EXPECT_TRUE(posted_.empty());
}

// ---- The outcome table ----

enum class Then : uint8_t { kKeep, kClose, kReset };

struct Row {
  const char* name;
  std::string answer;
  Then then;
  PostOutcome outcome;
  int status;
};

class OutcomeTable : public HttpProcessorClientTest, public ::testing::WithParamInterface<Row> {};

TEST_P(OutcomeTable, Row) {
  const Row& row = GetParam();
  ProcessorOptions options = Options();
  options.answer_timeout_ms = row.then == Then::kKeep ? 300 : 20'000;
  options.connect_timeout_ms = 100;
  Start(options);
  server_.on_request = [&](Connection& connection, std::string_view) {
    connection.Send(row.answer);
    if (row.then == Then::kClose) connection.Close();
    if (row.then == Then::kReset) connection.Reset();
  };
  const PostResult result = PostOne();
  EXPECT_STREQ(Name(result.outcome), Name(row.outcome));
  EXPECT_EQ(result.http_status, row.status);
  EXPECT_EQ(server_.requests().size(), 1U);
}

std::string Head(std::string_view status) { return "HTTP/1.1 " + std::string(status) + "\r\n"; }
std::string Empty(std::string_view status) { return Head(status) + "Content-Length: 0\r\n\r\n"; }
std::string With(std::string_view status, std::string_view body) {
  return Head(status) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

const Row kRows[] = {
    {"Confirmed", std::string(kOk), Then::kKeep, PostOutcome::kConfirmed, 200},
    {"ConfirmedThenClosed", std::string(kOk), Then::kClose, PostOutcome::kConfirmed, 200},
    {"ConfirmedChunked",
     Head("200 OK") + "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n", Then::kKeep,
     PostOutcome::kConfirmed, 200},
    {"ConfirmedNoContent", Head("204 No Content") + "\r\n", Then::kKeep, PostOutcome::kConfirmed,
     204},
    {"ConfirmedBodyCut", Head("200 OK") + "Content-Length: 44\r\n\r\n{\"mess", Then::kClose,
     PostOutcome::kConfirmed, 200},
    {"ConfirmedBodyNeverEnds", Head("200 OK") + "Content-Length: 44\r\n\r\n{\"mess", Then::kKeep,
     PostOutcome::kConfirmed, 200},
    {"ConfirmedHeadersCut", Head("200 OK") + "Content-Le", Then::kClose, PostOutcome::kConfirmed,
     200},
    {"ConfirmedHugeBody", With("200 OK", std::string(100'000, 'x')), Then::kClose,
     PostOutcome::kConfirmed, 200},
    {"ConfirmedAfterContinue", Head("100 Continue") + "\r\n" + std::string(kOk), Then::kKeep,
     PostOutcome::kConfirmed, 200},
    {"ConfirmedAfterEarlyHints", Head("103 Early Hints") + "Link: </x>\r\n\r\n" + std::string(kOk),
     Then::kKeep, PostOutcome::kConfirmed, 200},
    {"StatusLineCut", "HTTP/1.1 200", Then::kClose, PostOutcome::kUnknown, 0},
    {"StatusLineCutBeforeItsEnd", "HTTP/1.1 200 OK", Then::kClose, PostOutcome::kUnknown, 0},
    {"StatusLineCutAndHung", "HTTP/1.1 200 OK\r", Then::kKeep, PostOutcome::kUnknown, 0},
    {"ContinueThenClosed", Head("100 Continue") + "\r\n", Then::kClose, PostOutcome::kUnknown, 0},
    {"ContinueThenHung", Head("100 Continue") + "\r\n", Then::kKeep, PostOutcome::kUnknown, 0},
    {"SwitchingProtocols", Head("101 Switching Protocols") + "Upgrade: h2c\r\n\r\n", Then::kClose,
     PostOutcome::kUnknown, 0},
    {"OverCapacity", Head("429 Too Many Requests") + "Retry-After: 5\r\nContent-Length: 0\r\n\r\n",
     Then::kKeep, PostOutcome::kOverCapacity, 429},
    {"OverCapacityCut", Head("429 Too Many Requests") + "Retry-Aft", Then::kClose,
     PostOutcome::kUnknown, 429},
    {"OverCapacityHung", Head("429 Too Many Requests") + "Content-Length: 4\r\n\r\n", Then::kKeep,
     PostOutcome::kUnknown, 429},
    {"Empty500ChunkedHung",
     Head("500 Internal Server Error") + "Transfer-Encoding: chunked\r\n\r\n", Then::kKeep,
     PostOutcome::kUnknown, 500},
    {"Empty500", Empty("500 Internal Server Error"), Then::kKeep, PostOutcome::kEmpty500, 500},
    {"Empty500ThenClosed", Empty("500 Internal Server Error"), Then::kClose, PostOutcome::kEmpty500,
     500},
    {"Empty500Chunked",
     Head("500 Internal Server Error") + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Then::kKeep,
     PostOutcome::kEmpty500, 500},
    {"Empty500ChunkedCut", Head("500 Internal Server Error") + "Transfer-Encoding: chunked\r\n\r\n",
     Then::kClose, PostOutcome::kUnknown, 500},
    {"Empty500WithoutLength", Head("500 Internal Server Error") + "\r\n", Then::kClose,
     PostOutcome::kUnknown, 500},
    {"Empty500HeadersCut", Head("500 Internal Server Error") + "Content-Length: 0\r\n",
     Then::kClose, PostOutcome::kUnknown, 500},
    {"Error500", With("500 Internal Server Error", "{\"title\":\"database\"}"), Then::kKeep,
     PostOutcome::kError500, 500},
    {"Error500Chunked",
     Head("500 Internal Server Error") + "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
     Then::kKeep, PostOutcome::kError500, 500},
    {"Error500Cut", Head("500 Internal Server Error") + "Content-Length: 20\r\n\r\n{\"ti",
     Then::kClose, PostOutcome::kUnknown, 500},
    {"Error500BodyMissing", Head("500 Internal Server Error") + "Content-Length: 20\r\n\r\n",
     Then::kClose, PostOutcome::kUnknown, 500},
    {"Duplicate", With("422 Unprocessable Entity", "{\"message\":\"exists\"}"), Then::kKeep,
     PostOutcome::kDuplicate, 422},
    {"DuplicateCut", Head("422 Unprocessable Entity") + "Content-Length: 20\r\n\r\n", Then::kClose,
     PostOutcome::kDuplicate, 422},
    {"Invalid", With("400 Bad Request", "{}"), Then::kKeep, PostOutcome::kInvalid, 400},
    {"InvalidCut", Head("400 Bad Request") + "Content-Length: 20\r\n\r\n", Then::kClose,
     PostOutcome::kUnknown, 400},
    {"Unauthorized", Empty("401 Unauthorized"), Then::kKeep, PostOutcome::kUnknown, 401},
    {"NotFound", Empty("404 Not Found"), Then::kKeep, PostOutcome::kUnknown, 404},
    {"RequestTimeout", Empty("408 Request Timeout"), Then::kClose, PostOutcome::kUnknown, 408},
    {"ContentTooLarge", Empty("413 Content Too Large"), Then::kClose, PostOutcome::kUnknown, 413},
    {"ExpectationFailed", Empty("417 Expectation Failed"), Then::kKeep, PostOutcome::kUnknown, 417},
    {"TooEarly", Empty("425 Too Early"), Then::kKeep, PostOutcome::kUnknown, 425},
    {"RedirectKeepingMethod",
     Head("307 Temporary Redirect") + "Location: /elsewhere\r\nContent-Length: 0\r\n\r\n",
     Then::kKeep, PostOutcome::kUnknown, 307},
    {"Redirect", Head("301 Moved") + "Location: /elsewhere\r\nContent-Length: 0\r\n\r\n",
     Then::kKeep, PostOutcome::kUnknown, 301},
    {"NotImplemented", Empty("501 Not Implemented"), Then::kKeep, PostOutcome::kUnknown, 501},
    {"BadGateway", Empty("502 Bad Gateway"), Then::kKeep, PostOutcome::kUnknown, 502},
    {"Unavailable", Empty("503 Service Unavailable"), Then::kKeep, PostOutcome::kUnknown, 503},
    {"GatewayTimeout", Empty("504 Gateway Timeout"), Then::kKeep, PostOutcome::kUnknown, 504},
    {"StatusOfFourDigits", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", Then::kClose,
     PostOutcome::kUnknown, 0},
    {"StatusOfTwoDigits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", Then::kClose,
     PostOutcome::kUnknown, 0},
    {"StatusOutOfRange", "HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n", Then::kClose,
     PostOutcome::kUnknown, 0},
    {"OtherVersion", "HTTP/7.3 200 OK\r\nContent-Length: 0\r\n\r\n", Then::kClose,
     PostOutcome::kUnknown, 0},
    {"ConflictingLengths", Head("429 x") + "Content-Length: 4\r\nContent-Length: x\r\n\r\nabcd",
     Then::kClose, PostOutcome::kUnknown, 429},
    {"Garbage", "\x16\x03\x01\x02 utter garbage\r\n\r\n", Then::kClose, PostOutcome::kUnknown, 0},
    {"Http09", "payment processed successfully", Then::kClose, PostOutcome::kUnknown, 0},
    {"NothingThenClosed", "", Then::kClose, PostOutcome::kUnknown, 0},
    {"NothingThenReset", "", Then::kReset, PostOutcome::kUnknown, 0},
    {"NothingEver", "", Then::kKeep, PostOutcome::kUnknown, 0},
};

INSTANTIATE_TEST_SUITE_P(Answers, OutcomeTable, ::testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

// ---- Certainly not sent, and not certainly ----

TEST_F(HttpProcessorClientTest, RefusedPortIsNotSent) {
  const base::UniqueFd bound_not_listening = ScriptedServer::NewSocket();
  ProcessorOptions options = Options();
  options.url =
      "http://127.0.0.1:" + std::to_string(ScriptedServer::PortOf(bound_not_listening.get()));
  Start(options);
  EXPECT_STREQ(Name(PostOne().outcome), "not_sent");
}

TEST_F(HttpProcessorClientTest, NameThatDoesNotResolveIsNotSent) {
  ProcessorOptions options = Options();
  options.url = "http://no-such-processor.invalid:8080";
  Start(options);
  EXPECT_STREQ(Name(PostOne().outcome), "not_sent");
}

TEST_F(HttpProcessorClientTest, ConnectTimeoutIsNotSent) {
  // A full accept queue: the kernel drops further SYNs.
  const base::UniqueFd full = ScriptedServer::NewSocket();
  ASSERT_EQ(::listen(full.get(), 0), 0);
  const uint16_t port = ScriptedServer::PortOf(full.get());
  std::vector<base::UniqueFd> fillers;
  for (int i = 0; i < 3; ++i) {
    fillers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const sockaddr_in address = ScriptedServer::Loopback(port);
    (void)::connect(fillers.back().get(), ScriptedServer::AsAddress(&address), sizeof address);
  }
  ProcessorOptions options = Options();
  options.url = "http://127.0.0.1:" + std::to_string(port);
  options.connect_timeout_ms = 50;
  Start(options);
  EXPECT_STREQ(Name(PostOne().outcome), "not_sent");
}

TEST_F(HttpProcessorClientTest, ResetBeforeReadingIsUnknown) {
  server_.on_bytes = [](Connection& connection) {
    connection.Reset();
    return true;
  };
  Start(Options());
  EXPECT_STREQ(Name(PostOne().outcome), "unknown");
}

// The double send: curl would repeat the POST on a fresh connection, unasked.
TEST_F(HttpProcessorClientTest, PostIsNotSentAgainWhenAReusedConnectionDrops) {
  Start(Options());
  server_.on_request = [](Connection& connection, std::string_view) {
    if (connection.index == 0 && connection.requests == 2) return connection.Close();
    connection.Send(kOk);
  };
  EXPECT_STREQ(Name(PostOne(1).outcome), "confirmed");
  EXPECT_STREQ(Name(PostOne(2).outcome), "unknown");
  EXPECT_EQ(server_.requests().size(), 2U);
  EXPECT_STREQ(Name(PostOne(3).outcome), "confirmed");
}

TEST_F(HttpProcessorClientTest, PostIsNotSentAgainWhenAReusedConnectionIsReset) {
  Start(Options());
  server_.on_request = [](Connection& connection, std::string_view) {
    if (connection.index == 0 && connection.requests == 2) return connection.Reset();
    connection.Send(kOk);
  };
  EXPECT_STREQ(Name(PostOne(1).outcome), "confirmed");
  EXPECT_STREQ(Name(PostOne(2).outcome), "unknown");
  EXPECT_EQ(server_.requests().size(), 2U);
}

// The repeat cannot connect: an error that looks like "never sent", although a copy arrived.
TEST_F(HttpProcessorClientTest, DroppedAfterSendingAndThenRefusedIsUnknown) {
  auto own = std::make_unique<ScriptedServer>(loop_);
  ProcessorOptions options = Options();
  options.url = own->url();
  Start(options);
  bool drop = false;
  own->on_request = [&](Connection& connection, std::string_view) {
    if (!drop) return connection.Send(kOk);
    connection.Close();
    loop_.Post([&] { own.reset(); });  // in this turn: nobody listens any more
  };
  EXPECT_STREQ(Name(PostOne(1).outcome), "confirmed");
  drop = true;
  EXPECT_STREQ(Name(PostOne(2).outcome), "unknown");
  EXPECT_EQ(own, nullptr);
}

TEST_F(HttpProcessorClientTest, ConnectionClosedWhileIdleIsNotUsed) {
  Start(Options());
  server_.on_request = [](Connection& connection, std::string_view) { connection.Send(kOk); };
  EXPECT_STREQ(Name(PostOne(1).outcome), "confirmed");
  server_.connections()[0]->Close();
  EXPECT_STREQ(Name(PostOne(2).outcome), "confirmed");
  EXPECT_EQ(server_.requests().size(), 2U);
}

// curl 7.88.1 would read the stray answer as that of the second payment.
TEST_F(HttpProcessorClientTest, AnswerThatNobodyAskedForIsNotTakenForTheNext) {
  Start(Options());
  server_.on_request = [](Connection& connection, std::string_view) {
    connection.Send(connection.index == 0 ? std::string(kOk) : Empty("429 Too Many Requests"));
  };
  EXPECT_STREQ(Name(PostOne(1).outcome), "confirmed");
  server_.connections()[0]->Send(kOk);
  RunUntil([&] { return !server_.connections()[0]->open(); });
  EXPECT_STREQ(Name(PostOne(2).outcome), "over_capacity");
}

// An answer after which the connection must not be used, though the other side keeps it open.
class LastAnswer : public HttpProcessorClientTest,
                   public ::testing::WithParamInterface<std::pair<const char*, std::string>> {};

TEST_P(LastAnswer, EndsItsConnection) {
  Start(Options());
  server_.on_request = [](Connection& connection, std::string_view) {
    connection.Send(connection.index == 0 ? GetParam().second : std::string(kOk));
  };
  PostOne(1);
  RunUntil([&] { return !server_.connections()[0]->open(); });
  EXPECT_STREQ(Name(PostOne(2).outcome), "confirmed");
}

INSTANTIATE_TEST_SUITE_P(
    Answers, LastAnswer,
    ::testing::Values(std::pair("WithMoreBehindIt", std::string(kOk) + "HTTP/1.1 429 x\r\n"),
                      std::pair("SaysClose",
                                "HTTP/1.1 200 OK\r\nConnection: close\r\n"
                                "Content-Length: 0\r\n\r\n"),
                      std::pair("OfAnOldVersion", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
                      std::pair("Unintelligible", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")),
    [](const auto& row) { return std::string(row.param.first); });

TEST_F(HttpProcessorClientTest, SlowBytesAreAnAnswer) {
  Start(Options());
  Connection* answering = nullptr;
  size_t sent = 0;
  server_.on_request = [&](Connection& connection, std::string_view) { answering = &connection; };
  loop_.AddTurnHook([&] {
    if (answering == nullptr || sent == kOk.size()) return;
    answering->Send(kOk.substr(sent++, 1));
    loop_.WakeUp();
  });
  EXPECT_STREQ(Name(PostOne().outcome), "confirmed");
  EXPECT_EQ(sent, kOk.size());
}

TEST_F(HttpProcessorClientTest, A429TellsForHowLongItWantsToBeLeftAlone) {
  Start(Options());
  std::string header = "Retry-After: 3\r\n";
  server_.on_request = [&](Connection& connection, std::string_view) {
    connection.Send(Head("429 Too Many Requests") + header + "Content-Length: 0\r\n\r\n");
  };
  EXPECT_EQ(PostOne(1).retry_after_ms, 3'000);
  header = "Retry-After: 1000000\r\n";
  EXPECT_EQ(PostOne(2).retry_after_ms, kRetryAfterMsMax);
  header = "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
  EXPECT_EQ(PostOne(3).retry_after_ms, 0);
  header = "Retry-After: " + std::string(1'000, '9') + "\r\n";
  EXPECT_EQ(PostOne(4).retry_after_ms, kRetryAfterMsMax);
  header = "";
  EXPECT_EQ(PostOne(5).retry_after_ms, 0);
}

// ---- What is sent ----

TEST_F(HttpProcessorClientTest, RequestIsSmallAndAsDocumented) {
  ProcessorOptions options = Options();
  options.url += "/";
  options.headers = {"X-Test: yes"};
  Start(options);
  server_.on_request = [](Connection& connection, std::string_view) { connection.Send(kOk); };
  ASSERT_STREQ(Name(PostOne().outcome), "confirmed");
  const std::string& request = server_.requests().at(0);
  EXPECT_TRUE(request.starts_with("POST /payments HTTP/1.1\r\nHost: 127.0.0.1:")) << request;
  EXPECT_NE(request.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_NE(request.find("X-Test: yes\r\n"), std::string::npos);
  const size_t body = request.find("\r\n\r\n") + 4;
  EXPECT_NE(request.find("Content-Length: " + std::to_string(request.size() - body) + "\r\n"),
            std::string::npos)
      << request;
  EXPECT_EQ(request.find("Expect"), std::string::npos);
  EXPECT_EQ(request.find("Accept"), std::string::npos);
  EXPECT_EQ(request.find("User-Agent"), std::string::npos);
  EXPECT_NE(request.find("\r\n\r\n{\"correlationId\":\"00000000-0000-0007-0000-000000000001\","
                         "\"amount\":19.90,\"requestedAt\":\"2025-07-15T"),
            std::string::npos)
      << request;
}

TEST_F(HttpProcessorClientTest, ProxyOfTheEnvironmentIsIgnored) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  ::setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  Start(Options());
  server_.on_request = [](Connection& connection, std::string_view) { connection.Send(kOk); };
  EXPECT_STREQ(Name(PostOne().outcome), "confirmed");
  ::unsetenv("http_proxy");
  ::unsetenv("ALL_PROXY");
}

TEST_F(HttpProcessorClientTest, OtherSchemesAreNotSent) {
  ProcessorOptions options = Options();
  options.url = "ftp" + server_.url().substr(4);
  Start(options);
  EXPECT_STREQ(Name(PostOne().outcome), "not_sent");
  EXPECT_EQ(server_.bytes(), 0U);
}

TEST_F(HttpProcessorClientTest, NameIsResolved) {
  ProcessorOptions options = Options();
  options.url = "http://localhost" + server_.url().substr(server_.url().rfind(':'));
  Start(options);
  server_.on_request = [](Connection& connection, std::string_view) { connection.Send(kOk); };
  EXPECT_STREQ(Name(PostOne().outcome), "confirmed");
}

// ---- Many ----

TEST_F(HttpProcessorClientTest, ConnectionIsReused) {
  Start(Options());
  server_.on_request = [](Connection& connection, std::string_view) { connection.Send(kOk); };
  for (uint64_t i = 0; i < 50; ++i) EXPECT_STREQ(Name(PostOne(i).outcome), "confirmed");
  EXPECT_EQ(server_.connections().size(), 1U);
  EXPECT_EQ(client_->stats().connections_opened, 1U);
}

TEST_F(HttpProcessorClientTest, HundredsInFlightAtOnceOnConnectionsThatAreKept) {
  constexpr uint64_t kMany = 300;
  ProcessorOptions options = Options();
  options.in_flight_max = kMany;
  Start(options);
  size_t waiting = 0;
  size_t waiting_max = 0;
  server_.on_request = [&](Connection& connection, std::string_view) {
    waiting_max = std::max(waiting_max, ++waiting);
    if (waiting < kMany) return;  // nobody is answered before the last has come
    for (auto& each : server_.connections()) each->Send(kOk);
    waiting = 0;
    (void)connection;
  };
  for (uint64_t round = 0; round < 3; ++round) {
    for (uint64_t i = 0; i < kMany; ++i) {
      ASSERT_TRUE(client_->Post(Request(round * kMany + i), round * kMany + i));
    }
    EXPECT_FALSE(client_->Post(Request(), 999'999));  // the pool is empty
    EXPECT_EQ(client_->in_flight(), kMany);
    RunUntil([&] { return posted_.size() == (round + 1) * kMany; });
  }
  EXPECT_EQ(waiting_max, kMany);
  EXPECT_EQ(server_.connections().size(), kMany);
  EXPECT_EQ(client_->in_flight(), 0U);
  for (const auto& [cookie, result] : posted_) {
    EXPECT_STREQ(Name(result.outcome), "confirmed") << cookie;
  }
}

TEST_F(HttpProcessorClientTest, QuickAnswersNeedFewConnections) {
  constexpr uint64_t kMany = 300;
  ProcessorOptions options = Options();
  options.in_flight_max = kMany;
  Start(options);
  server_.on_request = [](Connection& connection, std::string_view) { connection.Send(kOk); };
  for (uint64_t i = 0; i < kMany; ++i) ASSERT_TRUE(client_->Post(Request(i), i));
  RunUntil([&] { return posted_.size() == kMany; });
  EXPECT_EQ(server_.requests().size(), kMany);
  EXPECT_LT(server_.connections().size(), kMany / 2);
}

TEST_F(HttpProcessorClientTest, WhoWaitsForAConnectionIsToldWhenNobodyIsThere) {
  const base::UniqueFd bound_not_listening = ScriptedServer::NewSocket();
  ProcessorOptions options = Options();
  options.url =
      "http://127.0.0.1:" + std::to_string(ScriptedServer::PortOf(bound_not_listening.get()));
  Start(options);
  for (uint64_t i = 0; i < 200; ++i) ASSERT_TRUE(client_->Post(Request(i), i));
  RunUntil([&] { return posted_.size() == 200; });
  for (const auto& [cookie, result] : posted_) {
    EXPECT_STREQ(Name(result.outcome), "not_sent") << cookie;
  }
  EXPECT_LT(client_->stats().connections_opened, 50U) << "each waited for a try of its own";
}

// More than the kernel takes in one write.
TEST_F(HttpProcessorClientTest, ALongRequestIsWrittenInParts) {
  ProcessorOptions options = Options();
  options.headers = {"X-Long: " + std::string(1'000'000, 'x')};
  Start(options);
  server_.on_request = [](Connection& connection, std::string_view) { connection.Send(kOk); };
  EXPECT_STREQ(Name(PostOne(1).outcome), "confirmed");
  EXPECT_STREQ(Name(PostOne(2).outcome), "confirmed");
  EXPECT_EQ(server_.requests().at(0).size(), server_.requests().at(1).size());
  EXPECT_EQ(server_.connections().size(), 1U);
}

TEST_F(HttpProcessorClientTest, ALongRequestThatIsAnsweredEarlyEndsItsConnection) {
  ProcessorOptions options = Options();
  options.headers = {"X-Long: " + std::string(8'000'000, 'x')};
  Start(options);
  size_t answered = 0;
  server_.on_bytes = [&](Connection& connection) {
    if (connection.index == answered) {
      ++answered;
      connection.Send(Empty("429 Too Many Requests"));
    }
    return true;  // nothing is read
  };
  EXPECT_STREQ(Name(PostOne(1).outcome), "over_capacity");
  EXPECT_STREQ(Name(PostOne(2).outcome), "over_capacity");
  EXPECT_EQ(server_.connections().size(), 2U);
}

TEST_F(HttpProcessorClientTest, HandleIsFreeAgainInsideTheEvent) {
  ProcessorOptions options = Options();
  options.in_flight_max = 1;
  Start(options);
  server_.on_request = [](Connection& connection, std::string_view) { connection.Send(kOk); };
  uint64_t next = 2;
  after_post_ = [&] {
    if (next <= 5) {
      EXPECT_TRUE(client_->Post(Request(next), next));
    }
    ++next;
  };
  ASSERT_TRUE(client_->Post(Request(1), 1));
  RunUntil([&] { return posted_.size() == 5; });
}

TEST_F(HttpProcessorClientTest, DestroyedWithTransfersInFlight) {
  Start(Options());
  for (uint64_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(client_->Post(Request(i), i));
    ASSERT_EQ(client_->Lookup(Request(i).payment.id, 0, i), i < 4);
  }
  RunUntil([&] { return server_.requests().size() == 24; });
  client_.reset();
  RunUntil([&] {
    for (const auto& each : server_.connections()) {
      if (each->open()) return false;
    }
    return true;
  });
  EXPECT_TRUE(posted_.empty());
  EXPECT_TRUE(looked_up_.empty());
}

TEST_F(HttpProcessorClientTest, DestroyedBeforeAnythingRan) {
  Start(Options());
  ASSERT_TRUE(client_->Post(Request(), 1));
  client_.reset();
  loop_.RunOnce(0);
  EXPECT_EQ(server_.bytes(), 0U);
}

// ---- Look-ups ----

constexpr const char* kFoundBody =
    "{\"correlationId\":\"00000000-0000-0007-0000-000000000001\",\"amount\":19.90,"
    "\"requestedAt\":\"2025-07-15T12:34:56.12\"}";

TEST_F(HttpProcessorClientTest, LookupFinds) {
  Start(Options());
  server_.on_request = [](Connection& connection, std::string_view) {
    connection.Send(With("200 OK", kFoundBody));
  };
  const LookupResult result = LookupOne();
  EXPECT_EQ(result.outcome, LookupOutcome::kFound);
  EXPECT_EQ(result.payment, Request().payment);
  EXPECT_EQ(result.requested_at_ms, 1'752'582'896'120);
  EXPECT_TRUE(server_.requests().at(0).starts_with(
      "GET /payments/00000000-0000-0007-0000-000000000001 HTTP/1.1\r\n"));
}

TEST_F(HttpProcessorClientTest, LookupOutcomes) {
  const std::pair<std::string, LookupOutcome> rows[] = {
      {Empty("404 Not Found"), LookupOutcome::kAbsent},
      {Head("404 Not Found") + "Content-Le", LookupOutcome::kUnclear},
      {Empty("429 Too Many Requests"), LookupOutcome::kUnclear},
      {Empty("500 Internal Server Error"), LookupOutcome::kUnclear},
      {Empty("200 OK"), LookupOutcome::kUnclear},
      {With("200 OK", "{}"), LookupOutcome::kUnclear},
      {With("200 OK", std::string(kFoundBody) + std::string(2000, ' ')), LookupOutcome::kUnclear},
      {Head("200 OK") + "\r\n" + kFoundBody, LookupOutcome::kUnclear},
      {With("200 OK",
            "{\"correlationId\":\"00000000-0000-0007-0000-000000000002\","
            "\"amount\":19.90,\"requestedAt\":\"2025-07-15T12:34:56.12\"}"),
       LookupOutcome::kUnclear},
      {"", LookupOutcome::kUnclear},
  };
  Start(Options());
  uint64_t cookie = 0;
  for (const auto& [answer, outcome] : rows) {
    server_.on_request = [&text = answer](Connection& connection, std::string_view) {
      connection.Send(text);
      connection.Close();
    };
    EXPECT_EQ(LookupOne(++cookie).outcome, outcome) << answer;
  }
}

// The forwarder takes a found payment for the one that it asked for, and an amount that differs for
// a conflict: so nothing is found but in an answer that is wholly understood, about the same id.
TEST_F(HttpProcessorClientTest, AnAnswerAboutAnotherPaymentOrHalfUnderstoodIsUnclear) {
  const std::string mine = R"("correlationId":"00000000-0000-0007-0000-000000000001")";
  const std::string other = R"("correlationId":"00000000-0000-0007-0000-000000000002")";
  const std::string time = R"("requestedAt":"2025-07-15T12:34:56.12")";
  const std::string amount = R"("amount":19.90)";
  const auto found = [](const std::string& a, const std::string& b, const std::string& c) {
    return With("200 OK", "{" + a + "," + b + "," + c + "}");
  };
  const std::pair<std::string, LookupOutcome> rows[] = {
      {found(mine, R"("kind":"amount","fee":0.99,"amount":19.90)", time), LookupOutcome::kFound},
      {found(R"("of":{)" + other + "}," + mine, amount, time), LookupOutcome::kFound},
      {found(other, amount, time), LookupOutcome::kUnclear},
      {found(other, amount + ",\"of\":{" + mine + "}", time), LookupOutcome::kUnclear},
      {found(mine, other + "," + amount, time), LookupOutcome::kUnclear},
      {found(mine, mine + "," + amount, time), LookupOutcome::kUnclear},
      {found(mine, amount + "," + amount, time), LookupOutcome::kUnclear},
      {found(mine, R"("amount":19.904)", time), LookupOutcome::kUnclear},
      {found(mine, R"("amount":"19.90")", time), LookupOutcome::kUnclear},
      {found(mine, amount, R"("requestedAt":"9999-01-01T00:00:00Z")"), LookupOutcome::kUnclear},
      {found(mine, amount, R"("requestedAt":null)"), LookupOutcome::kUnclear},
      {With("200 OK", std::string(kFoundBody) + kFoundBody), LookupOutcome::kUnclear},
      {With("200 OK", std::string(kFoundBody) + "x"), LookupOutcome::kUnclear},
  };
  Start(Options());
  uint64_t cookie = 0;
  for (const auto& [answer, outcome] : rows) {
    server_.on_request = [&text = answer](Connection& connection, std::string_view) {
      connection.Send(text);
    };
    const LookupResult result = LookupOne(++cookie);
    EXPECT_EQ(result.outcome, outcome) << answer;
    if (outcome != LookupOutcome::kFound) continue;
    EXPECT_EQ(result.payment, Request().payment) << answer;
  }
}

}  // namespace
}  // namespace tollgate::upstream
