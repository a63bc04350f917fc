#include "upstream/answer.h"

#include <strings.h>

#include <algorithm>

namespace tollgate::upstream {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// RFC 9112 section 4: "HTTP/1.x SP 3DIGIT", then SP or the end of the line.
int ParseStatusLine(std::string_view line) {
  constexpr std::string_view kVersion = "HTTP/1.";
  constexpr size_t kCodeAt = kVersion.size() + 2;
  constexpr size_t kCodeEnd = kCodeAt + 3;
  if (line.size() <= kCodeEnd || !line.starts_with(kVersion) || line.back() != '\n') return 0;
  if (!IsDigit(line[kVersion.size()]) || line[kCodeAt - 1] != ' ') return 0;
  int status = 0;
  for (size_t i = kCodeAt; i < kCodeEnd; ++i) {
    if (!IsDigit(line[i])) return 0;
    status = status * 10 + (line[i] - '0');
  }
  const char after = line[kCodeEnd];
  const bool ended = after == ' ' || after == '\r' || after == '\n';
  return ended && status >= 100 && status <= 599 ? status : 0;
}

bool HasName(std::string_view line, std::string_view name) {
  return line.size() > name.size() && line[name.size()] == ':' &&
         ::strncasecmp(line.data(), name.data(), name.size()) == 0;
}

}  // namespace

void Answer::Reset() {
  status_ = 0;
  interim_status_ = 0;
  in_headers_ = false;
  headers_whole_ = false;
  framed_ = false;
  body_too_large_ = false;
  retry_after_ = {};
  body_bytes_ = 0;
}

bool Answer::OnLine(std::string_view line) {
  if (headers_whole_) return true;  // a trailer
  if (!in_headers_) return OnStatusLine(line);
  if (line == "\r\n" || line == "\n") {
    in_headers_ = false;
    headers_whole_ = status_ != 0;  // after a 1xx the next status line follows
  } else if (HasName(line, "content-length") || HasName(line, "transfer-encoding")) {
    framed_ = true;
  } else if (constexpr std::string_view kRetryAfter = "retry-after"; HasName(line, kRetryAfter)) {
    retry_after_ = ParseRetryAfter(line.substr(kRetryAfter.size() + 1));
  }
  return true;
}

bool Answer::OnStatusLine(std::string_view line) {
  const int status = ParseStatusLine(line);
  if (status == 0) return false;
  in_headers_ = true;
  framed_ = false;
  retry_after_ = {};
  (status >= 200 ? status_ : interim_status_) = status;
  return true;
}

bool Answer::OnBody(std::string_view part) {
  const size_t kept = std::min(part.size(), body_.size() - body_bytes_);
  std::copy_n(part.data(), kept, body_.data() + body_bytes_);
  body_bytes_ += kept;
  if (kept < part.size()) body_too_large_ = true;
  return !body_too_large_;
}

}  // namespace tollgate::upstream
