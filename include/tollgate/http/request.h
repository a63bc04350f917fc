// A parsed HTTP/1 request: views into the connection's buffer.
//
// Thread: a value type. The views die with the next change of the buffer.
#pragma once

#include <cstdint>
#include <string_view>

namespace tollgate::http {

enum class Method : uint8_t { kGet, kHead, kPost, kPut, kDelete, kOptions, kPatch, kOther };

struct Request {
  Method method = Method::kOther;
  std::string_view path;          // origin-form target before '?'
  std::string_view query;         // after '?', without it
  std::string_view header_lines;  // all of the field lines, as they came, CRLF each
  std::string_view body;          // decoded from chunks where it came in chunks
  bool keep_alive = true;         // by version and Connection
  bool http10 = false;
};

// The value of the first field line of that name (case-insensitive), without the white space
// around it; empty if there is none. For rare needs: the parser itself keeps what framing needs.
std::string_view FindHeader(const Request& request, std::string_view name);

}  // namespace tollgate::http
