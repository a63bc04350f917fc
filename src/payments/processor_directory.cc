#include "tollgate/payments/processor_directory.h"

#include <simdjson.h>

#include "tollgate/base/assert.h"

namespace tollgate::payments {
namespace {

// Also those of U+0080 to U+009F, which some terminals obey.
bool HasControl(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7F) return true;
    if (byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool IsProcessorName(std::string_view name) {
  return !name.empty() && name.size() <= kProcessorNameBytesMax &&
         name.find_first_of("\"\\") == std::string_view::npos && !HasControl(name) &&
         simdjson::validate_utf8(name.data(), name.size());
}

ProcessorDirectory::ProcessorDirectory(const std::vector<std::string>& configured)
    : configured_count_(configured.size()) {
  for (const auto& name : configured) TG_ASSERT(Add(name).has_value());
  TG_ASSERT(size() == configured_count_);
}

const std::string& ProcessorDirectory::Name(ProcessorId id) const {
  TG_ASSERT(id < size());
  return names_[id];
}

std::optional<ProcessorId> ProcessorDirectory::Find(std::string_view name) const {
  const size_t known = size();
  for (size_t i = 0; i < known; ++i) {
    if (names_[i] == name) return static_cast<ProcessorId>(i);
  }
  return std::nullopt;
}

std::optional<ProcessorId> ProcessorDirectory::Add(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (const auto known = Find(name)) return known;
  const size_t index = size();
  if (index == kProcessorsMax || !IsProcessorName(name)) return std::nullopt;
  names_[index] = name;
  size_.store(index + 1, std::memory_order_release);  // partner: size
  return static_cast<ProcessorId>(index);
}

}  // namespace tollgate::payments
