// Answer: the received part of an HTTP/1 answer, parsed strictly line by line and kept in a fixed
// buffer. The lines come from AnswerReader or from curl. curl's own status is not used, because
// curl reads "HTTP/1.1 2000" as 200.
//
// Thread: one at a time.
// Invariants: status() is that of a whole final status line, or 0.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "upstream/retry_after.h"

namespace tollgate::upstream {

class Answer {
 public:
  static constexpr size_t kBodyBytesMax = 1024;

  void Reset();
  // One line with its line end, as CURLOPT_HEADERFUNCTION gets it. False: the answer is not valid.
  [[nodiscard]] bool OnLine(std::string_view line);
  // A part of the body. False: it is larger than any answer of a processor; read no further.
  [[nodiscard]] bool OnBody(std::string_view part);

  int status() const { return status_; }
  int interim_status() const { return interim_status_; }  // of the last 1xx, or 0
  bool headers_whole() const { return headers_whole_; }
  // Content-Length or chunks mark the end of the body, not the end of the connection.
  bool framed() const { return framed_; }
  // Of the final answer.
  const RetryAfter& retry_after() const { return retry_after_; }
  bool has_body() const { return body_bytes_ != 0; }
  bool body_too_large() const { return body_too_large_; }
  std::string_view body() const { return {body_.data(), body_bytes_}; }

 private:
  bool OnStatusLine(std::string_view line);

  int status_ = 0;
  int interim_status_ = 0;
  bool in_headers_ = false;
  bool headers_whole_ = false;
  bool framed_ = false;
  bool body_too_large_ = false;
  RetryAfter retry_after_;
  size_t body_bytes_ = 0;
  std::array<char, kBodyBytesMax> body_;
};

}  // namespace tollgate::upstream
