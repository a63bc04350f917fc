#include "bench/load/answer.h"

#include <strings.h>

#include <charconv>

namespace tollgate::bench {
namespace {

// Of the field lines; nothing without a Content-Length means no body. -1: not a number.
ssize_t BodyBytes(std::string_view head) {
  constexpr std::string_view kName = "\ncontent-length:";
  for (size_t at = head.find('\n'); at != std::string_view::npos; at = head.find('\n', at + 1)) {
    const std::string_view line = head.substr(at);
    if (line.size() < kName.size()) return 0;
    if (::strncasecmp(line.data(), kName.data(), kName.size()) != 0) continue;
    const size_t digits = line.find_first_not_of(' ', kName.size());
    if (digits == std::string_view::npos) return -1;
    ssize_t bytes = -1;
    std::from_chars(line.data() + digits, line.data() + line.size(), bytes);
    return bytes;
  }
  return 0;
}

int StatusOf(std::string_view head) {
  constexpr size_t kBehindVersion = 9;  // "HTTP/1.1 "
  int status = -1;
  if (!head.starts_with("HTTP/1.1 ")) return -1;
  std::from_chars(head.data() + kBehindVersion, head.data() + kBehindVersion + 3, status);
  return status;
}

}  // namespace

Answer AnswerReader::Read(std::string_view input) {
  if (!last_.empty() && input == last_) return {last_status_, last_.size()};
  const size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) return {};
  const std::string_view head = input.substr(0, end + 4);
  const int status = StatusOf(head);
  const ssize_t body_bytes = BodyBytes(head);
  if (status < 100 || body_bytes < 0) return {-1, 0};
  const size_t bytes = head.size() + static_cast<size_t>(body_bytes);
  if (input.size() < bytes) return {};
  last_ = input.substr(0, bytes);
  last_status_ = status;
  return {status, bytes};
}

}  // namespace tollgate::bench
