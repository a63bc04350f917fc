#include "tollgate/base/line_limit.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace tollgate::base {
namespace {

constexpr size_t kKindBytesMax = 200;
constexpr size_t kLongHexDigits = 16;
constexpr size_t kUuidBytes = 36;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool IsOfWord(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool IsUuid(std::string_view text) {
  if (text.size() < kUuidBytes) return false;
  for (size_t i = 0; i < kUuidBytes; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !IsHex(text[i])) return false;
  }
  return text.size() == kUuidBytes || !IsOfWord(text[kUuidBytes]);
}

}  // namespace

std::string KindOf(std::string_view text) {
  std::string kind;
  while (!text.empty() && kind.size() < kKindBytesMax) {
    const auto end = std::find_if_not(text.begin(), text.end(), IsOfWord);
    const std::string_view word = text.substr(0, static_cast<size_t>(end - text.begin()));
    size_t taken = std::max<size_t>(word.size(), 1);
    if (IsUuid(text)) {
      kind += '#';
      taken = kUuidBytes;
    } else if (word.empty()) {
      kind += text.front();
    } else if (IsDigit(word.front()) ||
               (word.size() >= kLongHexDigits && std::all_of(word.begin(), word.end(), IsHex))) {
      kind += '#';
    } else {
      kind += word;
    }
    text.remove_prefix(taken);
  }
  kind.resize(std::min(kind.size(), kKindBytesMax));
  return kind;
}

bool LineLimit::IsOver(const Kind& kind, int64_t now_ns) const {
  return now_ns - kind.began_ns >= options_.interval_ms * kNanosPerMilli;
}

// The entry of `kind`, or the shared entry if there is no room for another.
LineLimit::Kind& LineLimit::Find(std::string kind, int64_t now_ns) {
  const auto known = kinds_.find(kind);
  if (known != kinds_.end()) return known->second;
  if (kinds_.size() >= options_.kinds_max) {
    std::erase_if(kinds_, [&](const auto& it) {
      return it.second.held_back == 0 && IsOver(it.second, now_ns);
    });
  }
  if (kinds_.size() >= options_.kinds_max) kind.clear();
  return kinds_.try_emplace(std::move(kind), Kind{.began_ns = now_ns}).first->second;
}

void LineLimit::Report(int level, std::string_view text, size_t of_a_kind_max) {
  std::string name = KindOf(text);
  const std::lock_guard lock(mutex_);
  const int64_t now_ns = clock_.MonotonicNanos();
  Kind& kind = Find(std::move(name), now_ns);
  if (IsOver(kind, now_ns)) Begin(kind, now_ns);
  ++kind.seen;
  kind.order = ++lines_;
  if (kind.reported < of_a_kind_max) {
    ++kind.reported;
    return write_(level, text);
  }
  ++kind.held_back;
  kind.level = level;
  kind.last = text;
}

// Begins a new interval and first writes the line with the count of the one before. That line is
// the first of the new interval.
void LineLimit::Begin(Kind& kind, int64_t now_ns) {
  const Kind before = std::exchange(kind, Kind{.began_ns = now_ns});
  if (before.held_back == 0) return;
  kind.reported = 1;
  kind.order = before.order;
  if (before.seen == 1) return write_(before.level, before.last);
  const int64_t seconds = std::max<int64_t>(1, (now_ns - before.began_ns) / kNanosPerSecond);
  write_(before.level, before.last + " (" + std::to_string(before.seen) + " times in the last " +
                           std::to_string(seconds) + " s)");
}

void LineLimit::ReportHeldBack(bool all) {
  const std::lock_guard lock(mutex_);
  const int64_t now_ns = clock_.MonotonicNanos();
  std::vector<Kind*> due;
  for (auto& [name, kind] : kinds_) {
    if (kind.held_back != 0 && (all || IsOver(kind, now_ns))) due.push_back(&kind);
  }
  // In the order of their last calls, so that the log's last line is the last that was reported.
  std::sort(due.begin(), due.end(),
            [](const Kind* a, const Kind* b) { return a->order < b->order; });
  for (Kind* kind : due) Begin(*kind, now_ns);
}

}  // namespace tollgate::base
