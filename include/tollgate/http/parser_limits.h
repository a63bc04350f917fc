// The limits of a request.
//
// Thread: a value type.
#pragma once

#include <cstddef>

namespace tollgate::http {

// These limits bound a request's content. The framing of chunks has limits of its own: a chunk's
// line has at most 256 bytes, and the chunk extensions together and the trailers together have at
// most header_bytes_max each. A body of one-byte chunks without extensions takes at most 13 bytes
// per byte.
struct ParserLimits {
  size_t header_bytes_max = 16 * 1024;  // request line and field lines together
  size_t header_lines_max = 100;        // of the head; of the trailers too
  size_t body_bytes_max = 64 * 1024;    // of the content, without the framing of chunks
};

}  // namespace tollgate::http
