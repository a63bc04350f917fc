#include "tollgate/http/response.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace tollgate::http {
namespace {

std::string Render(const ResponseHead& head, std::string_view body, bool head_only = false) {
  std::string out;
  AppendResponse(out, head, body, head_only);
  return out;
}

TEST(ReasonPhrase, KnowsWhatTheGatewaySends) {
  EXPECT_EQ(ReasonPhrase(200), "OK");
  EXPECT_EQ(ReasonPhrase(202), "Accepted");
  EXPECT_EQ(ReasonPhrase(413), "Content Too Large");
  EXPECT_EQ(ReasonPhrase(431), "Request Header Fields Too Large");
  EXPECT_EQ(ReasonPhrase(505), "HTTP Version Not Supported");
}

TEST(ReasonPhrase, IsEmptyForTheUnknown) {
  for (const int status : {-1, 0, 99, 299, 418, 506, 1000}) EXPECT_EQ(ReasonPhrase(status), "");
}

TEST(AppendResponse, EmptyBodyHasALengthAndNoType) {
  EXPECT_EQ(Render({.status = 202}, ""), "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
}

TEST(AppendResponse, WritesTypeExtrasLengthAndBody) {
  const ResponseHead head{
      .status = 405, .content_type = "text/plain", .extra_headers = "Allow: POST\r\n"};
  EXPECT_EQ(Render(head, "no"),
            "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain\r\nAllow: POST\r\n"
            "Content-Length: 2\r\n\r\nno");
}

TEST(AppendResponse, HeadHasTheLengthButNoBody) {
  EXPECT_EQ(Render({.status = 200, .content_type = "text/plain"}, "hello", true),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
}

TEST(AppendResponse, SaysWhatBecomesOfTheConnection) {
  EXPECT_EQ(Render({.status = 200, .close = true}, ""),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(Render({.status = 200, .keep_alive_http10 = true}, ""),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(Render({.status = 200, .close = true, .keep_alive_http10 = true}, ""),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST(AppendResponse, NoContentMeansNoLengthAndNoBody) {
  EXPECT_EQ(Render({.status = 100}, ""), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(Render({.status = 204}, "x"), "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST(AppendResponse, AppendsBehindWhatIsThere) {
  std::string out = "before";
  AppendResponse(out, {.status = 200}, "a");
  EXPECT_EQ(out, "beforeHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
}

TEST(ProblemBody, IsJson) {
  EXPECT_EQ(ProblemBody(400, "amount: more than two decimal places"),
            R"({"type":"about:blank","title":"Bad Request","status":400,)"
            R"("detail":"amount: more than two decimal places"})");
  EXPECT_EQ(ProblemBody(404, ""), R"({"type":"about:blank","title":"Not Found","status":404})");
}

TEST(ProblemBody, EscapesTheDetail) {
  using namespace std::string_view_literals;
  EXPECT_EQ(ProblemBody(400, "a\"b\\c\n\0\x1f\xC3\xA9"sv),
            "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
            "\"detail\":\"a\\\"b\\\\c\\u000a\\u0000\\u001f\xC3\xA9\"}");
}

TEST(StaticResponse, HasBothForms) {
  const StaticResponse response(202, {}, {});
  EXPECT_EQ(response.keep_alive(), "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(response.closing(),
            "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(response.status(), 202);
}

TEST(StaticResponse, ProblemKeepsItsParts) {
  const StaticResponse response = StaticResponse::Problem(503, "full", "Retry-After: 1\r\n");
  EXPECT_EQ(response.body(), ProblemBody(503, "full"));
  EXPECT_EQ(response.head().content_type, kProblemType);
  EXPECT_EQ(response.head().extra_headers, "Retry-After: 1\r\n");
  EXPECT_EQ(response.keep_alive(), Render(response.head(), response.body()));
}

TEST(StaticResponse, SurvivesBeingMoved) {
  std::vector<StaticResponse> all;
  for (int i = 0; i < 9; ++i) all.emplace_back(200, "a/b", "c", "D: e\r\n");
  const StaticResponse moved = std::move(all.front());
  EXPECT_EQ(moved.head().content_type, "a/b");
  EXPECT_EQ(moved.head().extra_headers, "D: e\r\n");
}

}  // namespace
}  // namespace tollgate::http
