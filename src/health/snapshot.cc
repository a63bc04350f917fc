#include "health/snapshot.h"

#include <charconv>
#include <optional>

namespace tollgate::health {
namespace {

// Returns the text before the next `end`. Removes it and `end` from `text`.
std::string_view Cut(std::string_view& text, char end) {
  const size_t at = text.find(end);
  const std::string_view head = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
  return head;
}

template <typename Number>
std::optional<Number> ToNumber(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string FormatSnapshot(const std::vector<SnapshotLine>& lines) {
  std::string text;
  for (const SnapshotLine& line : lines) {
    text += line.name + '\t' + (line.failing ? '1' : '0') + '\t' +
            std::to_string(line.min_response_ms) + '\t' + std::to_string(line.age_ms) + '\n';
  }
  return text;
}

std::vector<SnapshotLine> ParseSnapshot(std::string_view text) {
  std::vector<SnapshotLine> lines;
  while (text.find('\n') != std::string_view::npos) {  // a line without an end was cut
    std::string_view rest = Cut(text, '\n');
    SnapshotLine line;
    line.name = Cut(rest, '\t');
    const std::string_view failing = Cut(rest, '\t');
    const auto min_response_ms = ToNumber<uint32_t>(Cut(rest, '\t'));
    const auto age_ms = ToNumber<int64_t>(rest);
    if (line.name.empty() || (failing != "0" && failing != "1")) continue;
    if (!min_response_ms || *min_response_ms > kSnapshotResponseMsMax) continue;
    if (!age_ms || *age_ms < 0) continue;
    line.failing = failing == "1";
    line.min_response_ms = *min_response_ms;
    line.age_ms = *age_ms;
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace tollgate::health
