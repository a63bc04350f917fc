// What each answer of a processor proves.
#include <gtest/gtest.h>

#include <string>

#include "tests/upstream/client_fixture.h"

namespace tollgate::upstream {
namespace {

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

}  // namespace
}  // namespace tollgate::upstream
