#include "tollgate/http/request_parser.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "http/characters.h"
#include "http/lines.h"

namespace tollgate::http {
namespace {

constexpr size_t kEmptyLinesMax = 2;  // before a request line (RFC 9112 section 2.2)
constexpr size_t kChunkLineBytesMax = 256;

Method MethodOf(std::string_view name) {
  struct Known {
    std::string_view name;
    Method method;
  };
  static constexpr std::array<Known, 7> kMethods{{{"POST", Method::kPost},
                                                  {"GET", Method::kGet},
                                                  {"HEAD", Method::kHead},
                                                  {"PUT", Method::kPut},
                                                  {"DELETE", Method::kDelete},
                                                  {"OPTIONS", Method::kOptions},
                                                  {"PATCH", Method::kPatch}}};
  for (const Known& known : kMethods) {
    if (known.name == name) return known.method;
  }
  return Method::kOther;
}

}  // namespace

void RequestParser::Reset() {
  const ParserLimits limits = limits_;
  this->~RequestParser();
  new (this) RequestParser(limits);
}

ParseStatus RequestParser::Bad(int status, std::string_view detail) {
  error_status_ = status;
  error_detail_ = detail;
  status_ = ParseStatus::kBad;
  return status_;
}

ParseStatus RequestParser::Parse(char* data, size_t size) {
  if (status_ == ParseStatus::kBad || stage_ == Stage::kDone) return status_;
  status_ = ParseStatus::kNeedMore;
  if (stage_ == Stage::kHead) {
    if (!FindHeadEnd(data, size) || !ParseHead(data)) return status_;
    headers_done_ = true;
    body_start_ = scan_ = head_end_;
    stage_ = chunked_ ? Stage::kChunkSize : Stage::kBody;
  } else {
    // The bytes may have moved, so the views of the head are built again.
    if (!ParseHead(data)) return status_;
  }
  const ParseStatus status = chunked_ ? ParseChunks(data, size) : ParseBody(data, size);
  if (status == ParseStatus::kNeedMore && expects_continue_ && !said_continue_ &&
      size == head_end_) {
    said_continue_ = true;
    return ParseStatus::kNeedContinue;
  }
  return status;
}

// Looks for the empty line. Every line ends in CRLF. A lone LF or CR is an error, because another
// parser may see a line end where this one does not.
bool RequestParser::FindHeadEnd(const char* data, size_t size) {
  while (scan_ < size) {
    const auto* const feed =
        static_cast<const char*>(std::memchr(data + scan_, '\n', size - scan_));
    if (feed == nullptr) {
      scan_ = size;
      break;
    }
    const auto at = static_cast<size_t>(feed - data);
    if (at == line_start_ || data[at - 1] != '\r') {
      return Bad(400, "a line must end in CR LF"), false;
    }
    const bool empty = at - line_start_ == 1;
    scan_ = at + 1;
    if (empty && lines_ == 0) {
      start_ = line_start_ = scan_;
      if (start_ > 2 * kEmptyLinesMax) return Bad(400, "empty lines before the request"), false;
      continue;
    }
    line_start_ = scan_;
    if (empty) {
      head_end_ = scan_;
      if (head_end_ - start_ > limits_.header_bytes_max) break;
      return true;
    }
    if (++lines_ > limits_.header_lines_max + 1) {
      return Bad(431, "too many header lines"), false;
    }
  }
  if (scan_ - start_ > limits_.header_bytes_max) {
    Bad(431, "the header section is too large");
  }
  return false;
}

bool RequestParser::ParseHead(const char* data) {
  const char* line = data + start_;
  const char* const end = data + head_end_ - 2;  // the empty line
  const auto next = [&] {
    const auto* const feed =
        static_cast<const char*>(std::memchr(line, '\n', static_cast<size_t>(end - line)));
    const std::string_view text(line, static_cast<size_t>(feed - 1 - line));
    line = feed + 1;
    return text;
  };
  const bool again = headers_done_;
  if (!ParseRequestLine(next())) return false;
  request_.header_lines = {line, static_cast<size_t>(end - line)};
  if (again) return true;
  while (line != end) {
    if (!ParseFieldLine(next())) return false;
  }
  return CheckFraming();
}

bool RequestParser::ParseRequestLine(std::string_view line) {
  // RFC 9112 section 3: method SP request-target SP HTTP-version, single spaces.
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == 0 || first == last) {
    return Bad(400, "the request line must be a method, a target and a version"), false;
  }
  const std::string_view method = line.substr(0, first);
  if (!AllOf(method, kToken)) return Bad(400, "the method has invalid characters"), false;
  request_.method = MethodOf(method);
  return ParseVersion(line.substr(last + 1)) &&
         ParseTarget(line.substr(first + 1, last - first - 1));
}

