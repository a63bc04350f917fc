// AnswerReader: reads one HTTP/1 answer from bytes as they arrive (RFC 9112 sections 4, 6 and 7).
// It is strict where a lenient parser could let one answer run into the next.
//
// Thread: one at a time.
// Owns: the answer, and the beginning of an incomplete line; allocates nothing.
// Invariants: never takes a byte beyond the end of the answer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "upstream/answer.h"

namespace tollgate::upstream {

class AnswerReader {
 public:
  enum class State : uint8_t {
    kMore,  // the answer is not complete
    kDone,  // the answer is complete
    kBad,   // not valid; do not read on from this connection
  };

  void Reset();
  // Takes bytes up to the end of the answer; `taken` is how many.
  State Feed(std::string_view bytes, size_t& taken);
  // The other side has closed: kDone if the end of the connection ends this answer.
  State OnEnd();

  const Answer& answer() const { return answer_; }
  // After kDone: the connection may carry another request (RFC 9112 section 9.3).
  bool keeps_alive() const { return !close_ && (persistent_ || keep_alive_); }

 private:
  enum class Part : uint8_t { kHead, kLength, kChunkSize, kChunk, kChunkEnd, kTrailers, kToEnd };

  State OnLine(std::string_view line);
  State OnHeadLine(std::string_view line);
  State OnHeader(std::string_view name, std::string_view value);
  State OnHeadEnd();
  State OnChunkSize(std::string_view line);
  State OnBody(std::string_view bytes, size_t& taken);
  State TakeLine(std::string_view bytes, size_t& taken);

  // Longer lines are cut: only the beginning of a header line matters.
  static constexpr size_t kLineBytesMax = 256;
  static constexpr size_t kHeadBytesMax = 64 * 1024;

  Answer answer_;
  Part part_ = Part::kHead;
  bool first_line_ = true;
  bool has_length_ = false;
  bool chunked_ = false;
  bool bad_framing_ = false;
  bool persistent_ = false;  // by its HTTP version
  bool keep_alive_ = false;  // by its Connection header
  bool close_ = false;
  uint64_t left_ = 0;  // bytes left of the body or the chunk
  size_t head_bytes_ = 0;
  size_t line_bytes_ = 0;
  bool line_cut_ = false;
  std::array<char, kLineBytesMax> line_;
};

}  // namespace tollgate::upstream
