#include "tollgate/http/request_parser.h"

#include <algorithm>
#include <array>
#include <cstring>

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

bool RequestParser::Reject(int status, std::string_view detail) {
  state_.error_status = status;
  state_.error_detail = detail;
  state_.status = ParseStatus::kBad;
  return false;
}

ParseStatus RequestParser::Parse(char* data, size_t size) {
  if (state_.status == ParseStatus::kBad || state_.stage == Stage::kDone) return state_.status;
  state_.status = ParseStatus::kNeedMore;
  if (state_.stage == Stage::kHead) {
    if (!FindHeadEnd(data, size) || !ParseHead(data)) return state_.status;
    state_.headers_done = true;
    state_.body_start = state_.scan = state_.head_end;
    state_.stage = state_.chunked ? Stage::kChunkSize : Stage::kBody;
  } else {
    // The bytes may have moved, so the views of the head are built again.
    if (!ParseHead(data)) return state_.status;
  }
  const ParseStatus status = state_.chunked ? ParseChunks(data, size) : ParseBody(data, size);
  if (status == ParseStatus::kNeedMore && state_.expects_continue && !state_.said_continue &&
      size == state_.head_end) {
    state_.said_continue = true;
    return ParseStatus::kNeedContinue;
  }
  return status;
}

// Looks for the empty line. Every line ends in CRLF. A lone LF or CR is an error, because another
// parser may see a line end where this one does not.
bool RequestParser::FindHeadEnd(const char* data, size_t size) {
  while (state_.scan < size) {
    const auto* const feed =
        static_cast<const char*>(std::memchr(data + state_.scan, '\n', size - state_.scan));
    if (feed == nullptr) {
      state_.scan = size;
      break;
    }
    const auto at = static_cast<size_t>(feed - data);
    if (at == state_.line_start || data[at - 1] != '\r') {
      return Reject(400, "a line must end in CR LF");
    }
    const bool empty = at - state_.line_start == 1;
    state_.scan = at + 1;
    if (empty && state_.lines == 0) {
      state_.start = state_.line_start = state_.scan;
      if (state_.start > 2 * kEmptyLinesMax) return Reject(400, "empty lines before the request");
      continue;
    }
    state_.line_start = state_.scan;
    if (empty) {
      state_.head_end = state_.scan;
      if (state_.head_end - state_.start > limits_.header_bytes_max) break;
      return true;
    }
    if (++state_.lines > limits_.header_lines_max + 1) {
      return Reject(431, "too many header lines");
    }
  }
  if (state_.scan - state_.start > limits_.header_bytes_max) {
    return Reject(431, "the header section is too large");
  }
  return false;
}

bool RequestParser::ParseHead(const char* data) {
  const char* line = data + state_.start;
  const char* const end = data + state_.head_end - 2;  // the empty line
  const auto next = [&] {
    const auto* const feed =
        static_cast<const char*>(std::memchr(line, '\n', static_cast<size_t>(end - line)));
    const std::string_view text(line, static_cast<size_t>(feed - 1 - line));
    line = feed + 1;
    return text;
  };
  const bool again = state_.headers_done;
  if (!ParseRequestLine(next())) return false;
  state_.request.header_lines = {line, static_cast<size_t>(end - line)};
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
    return Reject(400, "the request line must be a method, a target and a version");
  }
  const std::string_view method = line.substr(0, first);
  if (!AllOf<kToken>(method)) return Reject(400, "the method has invalid characters");
  state_.request.method = MethodOf(method);
  return ParseVersion(line.substr(last + 1)) &&
         ParseTarget(line.substr(first + 1, last - first - 1));
}

bool RequestParser::ParseVersion(std::string_view version) {
  if (version == "HTTP/1.1") {
    state_.request.http10 = false;
  } else if (version == "HTTP/1.0") {
    state_.request.http10 = true;
  } else {
    const bool shaped = version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.';
    if (shaped && version[5] >= '0' && version[5] <= '9' && version[7] >= '0' &&
        version[7] <= '9') {
      return Reject(505, "HTTP/1.1 and HTTP/1.0 are spoken here");
    }
    return Reject(400, "the request line does not end in an HTTP version");
  }
  return true;
}