bool RequestParser::ParseVersion(std::string_view version) {
  if (version == "HTTP/1.1") {
    request_.http10 = false;
  } else if (version == "HTTP/1.0") {
    request_.http10 = true;
  } else {
    const bool shaped = version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.';
    if (shaped && version[5] >= '0' && version[5] <= '9' && version[7] >= '0' &&
        version[7] <= '9') {
      return Bad(505, "HTTP/1.1 and HTTP/1.0 are spoken here"), false;
    }
    return Bad(400, "the request line does not end in an HTTP version"), false;
  }
  return true;
}

bool RequestParser::ParseTarget(std::string_view target) {
  if (target.empty() || !AllOf(target, kTarget)) {
    return Bad(400, "the target has invalid characters"), false;
  }
  if (target.front() != '/' && target != "*") {
    // RFC 9112 section 3.2.2: an absolute form is accepted. Its authority is ignored.
    const size_t scheme = target.find("://");
    if (scheme == std::string_view::npos) {
      return Bad(400, "the target must begin with a slash"), false;
    }
    const size_t slash = target.find_first_of("/?", scheme + 3);
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  const size_t mark = target.find('?');
  request_.path = target.substr(0, mark);
  request_.query = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
  return true;
}

bool RequestParser::ParseFieldLine(std::string_view line) {
  FieldLine field;
  const std::string_view problem = ReadFieldLine(line, field);
  if (!problem.empty()) return Bad(400, problem), false;
  return UseField(field.name, field.value);
}

// Uses the fields that framing needs. Their names differ in length, so most other fields cost one
// switch.
bool RequestParser::UseField(std::string_view name, std::string_view value) {
  switch (name.size()) {
    case 4:
      if (!EqualsIgnoringCase(name, "host")) return true;
      if (has_host_) return Bad(400, "Host must stand once"), false;
      has_host_ = true;
      if (!AllOf(value, kHost)) return Bad(400, "Host has invalid characters"), false;
      return true;
    case 6:
      if (!EqualsIgnoringCase(name, "expect")) return true;
      if (!EqualsIgnoringCase(value, "100-continue")) {
        return Bad(417, "the only expectation met here is 100-continue"), false;
      }
      expects_continue_ = true;
      return true;
    case 10:
      return !EqualsIgnoringCase(name, "connection") || UseConnection(value);
    case 14:
      return !EqualsIgnoringCase(name, "content-length") || UseContentLength(value);
    case 17:
      if (!EqualsIgnoringCase(name, "transfer-encoding")) return true;
      if (chunked_ || !EqualsIgnoringCase(value, "chunked")) {
        return Bad(chunked_ ? 400 : 501, "the only transfer coding taken is chunked, once"), false;
      }
      chunked_ = true;
      return true;
    default:
      return true;
  }
}

bool RequestParser::UseContentLength(std::string_view value) {
  if (has_content_length_) return Bad(400, "Content-Length must stand once"), false;
  has_content_length_ = true;
  if (value.empty()) return Bad(400, "Content-Length must be a number"), false;
  uint64_t length = 0;
  for (const char c : value) {
    if (c < '0' || c > '9') return Bad(400, "Content-Length must be a number"), false;
    if (length > UINT64_MAX / 10 - 9) return Bad(400, "Content-Length is too large"), false;
    length = length * 10 + static_cast<uint64_t>(c - '0');
  }
  content_length_ = length;
  return true;
}

bool RequestParser::UseConnection(std::string_view value) {
  while (!value.empty()) {
    const size_t comma = value.find(',');
    const std::string_view option = Trim(value.substr(0, comma));
    if (EqualsIgnoringCase(option, "close")) connection_close_ = true;
    if (EqualsIgnoringCase(option, "keep-alive")) connection_keep_alive_ = true;
    if (comma == std::string_view::npos) break;
    value.remove_prefix(comma + 1);
  }
  return true;
}

// RFC 9112 sections 3.2 and 6.
bool RequestParser::CheckFraming() {
  if (!request_.http10 && !has_host_) return Bad(400, "Host is missing"), false;
  if (chunked_ && request_.http10) {
    return Bad(400, "HTTP/1.0 has no Transfer-Encoding"), false;
  }
  if (chunked_ && has_content_length_) {
    return Bad(400, "Content-Length beside Transfer-Encoding"), false;
  }
  if (content_length_ > limits_.body_bytes_max) return Bad(413, "the body is too large"), false;
  if (request_.http10) expects_continue_ = false;
  request_.keep_alive =
      request_.http10 ? connection_keep_alive_ && !connection_close_ : !connection_close_;
  return true;
}

ParseStatus RequestParser::ParseBody(char* data, size_t size) {
  const auto length = static_cast<size_t>(content_length_);
  if (size - body_start_ < length) return status_;
  request_.body = {data + body_start_, length};
  consumed_ = body_start_ + length;
  stage_ = Stage::kDone;
  status_ = ParseStatus::kReady;
  return status_;
}

bool RequestParser::NextLine(const char* data, size_t size, size_t line_bytes_max, int status,
                             std::string_view& line) {
  const char* const from = data + scan_;
  const auto* const feed =
      static_cast<const char*>(std::memchr(from + searched_, '\n', size - scan_ - searched_));
  const size_t length = feed == nullptr ? size - scan_ : static_cast<size_t>(feed - from);
  if (length > line_bytes_max) {
    return Bad(status, "a line of the chunked body is too long, or its trailers together"), false;
  }
  searched_ = feed == nullptr ? length : 0;
  if (feed == nullptr) return false;
  if (length == 0 || feed[-1] != '\r') return Bad(400, "a line must end in CR LF"), false;
  line = {from, length - 1};
  scan_ += length + 1;
  return true;
}

bool RequestParser::ParseChunkLine(std::string_view line) {
  ChunkLine chunk;
  const std::string_view problem = ReadChunkLine(line, chunk);
  if (!problem.empty()) return Bad(400, problem), false;
  if (body_bytes_ + chunk.chunk_bytes > limits_.body_bytes_max) {
    return Bad(413, "the body is too large"), false;
  }
  extension_bytes_ += chunk.extension_bytes;
  if (extension_bytes_ > limits_.header_bytes_max) {
    return Bad(413, "the chunk extensions are too large"), false;
  }
  chunk_left_ = chunk.chunk_bytes;
  return true;
}

// Checks a trailer like a header line, then drops it. Fields that frame the message are not allowed
// in trailers (RFC 9110 section 6.5.1).
bool RequestParser::ParseTrailer(std::string_view line) {
  FieldLine field;
  const std::string_view problem = ReadFieldLine(line, field);
  if (!problem.empty()) return Bad(400, problem), false;
  for (const std::string_view name : {"content-length", "transfer-encoding", "host"}) {
    if (EqualsIgnoringCase(field.name, name)) {
      return Bad(400, "a trailer must not be a field that frames or routes the request"), false;
    }
  }
  if (++trailer_lines_ > limits_.header_lines_max) return Bad(431, "too many trailers"), false;
  return true;
}

// Moves the chunks' data together in place, directly after the head.
ParseStatus RequestParser::ParseChunks(char* data, size_t size) {
  std::string_view line;
  for (;;) {
    switch (stage_) {
      case Stage::kChunkSize:
        if (!NextLine(data, size, kChunkLineBytesMax, 400, line) || !ParseChunkLine(line)) {
          return status_;
        }
        stage_ = chunk_left_ == 0 ? Stage::kTrailers : Stage::kChunkData;
        break;
      case Stage::kChunkData: {
        const size_t here = std::min(chunk_left_, size - scan_);
        std::memmove(data + body_start_ + body_bytes_, data + scan_, here);
        body_bytes_ += here;
        scan_ += here;
        chunk_left_ -= here;
        if (chunk_left_ != 0) return status_;
        stage_ = Stage::kChunkEnd;
        break;
      }
      case Stage::kChunkEnd:
        if (size - scan_ < 2) return status_;
        if (data[scan_] != '\r' || data[scan_ + 1] != '\n') {
          return Bad(400, "a chunk is longer than its size");
        }
        scan_ += 2;
        stage_ = Stage::kChunkSize;
        break;
      case Stage::kTrailers: {
        const size_t before = scan_;
        // The empty line that ends the trailers always has room.
        const size_t most = limits_.header_bytes_max - trailer_bytes_ + 1;
        if (!NextLine(data, size, most, 431, line)) return status_;
        if (line.empty()) return ChunksDone(data);
        trailer_bytes_ += scan_ - before;
        if (trailer_bytes_ > limits_.header_bytes_max) {
          return Bad(431, "the trailers are too large");
        }
        if (!ParseTrailer(line)) return status_;
        break;
      }
      case Stage::kHead:
      case Stage::kBody:
      case Stage::kDone:
        return status_;
    }
  }
}

ParseStatus RequestParser::ChunksDone(const char* data) {
  request_.body = {data + body_start_, body_bytes_};
  consumed_ = scan_;
  stage_ = Stage::kDone;
  status_ = ParseStatus::kReady;
  return status_;
}

size_t RequestParser::DropFraming(char* data, size_t size) {
  const bool in_chunks = stage_ == Stage::kChunkSize || stage_ == Stage::kChunkData ||
                         stage_ == Stage::kChunkEnd || stage_ == Stage::kTrailers;
  if (status_ != ParseStatus::kNeedMore || !in_chunks) return size;
  const size_t kept = body_start_ + body_bytes_;
  const size_t unread = size - scan_;
  std::memmove(data + kept, data + scan_, unread);
  scan_ = kept;
  return kept + unread;
}

std::string_view FindHeader(const Request& request, std::string_view name) {
  std::string_view rest = request.header_lines;
  while (!rest.empty()) {
    const size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 2);
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos && EqualsIgnoringCase(line.substr(0, colon), name)) {
      return Trim(line.substr(colon + 1));
    }
  }
  return {};
}

}  // namespace tollgate::http
