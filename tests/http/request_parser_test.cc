#include "tollgate/http/request_parser.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace tollgate::http {
namespace {

constexpr ParserLimits kSmall{.header_bytes_max = 512, .header_lines_max = 5, .body_bytes_max = 64};

struct Seen {
  int status = 0;  // 0: ready, -1: more bytes are needed, else the error
  std::string path, query, body;
  bool keep_alive = false;
  size_t consumed = 0;
  bool operator==(const Seen&) const = default;
};

// `content` in memory that ends at a guard page, so a read beyond it crashes. The next call uses
// the same memory.
char* Guarded(const std::string& content) {
  constexpr size_t kBytes = 256 * 1024;
  static char* const end = [] {
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    void* const base =
        ::mmap(nullptr, kBytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ::mprotect(static_cast<char*>(base) + kBytes, page, PROT_NONE);
    return static_cast<char*>(base) + kBytes;
  }();
  char* const data = end - content.size();
  std::memcpy(data, content.data(), content.size());
  return data;
}

Seen SeenBy(const RequestParser& parser, ParseStatus status) {
  Seen seen;
  if (status == ParseStatus::kReady) {
    const Request& request = parser.request();
    seen = {0,
            std::string(request.path),
            std::string(request.query),
            std::string(request.body),
            request.keep_alive,
            parser.consumed()};
  } else {
    seen.status = status == ParseStatus::kBad ? parser.error_status() : -1;
  }
  return seen;
}

bool WantsMore(ParseStatus status) {
  return status == ParseStatus::kNeedMore || status == ParseStatus::kNeedContinue;
}

// Parses the input in two pieces, split at `cut`.
Seen Parse(const std::string& input, size_t cut) {
  char* const data = Guarded(input);
  RequestParser parser(kSmall);
  ParseStatus status = ParseStatus::kNeedMore;
  if (cut > 0) status = parser.Parse(data, cut);
  if (WantsMore(status)) status = parser.Parse(data, input.size());
  return SeenBy(parser, status);
}

// Parses the input in pieces of `step`, and drops the framing that was read after each.
Seen ParseDropping(const std::string& input, size_t step, size_t* held_max = nullptr,
                   const ParserLimits& limits = kSmall) {
  RequestParser parser(limits);
  ParseStatus status = ParseStatus::kNeedMore;
  std::string held;
  size_t dropped = 0;
  for (size_t at = 0; at < input.size() && WantsMore(status); at += step) {
    held += input.substr(at, step);
    if (held_max != nullptr) *held_max = std::max(*held_max, held.size());
    char* const data = Guarded(held);
    status = parser.Parse(data, held.size());
    if (!WantsMore(status)) {
      Seen seen = SeenBy(parser, status);
      if (seen.status == 0) seen.consumed += dropped;
      return seen;
    }
    const size_t left = parser.DropFraming(data, held.size());
    dropped += held.size() - left;
    held.assign(data, left);
  }
  return SeenBy(parser, status);
}

struct Case {
  std::string name;
  std::string input;
  int status;
  std::string path = {}, query = {}, body = {};
};

std::string Repeated(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

std::vector<Case> Cases() {
  const std::string host = "Host: a\r\n";
  const auto post = [&](const std::string& fields, const std::string& rest) {
    return "POST /p HTTP/1.1\r\n" + host + fields + "\r\n" + rest;
  };
  const auto chunks = [&](const std::string& rest) {
    return post("Transfer-Encoding: chunked\r\n", rest);
  };
  return {
      {"get", "GET /a?b=c HTTP/1.1\r\n" + host + "\r\n", 0, "/a", "b=c"},
      {"post", post("Content-Length: 3\r\n", "abc"), 0, "/p", "", "abc"},
      {"chunked", post("Transfer-Encoding: chunked\r\n", "2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n"), 0,
       "/p", "", "abc"},
      {"trailers", post("Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\nX: y\r\n\r\n"), 0, "/p",
       "", "a"},
      {"empty lines before", "\r\n\r\nGET / HTTP/1.1\r\n" + host + "\r\n", 0, "/"},
      {"absolute form", "GET http://x/y?z HTTP/1.1\r\n" + host + "\r\n", 0, "/y", "z"},
      {"asterisk", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 0, "*"},
      {"1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 0, "/"},
      {"mixed case names", post("cOnTeNt-LeNgTh:1\r\n", "x"), 0, "/p", "", "x"},
      {"value with tabs", post("X:\t a \t\r\nContent-Length: 0\r\n", ""), 0, "/p"},

      {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", "GET / HTTP/1.1\r\n" + host + host + "\r\n", 400},
      {"bad Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"bare LF at a field", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400},
      {"bare CR", "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400},
      {"space before colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
      {"folded line", "GET / HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n", 400},
      {"no colon", "GET / HTTP/1.1\r\n" + host + "X\r\n\r\n", 400},
      {"empty name", "GET / HTTP/1.1\r\n" + host + ": x\r\n\r\n", 400},
      {"control in value", std::string("GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n"), 400},
      {"NUL in value", "GET / HTTP/1.1\r\n" + host + "X: " + std::string(1, '\0') + "\r\n\r\n",
       400},
      {"NUL in target", "GET /" + std::string(1, '\0') + " HTTP/1.1\r\n" + host + "\r\n", 400},
      {"space in target", "GET /a b HTTP/1.1\r\n" + host + "\r\n", 400},
      {"no target", "GET HTTP/1.1\r\n" + host + "\r\n", 400},
      {"relative target", "GET a HTTP/1.1\r\n" + host + "\r\n", 400},
      {"bad method", "G(T / HTTP/1.1\r\n" + host + "\r\n", 400},
      {"no version", "GET /\r\n" + host + "\r\n", 400},
      {"version 2", "GET / HTTP/2.0\r\n" + host + "\r\n", 505},
      {"version text", "GET / HTTX/1.1\r\n" + host + "\r\n", 400},
      {"three empty lines before", "\r\n\r\n\r\nGET / HTTP/1.1\r\n" + host + "\r\n", 400},

      // Ways to hide one request in another.
      {"two lengths", post("Content-Length: 1\r\nContent-Length: 2\r\n", "ab"), 400},
      {"the same length twice", post("Content-Length: 1\r\nContent-Length: 1\r\n", "a"), 400},
      {"length list", post("Content-Length: 1, 1\r\n", "a"), 400},
      {"negative length", post("Content-Length: -1\r\n", ""), 400},
      {"plus length", post("Content-Length: +1\r\n", "a"), 400},
      {"hex length", post("Content-Length: 0x1\r\n", "a"), 400},
      {"empty length", post("Content-Length: \r\n", ""), 400},
      {"huge length", post("Content-Length: 99999999999999999999999\r\n", ""), 400},
      {"length and coding",
       post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"coding and length",
       post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400},
      {"two codings", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
      {"chunked twice",
       post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"other coding", post("Transfer-Encoding: identity\r\n", ""), 501},
      {"hidden coding",
       post("Transfer-Encoding: \x0b"
            "chunked\r\n",
            "0\r\n\r\n"),
       400},
      {"coding in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"bad chunk size", post("Transfer-Encoding: chunked\r\n", "x\r\n"), 400},
      {"spaced chunk size", post("Transfer-Encoding: chunked\r\n", " 1\r\na\r\n0\r\n\r\n"), 400},
      {"long chunk size", post("Transfer-Encoding: chunked\r\n", "000000001\r\na\r\n0\r\n\r\n"),
       400},
      {"chunk longer than its size", post("Transfer-Encoding: chunked\r\n", "1\r\nab\r\n0\r\n\r\n"),
       400},
      {"chunk line with bare LF", post("Transfer-Encoding: chunked\r\n", "1\na\r\n0\r\n\r\n"), 400},

      // Chunk extensions that follow the grammar, and others.
      {"extensions", chunks("1;a\r\na\r\n0;b=c;d=\"e;\\\"f\"\r\n\r\n"), 0, "/p", "", "a"},
      {"extensions with bad white space", chunks("1 ; a\t= b ;\tc\r\na\r\n0 ;d = \"\"\r\n\r\n"), 0,
       "/p", "", "a"},
      {"space behind the size", chunks("1 \r\na\r\n0\r\n\r\n"), 400},
      {"tab behind the size", chunks("1\t\r\na\r\n0\r\n\r\n"), 400},
      {"space behind the last size", chunks("1\r\na\r\n0 \r\n\r\n"), 400},
      {"no extension behind the semicolon", chunks("1;\r\na\r\n0\r\n\r\n"), 400},
      {"only a space behind the semicolon", chunks("1; \r\na\r\n0\r\n\r\n"), 400},
      {"two semicolons", chunks("1;;a\r\na\r\n0\r\n\r\n"), 400},
      {"a semicolon at the end", chunks("1;a;\r\na\r\n0\r\n\r\n"), 400},
      {"space behind an extension", chunks("1;a \r\na\r\n0\r\n\r\n"), 400},
      {"space behind an extension's value", chunks("1;a=b \r\na\r\n0\r\n\r\n"), 400},
      {"no value", chunks("1;a=\r\na\r\n0\r\n\r\n"), 400},
      {"no name", chunks("1;=b\r\na\r\n0\r\n\r\n"), 400},
      {"two values", chunks("1;a=b=c\r\na\r\n0\r\n\r\n"), 400},
      {"two words", chunks("1;a b\r\na\r\n0\r\n\r\n"), 400},
      {"a comma", chunks("1,a\r\na\r\n0\r\n\r\n"), 400},
      {"an open quote", chunks("1;a=\"b\r\na\r\n0\r\n\r\n"), 400},
      {"a quote that is escaped", chunks("1;a=\"b\\\"\r\na\r\n0\r\n\r\n"), 400},
      {"text behind a quote", chunks("1;a=\"b\"c\r\na\r\n0\r\n\r\n"), 400},
      {"a quoted name", chunks("1;\"a\"\r\na\r\n0\r\n\r\n"), 400},
      {"a control in a quote", chunks("1;a=\"\x01\"\r\na\r\n0\r\n\r\n"), 400},
      {"a bare CR in a quote", chunks("1;a=\"\r\"\r\na\r\n0\r\n\r\n"), 400},
      {"an extension without a size", chunks(";a\r\na\r\n0\r\n\r\n"), 400},
      {"no size", chunks("\r\na\r\n0\r\n\r\n"), 400},
      {"signed chunk size", chunks("+1\r\na\r\n0\r\n\r\n"), 400},
      {"prefixed chunk size", chunks("0x1\r\na\r\n0\r\n\r\n"), 400},
      {"an endless chunk line", chunks("1;" + std::string(300, 'a')), 400},
      {"endless extensions", chunks(Repeated("1;" + std::string(100, 'a') + "\r\na\r\n", 6)), 413},

      // Trailers must follow the rules of header lines.
      {"two trailers", chunks("0\r\nX: y\r\nZ:\r\n\r\n"), 0, "/p"},
      {"trailer without a colon", chunks("0\r\nX\r\n\r\n"), 400},
      {"space before a trailer's colon", chunks("0\r\nX-T : 1\r\n\r\n"), 400},
      {"folded trailer", chunks("0\r\nX: a\r\n b: c\r\n\r\n"), 400},
      {"trailer that begins with a tab", chunks("0\r\n\tX: a\r\n\r\n"), 400},
      {"trailer without a name", chunks("0\r\n: a\r\n\r\n"), 400},
      {"trailer with a bad name", chunks("0\r\nX(: a\r\n\r\n"), 400},
      {"control in a trailer", chunks("0\r\nX: \x01\r\n\r\n"), 400},
      {"bare CR in a trailer", chunks("0\r\nX: a\rb\r\n\r\n"), 400},
      {"bare LF in the trailers", chunks("0\r\nX: a\n\r\n"), 400},
      {"length as a trailer", chunks("0\r\ncontent-length: 0\r\n\r\n"), 400},
      {"coding as a trailer", chunks("0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
      {"host as a trailer", chunks("0\r\nHost: a\r\n\r\n"), 400},
      {"too many trailers", chunks("0\r\n" + Repeated("X: y\r\n", 6) + "\r\n"), 431},
      {"a trailer too large", chunks("0\r\nX: " + std::string(600, 'x')), 431},
      {"trailers too large",
       chunks("0\r\n" + Repeated("X: " + std::string(200, 'x') + "\r\n", 3) + "\r\n"), 431},

      {"body too large", post("Content-Length: 65\r\n", std::string(65, 'x')), 413},
      {"chunks too large",
       post("Transfer-Encoding: chunked\r\n",
            "40\r\n" + std::string(64, 'x') + "\r\n1\r\nx\r\n0\r\n\r\n"),
       413},
      {"too many lines",
       "GET / HTTP/1.1\r\n" + host + "A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\n\r\n", 431},
      {"header too large", "GET / HTTP/1.1\r\n" + host + "X: " + std::string(600, 'x') + "\r\n\r\n",
       431},
      {"endless header", "GET /" + std::string(600, 'x'), 431},
      {"other expectation", post("Expect: magic\r\nContent-Length: 1\r\n", "x"), 417},

      {"half a line", "GET / HT", -1},
      {"half a head", "GET / HTTP/1.1\r\nHost: a\r\n", -1},
      {"half a body", post("Content-Length: 3\r\n", "ab"), -1},
      {"half a chunk", post("Transfer-Encoding: chunked\r\n", "5\r\nab"), -1},
      {"no last chunk", post("Transfer-Encoding: chunked\r\n", "1\r\na\r\n"), -1},
  };
}

TEST(RequestParser, EveryCaseAtEverySplitPoint) {
  for (const Case& it : Cases()) {
    const Seen whole = Parse(it.input, 0);
    EXPECT_EQ(whole.status, it.status) << it.name;
    if (it.status == 0) {
      EXPECT_EQ(whole.path, it.path) << it.name;
      EXPECT_EQ(whole.query, it.query) << it.name;
      EXPECT_EQ(whole.body, it.body) << it.name;
      EXPECT_EQ(whole.consumed, it.input.size()) << it.name;
    }
    for (size_t cut = 1; cut < it.input.size(); ++cut) {
      ASSERT_EQ(Parse(it.input, cut), whole) << it.name << ", cut at " << cut;
    }
    for (size_t step = 1; step <= 8; ++step) {
      ASSERT_EQ(ParseDropping(it.input, step), whole) << it.name << ", in pieces of " << step;
    }
  }
}

// Limits apply to the content: framing is dropped as it is read.
TEST(RequestParser, ABodyOfOneByteChunksIsItsContent) {
  const ParserLimits limits;
  const std::string head = "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string most = Repeated("00000001\r\nx\r\n", limits.body_bytes_max);
  size_t held = 0;
  const Seen seen = ParseDropping(head + most + "0\r\n\r\n", 4000, &held, limits);
  EXPECT_EQ(seen.status, 0);
  EXPECT_EQ(seen.body.size(), limits.body_bytes_max);
  EXPECT_LE(held, head.size() + limits.body_bytes_max + 256 + 4000);
  EXPECT_EQ(ParseDropping(head + most + "1\r\nx\r\n0\r\n\r\n", 4000, nullptr, limits).status, 413);
}

TEST(RequestParser, NothingIsDroppedButReadFraming) {
  std::string input = "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab";
  RequestParser parser(kSmall);
  EXPECT_EQ(parser.DropFraming(input.data(), 10), 10U);
  ASSERT_EQ(parser.Parse(input.data(), input.size()), ParseStatus::kNeedMore);
  EXPECT_EQ(parser.DropFraming(input.data(), input.size()), input.size());
  input += "c";
  ASSERT_EQ(parser.Parse(input.data(), input.size()), ParseStatus::kReady);
  EXPECT_EQ(parser.DropFraming(input.data(), input.size()), input.size());
  EXPECT_EQ(parser.request().body, "abc");
}

TEST(RequestParser, KeepAliveByVersionAndConnection) {
  const auto keeps = [](const std::string& version, const std::string& connection) {
    std::string input = "GET / HTTP/" + version + "\r\nHost: a\r\n";
    if (!connection.empty()) input += "Connection: " + connection + "\r\n";
    return Parse(input + "\r\n", 0).keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_FALSE(keeps("1.1", "close"));
  EXPECT_FALSE(keeps("1.1", "x, Close"));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.0", "Keep-Alive"));
}

TEST(RequestParser, PipelinedRequestsFollowOneAnother) {
  std::string input;
  for (int i = 0; i < 5; ++i) {
    input += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n" +
             std::to_string(i);
  }
  RequestParser parser(kSmall);
  size_t at = 0;
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(parser.Parse(input.data() + at, input.size() - at), ParseStatus::kReady);
    EXPECT_EQ(parser.request().path, "/" + std::to_string(i));
    EXPECT_EQ(parser.request().body, std::to_string(i));
    at += parser.consumed();
    parser.Reset();
  }
  EXPECT_EQ(at, input.size());
}

TEST(RequestParser, ContinueIsAskedForOnceAndOnlyWithoutABody) {
  std::string input =
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  RequestParser parser(kSmall);
  EXPECT_EQ(parser.Parse(input.data(), input.size()), ParseStatus::kNeedContinue);
  EXPECT_EQ(parser.Parse(input.data(), input.size()), ParseStatus::kNeedMore);
  input += "ab";
  EXPECT_EQ(parser.Parse(input.data(), input.size()), ParseStatus::kReady);
}

TEST(RequestParser, FindHeaderIsCaseInsensitiveAndTrims) {
  std::string input = "GET / HTTP/1.1\r\nHost: a\r\nX-Token:  123 \r\n\r\n";
  RequestParser parser(kSmall);
  ASSERT_EQ(parser.Parse(input.data(), input.size()), ParseStatus::kReady);
  EXPECT_EQ(FindHeader(parser.request(), "x-token"), "123");
  EXPECT_EQ(FindHeader(parser.request(), "x-other"), "");
}

}  // namespace
}  // namespace tollgate::http
