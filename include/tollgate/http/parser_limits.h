// What a request may have at most.
//
// Thread: a value type.
#pragma once

#include <cstddef>

namespace tollgate::http {

// Limits are on what a request says. The framing of chunks has its own: a chunk's line has at most
// 256 bytes, the extensions of a request's chunks together and its trailers together at most
// header_bytes_max each, so a body of one-byte chunks takes 13 bytes per byte at the most.
struct ParserLimits {
  size_t header_bytes_max = 16 * 1024;  // request line and field lines together
  size_t header_lines_max = 100;        // likewise of the trailers
  size_t body_bytes_max = 64 * 1024;    // of the content, without the framing of chunks
};

}  // namespace tollgate::http
