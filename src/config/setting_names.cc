// The rest of settings.h: the forms of a name, and the nearest name.
#include <algorithm>
#include <cctype>
#include <utility>

#include "config/settings.h"

namespace tollgate::config {

upstream::ProcessorOptions ProcessorWithoutLimits() {
  upstream::ProcessorOptions processor;
  processor.connect_timeout_ms = processor.answer_timeout_ms = 0;
  processor.in_flight_max = 0;
  return processor;
}

std::string FlagName(std::string_view name) {
  std::string flag = "--" + std::string(name);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string VariableName(std::string_view name) {
  std::string variable(name);
  std::transform(variable.begin(), variable.end(), variable.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return variable;
}

const char* FormerNameOf(std::string_view name) {
  const auto* const found = std::find_if(kFormerNames.begin(), kFormerNames.end(),
                                         [&](const FormerName& it) { return it.name == name; });
  return found == kFormerNames.end() ? nullptr : found->former;
}

// Levenshtein distance, row by row.
std::string Nearest(std::string_view name, const std::vector<std::string>& names) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, name.size() / 3) + 1;
  for (const std::string& candidate : names) {
    std::vector<size_t> row(candidate.size() + 1);
    for (size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= name.size(); ++i) {
      size_t diagonal = std::exchange(row[0], i);
      for (size_t j = 1; j <= candidate.size(); ++j) {
        const size_t change = diagonal + (name[i - 1] == candidate[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

}  // namespace tollgate::config
