// A parsed HTTP/1 request: views into the connection's buffer.
//
// Thread: a value type. The views become invalid when the buffer changes.
#pragma once

#include <cstdint>
#include <string_view>

namespace tollgate::http {

enum class Method : uint8_t { kGet, kHead, kPost, kPut, kDelete, kOptions, kPatch, kOther };

struct Request {
  Method method = Method::kOther;
  std::string_view path;          // origin-form target before '?'
  std::string_view query;         // after '?', without it
  std::string_view header_lines;  // all field lines as they arrived, each with CRLF
  std::string_view body;          // the chunks' data if it came in chunks
  bool keep_alive = true;         // by version and Connection
  bool http10 = false;
};

// The value of the first field line of that name (case-insensitive), without the white space around
// it. Empty if there is none. For rare use: the parser itself keeps what framing needs.
std::string_view FindHeader(const Request& request, std::string_view name);

}  // namespace tollgate::http
