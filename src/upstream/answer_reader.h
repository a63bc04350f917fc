// AnswerReader: one HTTP/1 answer from bytes as they arrive (RFC 9112 sections 4, 6 and 7), strict
// where looseness would let one answer run into the next.
//
// Thread: one at a time.
// Owns: the answer, and the part of a line that has not ended yet; allocates nothing.
// Invariants: never takes a byte beyond the answer's end.
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
    kMore,  // the answer goes on
    kDone,  // it is here, whole
    kBad,   // no answer that we take; what follows on this connection means nothing
  };

  void Reset();
  // Takes bytes up to the answer's end. `taken` is how many.
  State Feed(std::string_view bytes, size_t& taken);
  // The other side has closed: kDone if that is how this answer ends.
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

  // Longer ones are cut: of a header line only the beginning can matter.
  static constexpr size_t kLineBytesMax = 256;
  static constexpr size_t kHeadBytesMax = 64 * 1024;

  Answer answer_;
  Part part_ = Part::kHead;
  bool first_line_ = true;
  bool has_length_ = false;
  bool chunked_ = false;
  bool bad_framing_ = false;
  bool persistent_ = false;  // by its version
  bool keep_alive_ = false;  // by its word
  bool close_ = false;
  uint64_t left_ = 0;  // of the body or the chunk
  size_t head_bytes_ = 0;
  size_t line_bytes_ = 0;
  bool line_cut_ = false;
  std::array<char, kLineBytesMax> line_;
};

}  // namespace tollgate::upstream