bool RequestParser::ParseTarget(std::string_view target) {
  if (target.empty() || !AllOf<kTarget>(target)) {
    return Reject(400, "the target has invalid characters");
  }
  if (target.front() != '/' && target != "*") {
    // RFC 9112 section 3.2.2: an absolute form is accepted. Its authority is ignored.
    const size_t scheme = target.find("://");
    if (scheme == std::string_view::npos) {
      return Reject(400, "the target must begin with a slash");
    }
    const size_t slash = target.find_first_of("/?", scheme + 3);
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  const size_t mark = target.find('?');
  state_.request.path = target.substr(0, mark);
  state_.request.query =
      mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
  return true;
}

bool RequestParser::ParseFieldLine(std::string_view line) {
  FieldLine field;
  const std::string_view problem = ReadFieldLine(line, field);
  if (!problem.empty()) return Reject(400, problem);
  return UseField(field.name, field.value);
}

// Uses the fields that framing needs. Their names differ in length, so most other fields cost one
// switch.
bool RequestParser::UseField(std::string_view name, std::string_view value) {
  switch (name.size()) {
    case 4:
      if (!IsNamed(name, "host")) return true;
      if (state_.has_host) return Reject(400, "Host must stand once");
      state_.has_host = true;
      if (!AllOf<kHost>(value)) return Reject(400, "Host has invalid characters");
      return true;
    case 6:
      if (!IsNamed(name, "expect")) return true;
      if (!EqualsIgnoringCase(value, "100-continue")) {
        return Reject(417, "the only expectation met here is 100-continue");
      }
      state_.expects_continue = true;
      return true;
    case 10:
      return !IsNamed(name, "connection") || UseConnection(value);
    case 14:
      return !IsNamed(name, "content-length") || UseContentLength(value);
    case 17:
      if (!IsNamed(name, "transfer-encoding")) return true;
      if (state_.chunked || !EqualsIgnoringCase(value, "chunked")) {
        return Reject(state_.chunked ? 400 : 501,
                      "the only transfer coding taken is chunked, once");
      }
      state_.chunked = true;
      return true;
    default:
      return true;
  }
}

bool RequestParser::UseContentLength(std::string_view value) {
  if (state_.has_content_length) return Reject(400, "Content-Length must stand once");
  state_.has_content_length = true;
  if (value.empty()) return Reject(400, "Content-Length must be a number");
  uint64_t length = 0;
  for (const char c : value) {
    if (c < '0' || c > '9') return Reject(400, "Content-Length must be a number");
    if (length > UINT64_MAX / 10 - 9) return Reject(400, "Content-Length is too large");
    length = length * 10 + static_cast<uint64_t>(c - '0');
  }
  state_.content_length = length;
  return true;
}

bool RequestParser::UseConnection(std::string_view value) {
  while (!value.empty()) {
    const size_t comma = value.find(',');
    const std::string_view option = Trim(value.substr(0, comma));
    if (EqualsIgnoringCase(option, "close")) state_.connection_close = true;
    if (EqualsIgnoringCase(option, "keep-alive")) state_.connection_keep_alive = true;
    if (comma == std::string_view::npos) break;
    value.remove_prefix(comma + 1);
  }
  return true;
}

// RFC 9112 sections 3.2 and 6.
bool RequestParser::CheckFraming() {
  if (!state_.request.http10 && !state_.has_host) return Reject(400, "Host is missing");
  if (state_.chunked && state_.request.http10) {
    return Reject(400, "HTTP/1.0 has no Transfer-Encoding");
  }
  if (state_.chunked && state_.has_content_length) {
    return Reject(400, "Content-Length beside Transfer-Encoding");
  }
  if (state_.content_length > limits_.body_bytes_max) return Reject(413, "the body is too large");
  if (state_.request.http10) state_.expects_continue = false;
  state_.request.keep_alive = state_.request.http10
                                  ? state_.connection_keep_alive && !state_.connection_close
                                  : !state_.connection_close;
  return true;
}

ParseStatus RequestParser::ParseBody(char* data, size_t size) {
  const auto length = static_cast<size_t>(state_.content_length);
  if (size - state_.body_start < length) return state_.status;
  state_.request.body = {data + state_.body_start, length};
  state_.consumed = state_.body_start + length;
  state_.stage = Stage::kDone;
  state_.status = ParseStatus::kReady;
  return state_.status;
}

bool RequestParser::NextLine(const char* data, size_t size, size_t line_bytes_max, int status,
                             std::string_view& line) {
  const char* const from = data + state_.scan;
  const auto* const feed = static_cast<const char*>(
      std::memchr(from + state_.searched, '\n', size - state_.scan - state_.searched));
  const size_t length = feed == nullptr ? size - state_.scan : static_cast<size_t>(feed - from);
  if (length > line_bytes_max) {
    return Reject(status, "a line of the chunked body is too long, or its trailers together");
  }
  state_.searched = feed == nullptr ? length : 0;
  if (feed == nullptr) return false;
  if (length == 0 || feed[-1] != '\r') return Reject(400, "a line must end in CR LF");
  line = {from, length - 1};
  state_.scan += length + 1;
  return true;
}

bool RequestParser::ParseChunkLine(std::string_view line) {
  ChunkLine chunk;
  const std::string_view problem = ReadChunkLine(line, chunk);
  if (!problem.empty()) return Reject(400, problem);
  if (state_.body_bytes + chunk.chunk_bytes > limits_.body_bytes_max) {
    return Reject(413, "the body is too large");
  }
  state_.extension_bytes += chunk.extension_bytes;
  if (state_.extension_bytes > limits_.header_bytes_max) {
    return Reject(413, "the chunk extensions are too large");
  }
  state_.chunk_left = chunk.chunk_bytes;
  return true;
}

// Checks a trailer like a header line, then drops it. Fields that frame the message are not allowed
// in trailers (RFC 9110 section 6.5.1).
bool RequestParser::ParseTrailer(std::string_view line) {
  FieldLine field;
  const std::string_view problem = ReadFieldLine(line, field);
  if (!problem.empty()) return Reject(400, problem);
  for (const std::string_view name : {"content-length", "transfer-encoding", "host"}) {
    if (EqualsIgnoringCase(field.name, name)) {
      return Reject(400, "a trailer must not be a field that frames or routes the request");
    }
  }
  if (++state_.trailer_lines > limits_.header_lines_max) return Reject(431, "too many trailers");
  return true;
}

// Moves the chunks' data together in place, directly after the head.
ParseStatus RequestParser::ParseChunks(char* data, size_t size) {
  std::string_view line;
  for (;;) {
    switch (state_.stage) {
      case Stage::kChunkSize:
        if (!NextLine(data, size, kChunkLineBytesMax, 400, line) || !ParseChunkLine(line)) {
          return state_.status;
        }
        state_.stage = state_.chunk_left == 0 ? Stage::kTrailers : Stage::kChunkData;
        break;
      case Stage::kChunkData: {
        const size_t here = std::min(state_.chunk_left, size - state_.scan);
        std::memmove(data + state_.body_start + state_.body_bytes, data + state_.scan, here);
        state_.body_bytes += here;
        state_.scan += here;
        state_.chunk_left -= here;
        if (state_.chunk_left != 0) return state_.status;
        state_.stage = Stage::kChunkEnd;
        break;
      }
      case Stage::kChunkEnd:
        if (size - state_.scan < 2) return state_.status;
        if (data[state_.scan] != '\r' || data[state_.scan + 1] != '\n') {
          Reject(400, "a chunk is longer than its size");
          return state_.status;
        }
        state_.scan += 2;
        state_.stage = Stage::kChunkSize;
        break;
      case Stage::kTrailers: {
        const size_t before = state_.scan;
        // The empty line that ends the trailers always has room.
        const size_t most = limits_.header_bytes_max - state_.trailer_bytes + 1;
        if (!NextLine(data, size, most, 431, line)) return state_.status;
        if (line.empty()) return ChunksDone(data);
        state_.trailer_bytes += state_.scan - before;
        if (state_.trailer_bytes > limits_.header_bytes_max) {
          Reject(431, "the trailers are too large");
          return state_.status;
        }
        if (!ParseTrailer(line)) return state_.status;
        break;
      }
      case Stage::kHead:
      case Stage::kBody:
      case Stage::kDone:
        return state_.status;
    }
  }
}

ParseStatus RequestParser::ChunksDone(const char* data) {
  state_.request.body = {data + state_.body_start, state_.body_bytes};
  state_.consumed = state_.scan;
  state_.stage = Stage::kDone;
  state_.status = ParseStatus::kReady;
  return state_.status;
}

size_t RequestParser::DropFraming(char* data, size_t size) {
  const bool in_chunks = state_.stage == Stage::kChunkSize || state_.stage == Stage::kChunkData ||
                         state_.stage == Stage::kChunkEnd || state_.stage == Stage::kTrailers;
  if (state_.status != ParseStatus::kNeedMore || !in_chunks) return size;
  const size_t kept = state_.body_start + state_.body_bytes;
  const size_t unread = size - state_.scan;
  std::memmove(data + kept, data + state_.scan, unread);
  state_.scan = kept;
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
