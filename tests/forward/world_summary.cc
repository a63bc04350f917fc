// Summaries that are as of the moment they were asked for: all records of the fleet are held, and
// when what was confirmed before is recorded, the books are read.
#include <algorithm>

#include "tests/forward/world_instance.h"

namespace tollgate::simulation {

using table::SlotState;

template <typename Each>
void World::ForEachForwarder(Each each) {
  for (const auto& instance : instances_) {
    if (instance->table == nullptr) continue;
    for (auto& worker : instance->workers) each(*worker.forwarder);
  }
}

// What processors have confirmed, as the tables know it, and what is not known to be recorded.
std::set<payments::Uuid> World::Unrecorded() const {
  std::set<payments::Uuid> ids;
  for (const auto& instance : instances_) {
    if (instance->table == nullptr) continue;
    for (const table::SlotIndex slot : table::AllSlots(instance->table->slot_count())) {
      const auto copy = instance->table->Read(slot);
      if (copy && copy->status.state == SlotState::kBooked) ids.insert(copy->payment.id);
    }
  }
  return ids;
}

void World::PlaySummary() {
  if (!options_.summaries) return;
  if (!summary_) {
    if (!timeline_.Chance(10)) return;
    // A table that is opened later brings what its last opening had confirmed.
    for (const auto& instance : instances_) {
      if (instance->table == nullptr) return;
    }
    summary_ = Summary{.confirmed = Unrecorded(), .recorded = {}, .crashes = crashes_};
    for (const auto& [id, entry] : ledger_.state().entries) summary_->recorded.push_back(id);
    return ForEachForwarder([](forward::Forwarder& it) { it.HoldRecords(); });
  }
  bool recorded = true;
  const bool whole = summary_->crashes == crashes_;
  if (whole)
    ForEachForwarder([&](forward::Forwarder& it) { recorded = recorded && it.recorded(); });
  if (whole && !recorded) return;
  if (whole) CheckSummary();
  ForEachForwarder([](forward::Forwarder& it) { it.ReleaseRecords(); });
  summary_.reset();
}

void World::CheckSummary() {
  ++summaries_;
  const auto& books = ledger_.state().entries;
  for (const payments::Uuid& id : summary_->confirmed) {
    if (!books.contains(id)) {
      violations_ += payments::ToString(id) + ": confirmed before a summary, and not in it\n";
    }
  }
  const auto& recorded = summary_->recorded;
  for (const payments::Uuid& id : Unrecorded()) {
    if (!books.contains(id) || summary_->confirmed.contains(id)) continue;
    // An instance may find out that another one has booked it.
    if (!std::binary_search(recorded.begin(), recorded.end(), id)) {
      violations_ += payments::ToString(id) + ": confirmed after a summary, and in it\n";
    }
  }
}

}  // namespace tollgate::simulation
