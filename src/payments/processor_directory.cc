#include "tollgate/payments/processor_directory.h"

#include "tollgate/base/assert.h"
#include "tollgate/base/text.h"

namespace tollgate::payments {

bool IsProcessorName(std::string_view name) {
  return !name.empty() && name.size() <= kProcessorNameBytesMax && base::IsPrintable(name) &&
         name.find_first_of("\"\\") == std::string_view::npos;
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
