// RequestParser: parses bytes into requests by RFC 9112. It is strict where leniency allows request
// smuggling. It uses no sockets, clock or heap. It works in place on a buffer that the caller owns
// and fills. It remembers how far it has read, so a request that arrives in many pieces costs no
// more than one that arrives whole.
//
// Thread: one connection, one parser.
// Invariants: bytes after a bad request are never read as another one.
// Source: RFC 9112. Where it lets a recipient choose, the parser chooses the strict way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tollgate/http/parser_limits.h"
#include "tollgate/http/request.h"

namespace tollgate::http {

enum class ParseStatus : uint8_t {
  kNeedMore,      // read more bytes after these and call again
  kNeedContinue,  // as kNeedMore, and the client waits for "100 Continue" (once per request)
  kReady,         // request() is valid, consumed() bytes belong to it
  kBad,           // answer error_status() with error_detail() and close
};

class RequestParser {
 public:
  explicit RequestParser(const ParserLimits& limits) : limits_(limits) {}

  // Parses data[0, size), the bytes from the start of a request. `data` may move between calls,
  // because the parser keeps offsets. Its content up to the former size must not change, except for
  // chunk framing that the parser itself removed.
  ParseStatus Parse(char* data, size_t size);

  // Call it after kNeedMore. It removes the parsed chunk framing from data[0, size), so only the
  // head, the body so far and the unread bytes stay. Returns their size, which is at most
  // header_bytes_max, body_bytes_max and one line, however small the chunks are.
  size_t DropFraming(char* data, size_t size);

  // Call it after kReady to begin the next request, whose bytes start at data + consumed().
  void Reset() { state_ = State{}; }

  const Request& request() const { return state_.request; }
  size_t consumed() const { return state_.consumed; }
  // True once the header section of the current request is complete (for the body's time limit).
  bool headers_done() const { return state_.headers_done; }

  int error_status() const { return state_.error_status; }  // 400, 413, 417, 431, 501, 505
  std::string_view error_detail() const { return state_.error_detail; }

 private:
  enum class Stage : uint8_t { kHead, kBody, kChunkSize, kChunkData, kChunkEnd, kTrailers, kDone };

  // Returns false: the request is bad, and nothing after it is read.
  bool Reject(int status, std::string_view detail);
  // Each does one step. False: it can do no more now, and the status says why.
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
  // Takes the next complete line from state_.scan on, without its CRLF. Returns false if it is
  // incomplete or bad. A line longer than `line_bytes_max` is refused with `status`.
  bool NextLine(const char* data, size_t size, size_t line_bytes_max, int status,
                std::string_view& line);

  // What is known of the current request. Positions are offsets from its start.
  struct State {
    Request request;
    size_t consumed = 0;
    bool headers_done = false;
    int error_status = 0;
    std::string_view error_detail;
    Stage stage = Stage::kHead;
    ParseStatus status = ParseStatus::kNeedMore;
    size_t start = 0;       // of the request line, after empty lines
    size_t scan = 0;        // everything before it is parsed
    size_t line_start = 0;  // of the line that scan is in
    size_t lines = 0;       // number of lines of the head so far
    size_t head_end = 0;    // after the empty line
    size_t body_start = 0;
    size_t body_bytes = 0;       // size of the decoded body so far
    size_t chunk_left = 0;       // bytes that this chunk still lacks
    size_t searched = 0;         // bytes after scan without a line end, in a chunked body
    size_t extension_bytes = 0;  // of all chunks
    size_t trailer_bytes = 0;
    size_t trailer_lines = 0;
    uint64_t content_length = 0;
    bool has_content_length = false;
    bool chunked = false;
    bool has_host = false;
    bool expects_continue = false;
    bool said_continue = false;
    bool connection_close = false;
    bool connection_keep_alive = false;
  };

  const ParserLimits limits_;
  State state_;
};

}  // namespace tollgate::http
