// RequestParser: bytes to requests by RFC 9112, strict where looseness lets one request hide in
// another. Pure: no sockets, clock or heap. It works in place on a buffer that the caller owns and
// fills; it remembers how far it looked, so that a request that comes in many pieces costs no more
// than one that comes whole, whatever the split points.
//
// Thread: one connection, one parser.
// Invariants: what follows a bad request is never read as another.
// Source: RFC 9112; where it lets a recipient choose, the strict way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tollgate/http/parser_limits.h"
#include "tollgate/http/request.h"

namespace tollgate::http {

enum class ParseStatus : uint8_t {
  kNeedMore,      // read more behind what is there and call again
  kNeedContinue,  // as kNeedMore, and the client waits for "100 Continue" (said once per request)
  kReady,         // request() is valid, consumed() bytes belong to it
  kBad,           // answer error_status() with error_detail() and close
};

class RequestParser {
 public:
  explicit RequestParser(const ParserLimits& limits) : limits_(limits) {}

  // Looks at data[0, size): the bytes from the start of a request. `data` may move between calls
  // (the parser keeps offsets), and its content up to size must be what it was, but for chunk
  // framing that the parser itself removed from the body.
  ParseStatus Parse(char* data, size_t size);

  // After kNeedMore: takes the chunk framing that was read out of data[0, size), so that only the
  // head, the body so far and what is not yet read stay; returns their size. No more than
  // header_bytes_max, body_bytes_max and one line stay, however small the chunks are.
  size_t DropFraming(char* data, size_t size);

  // After kReady: begin the next request, whose bytes start at data + consumed().
  void Reset();

  const Request& request() const { return request_; }
  size_t consumed() const { return consumed_; }
  // True once the header section of the current request is complete (for the body's time limit).
  bool headers_done() const { return headers_done_; }

  int error_status() const { return error_status_; }  // 400, 413, 431, 501, 505
  std::string_view error_detail() const { return error_detail_; }

 private:
  enum class Stage : uint8_t { kHead, kBody, kChunkSize, kChunkData, kChunkEnd, kTrailers, kDone };

  ParseStatus Bad(int status, std::string_view detail);
  // One part of the work each; false: no more can be done now (status_ says why).
  bool FindHeadEnd(const char* data, size_t size);
  bool ParseHead(const char* data);
  bool ParseRequestLine(std::string_view line);
  bool ParseTarget(std::string_view target);
  bool ParseVersion(std::string_view version);
  bool ParseFieldLine(std::string_view line);
  bool UseField(std::string_view name, std::string_view value);
  bool UseContentLength(std::string_view value);
  bool UseConnection(std::string_view value);
  bool CheckFraming();
  ParseStatus ParseBody(char* data, size_t size);
  ParseStatus ParseChunks(char* data, size_t size);
  ParseStatus ChunksDone(const char* data);
  bool ParseChunkLine(std::string_view line);
  bool ParseTrailer(std::string_view line);
  // The next whole line from scan_ on, without its CRLF; nothing yet, or bad. A line longer than
  // `line_bytes_max` is answered with `status`.
  bool NextLine(const char* data, size_t size, size_t line_bytes_max, int status,
                std::string_view& line);

  const ParserLimits limits_;
  Request request_;
  size_t consumed_ = 0;
  bool headers_done_ = false;
  int error_status_ = 0;
  std::string_view error_detail_;

  // Resumption: everything is an offset from the start of the request.
  Stage stage_ = Stage::kHead;
  ParseStatus status_ = ParseStatus::kNeedMore;
  size_t start_ = 0;       // of the request line, behind empty lines
  size_t scan_ = 0;        // everything before it was looked at
  size_t line_start_ = 0;  // of the line that scan_ is in
  size_t lines_ = 0;       // of the head so far
  size_t head_end_ = 0;    // behind the empty line
  size_t body_start_ = 0;
  size_t body_bytes_ = 0;  // decoded so far
  size_t chunk_left_ = 0;
  size_t searched_ = 0;         // behind scan_, without the end of a line of the chunked body
  size_t extension_bytes_ = 0;  // of all chunks
  size_t trailer_bytes_ = 0;
  size_t trailer_lines_ = 0;
  uint64_t content_length_ = 0;
  bool has_content_length_ = false;
  bool chunked_ = false;
  bool has_host_ = false;
  bool expects_continue_ = false;
  bool said_continue_ = false;
  bool connection_close_ = false;
  bool connection_keep_alive_ = false;
};

}  // namespace tollgate::http
