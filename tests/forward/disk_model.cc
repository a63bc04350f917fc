#include "tests/forward/disk_model.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "table/table_file.h"
#include "tollgate/base/assert.h"

namespace tollgate::simulation {

namespace {

table::TableHeader HeaderIn(const std::string& page) {
  table::TableHeader header;
  std::memcpy(static_cast<void*>(&header), page.data(), sizeof(header));
  return header;
}

bool SaysTheSame(const std::string& page, const std::string& other) {
  const table::TableHeader a = HeaderIn(page);
  const table::TableHeader b = HeaderIn(other);
  return a.table == b.table && a.incarnation == b.incarnation && a.names == b.names &&
         a.identities == b.identities && a.books == b.books && a.predecessors == b.predecessors;
}

}  // namespace

void DiskModel::Open(const std::string& path, const table::Slot* slots, size_t count) {
  path_ = path;
  slots_ = slots;
  // A file that was created again has nothing on disk that could come back.
  histories_.resize(count, {.versions = {Image{}}, .in_sync = 0});
  pages_.resize((count + kSlotsPerPage - 1) / kSlotsPerPage);
  Observe();
  // The opening's own sync: it writes only what is dirty.
  BeginSync();
  syncing_ = false;
  for (size_t slot = 0; slot < count; ++slot) {
    if (pages_[slot / kSlotsPerPage].in_sync) Written(slot, histories_[slot].in_sync);
  }
  std::ifstream file(path_, std::ios::binary);
  header_.assign(table::kSlotsOffset, '\0');
  file.read(header_.data(), static_cast<std::streamsize>(header_.size()));
  TG_ASSERT(file.good());
}

void DiskModel::Close() {
  Observe();
  slots_ = nullptr;
}

void DiskModel::Observe() {
  if (slots_ == nullptr) return;
  for (size_t slot = 0; slot < histories_.size(); ++slot) {
    auto& versions = histories_[slot].versions;
    // There is one thread, so the plain bytes are the slot.
    const void* const now = static_cast<const void*>(slots_ + slot);
    if (std::memcmp(versions.back().data(), now, sizeof(Image)) == 0) continue;
    std::memcpy(versions.emplace_back().data(), now, sizeof(Image));
    pages_[slot / kSlotsPerPage].dirty = true;
  }
}

void DiskModel::BeginSync() {
  Observe();
  syncing_ = true;
  for (Page& page : pages_) page = {.dirty = false, .in_sync = page.dirty};
  for (History& history : histories_) history.in_sync = history.versions.size() - 1;
}

int DiskModel::Sync() {
  if (!syncing_) BeginSync();
  syncing_ = false;
  Observe();
  const bool fails = timeline_.Chance(sync_fails_);
  for (size_t slot = 0; slot < histories_.size(); ++slot) {
    if (!pages_[slot / kSlotsPerPage].in_sync) continue;
    if (!fails || timeline_.Chance(2)) Written(slot, histories_[slot].in_sync);
  }
  return fails ? EIO : 0;
}

void DiskModel::Dirtied(size_t slot) {
  const size_t page = slot / kSlotsPerPage;
  if (page >= pages_.size()) pages_.resize(page + 1);
  pages_[page].dirty = true;
}

void DiskModel::Written(size_t slot, size_t version) {
  auto& versions = histories_[slot].versions;
  versions.erase(versions.begin(), versions.begin() + static_cast<std::ptrdiff_t>(version));
}

void DiskModel::LosePower() {
  TG_ASSERT(slots_ == nullptr);
  std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
  for (size_t page = 0; page < header_.size(); page += table::kHeaderBytes) {
    if (timeline_.Chance(2)) continue;
    std::string present(table::kHeaderBytes, '\0');
    file.seekg(static_cast<std::streamoff>(page));
    file.read(present.data(), table::kHeaderBytes);
    // Everything in a header is synced when it is written, except the ledger's run.
    const std::string before = header_.substr(page, table::kHeaderBytes);
    const size_t kept = SaysTheSame(present, before) ? 0 : table::kLiveWordsAt;
    file.seekp(static_cast<std::streamoff>(page + kept));
    file.write(before.data() + kept, static_cast<std::streamsize>(before.size() - kept));
  }
  file.seekp(table::kSlotsOffset);
  for (History& history : histories_) {
    const Image left = history.versions[timeline_.random().Below(history.versions.size())];
    file.write(reinterpret_cast<const char*>(left.data()), sizeof(left));
    history.versions = {left};
  }
  TG_ASSERT(file.flush().good());
  for (Page& page : pages_) page = {};
}

}  // namespace tollgate::simulation
