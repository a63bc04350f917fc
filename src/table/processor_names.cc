#include "table/processor_names.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "tollgate/base/text.h"

namespace tollgate::table {
namespace {

std::string_view NameAt(const TableHeader& header, size_t index) {
  const auto& name = header.names[index];
  return {name.data(), ::strnlen(name.data(), name.size())};
}

// The index of this name and identity, appended to the header if it is new. Nothing if there is no
// room.
std::optional<payments::ProcessorId> IndexOf(TableHeader& header, std::string_view name,
                                             uint64_t identity) {
  for (size_t i = 0; i < header.names.size(); ++i) {
    const std::string_view known = NameAt(header, i);
    if (known.empty()) {
      std::copy(name.begin(), name.end(), header.names[i].begin());
      header.identities[i] = identity;
      return static_cast<payments::ProcessorId>(i);
    }
    if (known == name && header.identities[i] == identity) {
      return static_cast<payments::ProcessorId>(i);
    }
  }
  return std::nullopt;
}

base::Error TooMany() {
  return base::Error{"more than " + std::to_string(payments::kProcessorsMax) +
                     " processors were ever used with this payment table; start with another "
                     "DATA_DIR once `tollgate pending` shows this one empty"};
}

base::Error NotAName(std::string_view name) {
  return base::Error{"the payment table's file is damaged: it names a processor '" +
                     base::Printable(name) +
                     "', which is not a valid name; restore it, or keep it aside and start with "
                     "another DATA_DIR"};
}

}  // namespace

ProcessorNames::ProcessorNames(payments::ProcessorDirectory& directory) : directory_(directory) {
  for (auto& entry : to_file_) entry.store(kMissing, std::memory_order_relaxed);
  for (auto& entry : to_directory_) entry.store(kNone, std::memory_order_relaxed);
  Join(kNone, kNone);
}

void ProcessorNames::Join(payments::ProcessorId id, payments::ProcessorId index) {
  to_directory_[index].store(id, std::memory_order_release);  // partner: ToDirectory
  to_file_[id].store(index, std::memory_order_release);       // partner: ToFile
}

base::Status ProcessorNames::Load(TableHeader& header,
                                  const std::function<bool(payments::ProcessorId)>& in_use) {
  for (size_t i = 0; i < header.names.size() && !NameAt(header, i).empty(); ++i) {
    const auto index = static_cast<payments::ProcessorId>(i);
    const std::string_view name = NameAt(header, i);
    if (!payments::IsProcessorName(name)) return NotAName(name);
    uint64_t& identity = header.identities[i];
    const auto first = directory_.Find(name);
    // No payment waits for the processor that had this name: take the one in the configuration.
    if (first && *first < directory_.configured_count() && !in_use(index)) identity = 0;
    const auto id = directory_.Add(name, identity);
    if (!id) return TooMany();
    // From now on store the present identity: it was not known before, or the processor had another
    // one.
    if (*id < directory_.configured_count() || identity == 0) identity = directory_.Identity(*id);
    Join(*id, index);
  }
  for (size_t id = 0; id < directory_.size(); ++id) {
    const auto known = static_cast<payments::ProcessorId>(id);
    if (ToFile(known) != kMissing) continue;
    const auto index = IndexOf(header, directory_.Name(known), directory_.Identity(known));
    if (!index) return TooMany();
    Join(known, *index);
  }
  return base::OkStatus();
}

std::optional<payments::ProcessorId> ProcessorNames::Add(payments::ProcessorId id,
                                                         TableFile& file) {
  if (ToFile(id) != kMissing) return ToFile(id);  // another thread was faster
  const auto index = IndexOf(file.header(), directory_.Name(id), directory_.Identity(id));
  if (!index) return std::nullopt;
  // The name must be in the file before any slot uses its index. After a failure it is in memory
  // only, and the next try writes it.
  if (!file.WriteHeader(true).ok()) return std::nullopt;
  Join(id, *index);
  return *index;
}

}  // namespace tollgate::table
