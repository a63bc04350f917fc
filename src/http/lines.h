// The lines of a message, without their CRLF: field lines of the head and of trailers, and the
// lines that begin a chunk. They are read strictly, so that no peer sees another message in them.
//
// Thread: pure functions.
// Source: RFC 9112 sections 5, 7.1 and 7.1.1; RFC 9110 section 5.6.
#pragma once

#include <cstddef>
#include <string_view>

#include "http/characters.h"

namespace tollgate::http {

struct FieldLine {
  std::string_view name;
  std::string_view value;  // without the white space around it
};

// Returns empty if `line` is a field line, else what is wrong with it.
inline std::string_view ReadFieldLine(std::string_view line, FieldLine& field) {
  if (line.front() == ' ' || line.front() == '\t') {
    return "a header line must not begin with white space";
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    return "a header line needs a name and a colon";
  }
  field.name = line.substr(0, colon);
  if (!AllOf<kToken>(field.name)) {
    return "a header name has invalid characters, or a space before the colon";
  }
  field.value = Trim(line.substr(colon + 1));
  if (!AllOf<kField>(field.value)) return "a header value has control characters";
  return {};
}

struct ChunkLine {
  size_t chunk_bytes = 0;
  size_t extension_bytes = 0;  // after the size, with white space
};

// Returns empty if `line` begins a chunk, else what is wrong with it. A size has at most 8 digits.
// White space is allowed only where the grammar allows it, around ';' and '='. It is not allowed
// before the size or at the end.
std::string_view ReadChunkLine(std::string_view line, ChunkLine& chunk);

}  // namespace tollgate::http
