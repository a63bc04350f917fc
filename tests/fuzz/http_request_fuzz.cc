// Any bytes: no crash, views inside the buffer, and the same outcome for every split, whether the
// framing that was read is dropped or stays.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tollgate/base/assert.h"
#include "tollgate/http/request_parser.h"

namespace {

using tollgate::http::ParseStatus;
using tollgate::http::RequestParser;

struct Outcome {
  ParseStatus status = ParseStatus::kNeedMore;
  int error = 0;
  size_t consumed = 0;
  std::string path, query, body;
  bool keep_alive = false;
  bool operator==(const Outcome&) const = default;
};

// Feeds the bytes in pieces of `step`; each time a copy, because a connection's buffer may move.
Outcome Run(const std::string& input, size_t step, bool drop) {
  RequestParser parser({.header_bytes_max = 2048, .header_lines_max = 20, .body_bytes_max = 1024});
  std::vector<char> buffer;
  size_t dropped = 0;
  Outcome outcome;
  for (size_t have = 0; have < input.size();) {
    const size_t more = std::min(step, input.size() - have);
    std::vector<char> moved(buffer);
    moved.insert(moved.end(), input.begin() + static_cast<std::ptrdiff_t>(have),
                 input.begin() + static_cast<std::ptrdiff_t>(have + more));
    buffer.swap(moved);
    have += more;
    outcome.status = parser.Parse(buffer.data(), buffer.size());
    if (outcome.status == ParseStatus::kReady || outcome.status == ParseStatus::kBad) break;
    outcome.status = ParseStatus::kNeedMore;  // "continue" depends on where the pieces end
    if (!drop) continue;
    const size_t left = parser.DropFraming(buffer.data(), buffer.size());
    TG_ASSERT(left <= buffer.size());
    dropped += buffer.size() - left;
    buffer.resize(left);
  }
  if (outcome.status == ParseStatus::kBad) outcome.error = parser.error_status();
  if (outcome.status != ParseStatus::kReady) return outcome;
  const auto inside = [&](std::string_view view) {
    return view.empty() || (view.data() >= buffer.data() &&
                            view.data() + view.size() <= buffer.data() + buffer.size());
  };
  const auto& request = parser.request();
  TG_ASSERT(parser.consumed() <= buffer.size());
  TG_ASSERT(inside(request.body) && inside(request.header_lines) && inside(request.query));
  outcome.consumed = parser.consumed() + dropped;
  outcome.path = request.path;
  outcome.query = request.query;
  outcome.body = request.body;
  outcome.keep_alive = request.keep_alive;
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const Outcome whole = Run(input, input.size() + 1, false);
  TG_ASSERT(Run(input, 1, false) == whole);
  TG_ASSERT(Run(input, 1, true) == whole);
  TG_ASSERT(Run(input, 7, true) == whole);
  return 0;
}
