#include "config/setting_texts.h"

#include <algorithm>

#include "tollgate/payments/timestamp.h"

namespace tollgate::config {

Problem ToCutoff(const std::string& text, forward::Cutoff& cutoff) {
  if (text.empty()) return std::nullopt;
  // The time of day of a date that is as good as any other.
  const bool daily = text.size() == 5;
  const std::string whole = daily ? "1970-01-01T" + text + ":00Z" : text;
  const auto at_ms = payments::ParseTimestampMillis(whole, payments::Rounding::kDown);
  if (!at_ms.ok()) {
    return "must be a time such as 2025-07-15T17:00:00Z, or 17:00 for every day in UTC: " +
           at_ms.error().message;
  }
  cutoff = {.at_ms = at_ms.value(), .daily = daily};
  return std::nullopt;
}

Problem ToDurability(const std::string& text, Config& config) {
  if (text == "memory") {
    config.durability = table::Durability::kMemory;
  } else if (text == "process") {
    config.durability = table::Durability::kProcess;
  } else if (text == "disk") {
    config.durability = table::Durability::kDisk;
  } else {
    return "must be memory, process or disk";
  }
  return std::nullopt;
}

Problem ToList(const std::string& text, std::vector<std::string>& list) {
  list.clear();
  for (size_t from = 0; !text.empty() && from <= text.size();) {
    const size_t comma = std::min(text.find(',', from), text.size());
    if (comma == from) return "must be texts with commas between, none of them empty";
    list.push_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  return std::nullopt;
}

}  // namespace tollgate::config
