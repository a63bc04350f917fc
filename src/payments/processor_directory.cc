#include "tollgate/payments/processor_directory.h"

#include <algorithm>
#include <utility>

#include "tollgate/base/assert.h"
#include "tollgate/base/text.h"

namespace tollgate::payments {

bool IsProcessorName(std::string_view name) {
  return !name.empty() && name.size() <= kProcessorNameBytesMax && base::IsPrintable(name) &&
         name.find_first_of("\"\\") == std::string_view::npos;
}

uint64_t IdentityHash(std::string_view identity) {
  uint64_t hash = 0xCBF29CE484222325U;  // FNV-1a, 64 bits (draft-eastlake-fnv)
  for (const char c : identity) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return hash == 0 ? 1 : hash;
}

ProcessorDirectory::ProcessorDirectory(const std::vector<std::string>& configured,
                                       std::vector<std::vector<uint64_t>> identities)
    : configured_count_(configured.size()), configured_identities_(std::move(identities)) {
  for (size_t i = 0; i < configured.size(); ++i) {
    const bool known = i < configured_identities_.size() && !configured_identities_[i].empty();
    TG_ASSERT(!Find(configured[i]) &&
              Append(configured[i], known ? configured_identities_[i].front() : 0));
  }
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
  return Append(name, 0);
}

std::optional<ProcessorId> ProcessorDirectory::Add(std::string_view name, uint64_t identity) {
  const std::lock_guard lock(mutex_);
  const size_t known = size();
  for (size_t i = 0; i < known; ++i) {
    if (names_[i] == name && Is(i, identity)) return static_cast<ProcessorId>(i);
  }
  return Append(name, identity);
}

std::optional<ProcessorId> ProcessorDirectory::Append(std::string_view name, uint64_t identity) {
  const size_t index = size();
  if (index == kProcessorsMax || !IsProcessorName(name)) return std::nullopt;
  names_[index] = name;
  identities_[index] = identity;
  size_.store(index + 1, std::memory_order_release);  // partner: size
  return static_cast<ProcessorId>(index);
}

bool ProcessorDirectory::Is(size_t index, uint64_t identity) const {
  if (identity == 0 || identities_[index] == 0 || identities_[index] == identity) return true;
  if (index >= configured_identities_.size()) return false;
  const std::vector<uint64_t>& known = configured_identities_[index];
  return std::find(known.begin(), known.end(), identity) != known.end();
}

uint64_t ProcessorDirectory::Identity(ProcessorId id) const {
  TG_ASSERT(id < size());
  return identities_[id];
}

std::vector<uint64_t> ProcessorDirectory::Identities(ProcessorId id) const {
  if (id < configured_identities_.size()) return configured_identities_[id];
  const uint64_t identity = Identity(id);
  return identity == 0 ? std::vector<uint64_t>{} : std::vector<uint64_t>{identity};
}

ProcessorId ProcessorDirectory::ConfiguredId(ProcessorId id) const {
  if (id < configured_count_ || id == kNoProcessor) return id;
  const auto first = Find(Name(id));
  return first && *first < configured_count_ ? *first : kNoProcessor;
}

std::string ProcessorDirectory::Label(ProcessorId id) const {
  const std::string& name = Name(id);
  size_t before = 0;
  for (ProcessorId i = 0; i < id; ++i) {
    if (Name(i) == name) ++before;
  }
  if (before == 0) return name;
  return name + (before == 1 ? " (before)" : " (before " + std::to_string(before) + ")");
}

}  // namespace tollgate::payments
