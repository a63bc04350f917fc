#include "upstream/answer_reader.h"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace tollgate::upstream {
namespace {

constexpr uint64_t kBodyBytesMax = uint64_t{1} << 40U;  // far above Answer::kBodyBytesMax

bool Is(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && ::strncasecmp(text.data(), lower.data(), lower.size()) == 0;
}

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// Parses all of `text` as a number of that base.
bool ToNumber(std::string_view text, int base, uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc{} && end == text.data() + text.size() && out <= kBodyBytesMax;
}

// "close" and "keep-alive" can be in a list (RFC 9110 section 7.6.1).
bool Lists(std::string_view list, std::string_view option) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (Is(Trim(list.substr(0, comma)), option)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace

void AnswerReader::Reset() {
  answer_.Reset();
  part_ = Part::kHead;
  first_line_ = true;
  has_length_ = false;
  chunked_ = false;
  bad_framing_ = false;
  persistent_ = keep_alive_ = close_ = false;
  left_ = 0;
  head_bytes_ = 0;
  line_bytes_ = 0;
  line_cut_ = false;
}

AnswerReader::State AnswerReader::Feed(std::string_view bytes, size_t& taken) {
  taken = 0;
  State state = State::kMore;
  while (state == State::kMore && taken < bytes.size()) {
    const bool body = part_ == Part::kLength || part_ == Part::kChunk || part_ == Part::kToEnd;
    const std::string_view rest = bytes.substr(taken);
    state = body ? OnBody(rest, taken) : TakeLine(rest, taken);
  }
  return state;
}

AnswerReader::State AnswerReader::OnEnd() {
  return part_ == Part::kToEnd && !bad_framing_ ? State::kDone : State::kBad;
}

// A line that is complete in `bytes` is read in place; otherwise its beginning is kept. A long line
// is cut in both cases, so the result does not depend on how the bytes arrive.
AnswerReader::State AnswerReader::TakeLine(std::string_view bytes, size_t& taken) {
  const void* const end = std::memchr(bytes.data(), '\n', bytes.size());
  const size_t length = end == nullptr
                            ? bytes.size()
                            : static_cast<size_t>(static_cast<const char*>(end) - bytes.data()) + 1;
  taken += length;
  head_bytes_ += length;
  if (head_bytes_ > kHeadBytesMax) return State::kBad;
  if (end != nullptr && line_bytes_ == 0 && length <= line_.size()) {
    return OnLine(bytes.substr(0, length));
  }
  const size_t kept = std::min(length, line_.size() - line_bytes_);
  std::copy_n(bytes.data(), kept, line_.data() + line_bytes_);
  line_bytes_ += kept;
  if (kept < length) line_cut_ = true;
  if (end == nullptr) return State::kMore;
  if (line_cut_) line_[line_.size() - 1] = '\n';
  const std::string_view line(line_.data(), line_bytes_);
  line_bytes_ = 0;
  const State state = OnLine(line);
  line_cut_ = false;
  return state;
}

AnswerReader::State AnswerReader::OnLine(std::string_view line) {
  switch (part_) {
    case Part::kHead:
      return OnHeadLine(line);
    case Part::kChunkSize:
      return OnChunkSize(line);
    case Part::kChunkEnd:
      part_ = Part::kChunkSize;
      return Trim(line).empty() ? State::kMore : State::kBad;
    case Part::kTrailers:
      return Trim(line).empty() ? State::kDone : State::kMore;
    case Part::kLength:
    case Part::kChunk:
    case Part::kToEnd:
      break;  // not made of lines
  }
  return State::kBad;
}

AnswerReader::State AnswerReader::OnHeadLine(std::string_view line) {
  if (!answer_.OnLine(line)) return State::kBad;
  if (first_line_) {
    first_line_ = false;
    has_length_ = chunked_ = keep_alive_ = close_ = false;
    persistent_ = line.starts_with("HTTP/1.1");
    return State::kMore;
  }
  if (line == "\r\n" || line == "\n") return OnHeadEnd();
  // The value of a folded line (RFC 9112 section 5.2) would be missed.
  if (line.front() == ' ' || line.front() == '\t') bad_framing_ = true;
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return State::kMore;
  return OnHeader(line.substr(0, colon), Trim(line.substr(colon + 1)));
}

AnswerReader::State AnswerReader::OnHeader(std::string_view name, std::string_view value) {
  if (Is(name, "content-length")) {
    uint64_t length = 0;
    if (line_cut_ || !ToNumber(value, 10, length) || (has_length_ && length != left_)) {
      bad_framing_ = true;
    }
    has_length_ = true;
    left_ = length;
  } else if (Is(name, "transfer-encoding")) {
    if (line_cut_ || chunked_ || !Is(value, "chunked")) bad_framing_ = true;
    chunked_ = true;
  } else if (Is(name, "connection")) {
    if (line_cut_ || Lists(value, "close")) close_ = true;
    if (Lists(value, "keep-alive")) keep_alive_ = true;
  }
  return State::kMore;
}

// RFC 9112 section 6.3.
AnswerReader::State AnswerReader::OnHeadEnd() {
  if (bad_framing_ || (chunked_ && has_length_)) {
    bad_framing_ = true;
    return State::kBad;
  }
  if (!answer_.headers_whole()) {  // a 1xx; 101 is an error, as no upgrade was requested
    first_line_ = true;
    return answer_.interim_status() == 101 ? State::kBad : State::kMore;
  }
  if (answer_.status() == 204 || answer_.status() == 304) return State::kDone;
  if (chunked_) {
    part_ = Part::kChunkSize;
  } else if (has_length_) {
    part_ = Part::kLength;
    if (left_ == 0) return State::kDone;
  } else {
    part_ = Part::kToEnd;
    close_ = true;
  }
  return State::kMore;
}

AnswerReader::State AnswerReader::OnChunkSize(std::string_view line) {
  const std::string_view digits = Trim(line.substr(0, line.find(';')));
  if (line_cut_ || !ToNumber(digits, 16, left_)) return State::kBad;
  part_ = left_ == 0 ? Part::kTrailers : Part::kChunk;
  return State::kMore;
}

AnswerReader::State AnswerReader::OnBody(std::string_view bytes, size_t& taken) {
  const uint64_t wanted = part_ == Part::kToEnd ? bytes.size() : left_;
  const std::string_view part = bytes.substr(0, static_cast<size_t>(wanted));
  taken += part.size();
  if (!answer_.OnBody(part)) return State::kBad;
  if (part_ == Part::kToEnd) return State::kMore;
  left_ -= part.size();
  if (left_ != 0) return State::kMore;
  if (part_ == Part::kLength) return State::kDone;
  part_ = Part::kChunkEnd;
  return State::kMore;
}

}  // namespace tollgate::upstream
