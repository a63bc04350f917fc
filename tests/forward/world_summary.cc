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

// The outcomes that the tables know, and that are not known to be recorded.
std::map<payments::Uuid, SlotState> World::Unrecorded() const {
  std::map<payments::Uuid, SlotState> ids;
  for (const auto& instance : instances_) {
    if (instance->table == nullptr) continue;
    for (const table::SlotIndex slot : table::AllSlots(instance->table->slot_count())) {
      const auto copy = instance->table->Read(slot);
      if (!copy) continue;
      const SlotState state = copy->status.state;
      if (state == SlotState::kBooked || state == SlotState::kRejected) {
        ids.emplace(copy->payment.id, state);
      }
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
    summary_ = Summary{.confirmed = Unrecorded(),
                       .recorded = {},
                       .crashes = crashes_,
                       .until_ns = timeline_.now_ns() + 100 * base::kNanosPerMilli};
    for (const auto& [id, entry] : ledger_.state().entries) summary_->recorded.push_back(id);
    return ForEachForwarder([](forward::Forwarder& it) { it.HoldRecords(); });
  }
  using ledger::HeldRecords;
  auto records = HeldRecords::kRecorded;
  if (summary_->crashes == crashes_) {
    ForEachForwarder([&](forward::Forwarder& it) { records = Worse(records, it.records()); });
  } else {
    records = HeldRecords::kLacking;
  }
  const bool waits = timeline_.now_ns() < summary_->until_ns;
  if (records == HeldRecords::kUnderWay && waits) return;
  if (records == HeldRecords::kRecorded) CheckSummary();
  ForEachForwarder([](forward::Forwarder& it) { it.ReleaseRecords(); });
  summary_.reset();
}

void World::CheckSummary() {
  ++summaries_;
  const auto& books = ledger_.state().entries;
  for (const auto& [id, state] : summary_->confirmed) {
    if (state == SlotState::kBooked && !books.contains(id)) {
      violations_ += payments::ToString(id) + ": confirmed before a summary, and not in it\n";
    }
  }
  const auto& recorded = summary_->recorded;
  for (const auto& [id, entry] : books) {
    if (summary_->confirmed.contains(id)) continue;
    if (!std::binary_search(recorded.begin(), recorded.end(), id)) {
      violations_ += payments::ToString(id) + ": confirmed after a summary, and in it\n";
    }
  }
}

}  // namespace tollgate::simulation
