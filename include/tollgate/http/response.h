// Responses: constant ones are rendered once at start-up, others are written into a buffer.
//
// Thread: value types and pure functions. Any thread may read a rendered response.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tollgate::http {

// RFC 9110 section 15. Empty for a status that Tollgate never sends.
std::string_view ReasonPhrase(int status);

struct ResponseHead {
  int status = 200;
  std::string_view content_type;   // empty: no Content-Type (and no body)
  std::string_view extra_headers;  // complete lines, each with CRLF: "Allow: POST\r\n"
  bool close = false;              // adds "Connection: close"
  bool keep_alive_http10 = false;  // adds "Connection: keep-alive" for a 1.0 client that asked
};

// Appends status line, fields, Content-Length and `body`. With `head_only` (HEAD) it leaves out the
// body but keeps the length. A status without content (1xx, 204, 304) gets neither.
void AppendResponse(std::string& out, const ResponseHead& head, std::string_view body,
                    bool head_only = false);

// An RFC 9457 problem: {"type":"about:blank","title":"Bad Request","status":400,"detail":"…"}.
std::string ProblemBody(int status, std::string_view detail);
inline constexpr std::string_view kProblemType = "application/problem+json";

// A constant response in the forms that a connection may need.
class StaticResponse {
 public:
  StaticResponse(int status, std::string_view content_type, std::string_view body,
                 std::string_view extra_headers = {});
  static StaticResponse Problem(int status, std::string_view detail,
                                std::string_view extra_headers = {});
  std::string_view keep_alive() const { return keep_alive_; }
  std::string_view closing() const { return closing_; }
  // The views are valid as long as this object exists and is not moved.
  ResponseHead head() const;
  std::string_view body() const { return body_; }
  int status() const { return status_; }

 private:
  int status_;
  std::string content_type_, extra_headers_, body_;
  std::string keep_alive_, closing_;
};

}  // namespace tollgate::http
