// The invariants, at each POST and after all has settled.
#include <algorithm>
#include <string>

#include "tests/forward/world_instance.h"
#include "tollgate/base/assert.h"

namespace tollgate::simulation {

using table::SlotState;

void World::CheckPost(size_t index, const LedgerSession& ledger, const payments::Uuid& id) {
  const Instance& it = *instances_[index];
  bool granted = false;
  bool repeat = false;
  for (const table::SlotIndex slot : table::AllSlots(it.table->slot_count())) {
    const auto copy = it.table->Read(slot);
    if (!copy || copy->payment.id != id) continue;
    const bool sent = copy->status.state == SlotState::kSent;
    if (!sent && copy->status.state != SlotState::kUnresolved) continue;
    const auto said = it.said.find({table::NumberOf(slot), copy->generation});
    if (said == it.said.end() || (said->second != ledger::ClaimVerdict::kYours &&
                                  said->second != ledger::ClaimVerdict::kStale)) {
      continue;
    }
    granted = true;
    repeat = repeat || !sent;
  }
  if (!granted) {
    violations_ += payments::ToString(id) + ": sent, and the books' last word was that it is not " +
                   it.path + "'s\n";
  } else if (repeat && !ledger.ready()) {
    violations_ += payments::ToString(id) + ": sent again while the books could not be asked\n";
  }
}

bool World::Told(const payments::Uuid& id) const {
  const std::string text = payments::ToString(id);
  return std::any_of(told_.begin(), told_.end(), [&](const std::string& line) {
    return line.find("double charge: ") != std::string::npos &&
           line.find(text) != std::string::npos;
  });
}

void World::CheckPayment(const payments::Uuid& id, const Posted& posted, Verdict* verdict) const {
  const auto complain = [&](const char* what) {
    verdict->text += payments::ToString(id) + ": " + what + "\n";
  };
  const auto& books = ledger_.state().entries;
  const auto entry = books.find(id);
  const auto held = std::count_if(processors_.begin(), processors_.end(), [&](const auto& it) {
    const auto at = it.entries().find(id);
    return at != it.entries().end() && at->second.cents != kForeignCents;
  });
  // A purge empties the books, including what they know of ids. A repeat that is claimed after it
  // is a new payment, and nothing can be said of the two together.
  if (purged_.contains(id) && posted.times > 1) return;
  // No instance that still exists accepted it; or it is a conflict that only a lost instance could
  // have put on the books.
  const bool by_none = std::all_of(posted.by.begin(), posted.by.end(),
                                   [&](size_t i) { return instances_[i]->stopped; });
  const bool orphan =
      gone_for_good_ && (by_none || posted.cents.size() > 1 || foreign_.contains(id));
  // A payment that was sent when its claim was lost may be charged twice, if that was reported.
  if (held > 1 && !(options_.owner_away && Told(id))) complain("charged twice");
  if (entry == books.end()) {
    if (purged_.contains(id)) return;
    if (orphan) return;
    if (held != 0) return complain("charged, and not on the books");
    if (posted.accepted) complain("lost");
    return;
  }
  if (entry->second.rejected) {
    if (held != 0) complain("rejected, and charged");
    return;
  }
  const auto* holder = &processors_[entry->second.processor].entries();
  // The books know it by its name.
  const auto at_first = holder->find(id);
  const bool not_there = at_first == holder->end() || at_first->second.cents == kForeignCents;
  if (options_.moves && entry->second.processor == 0 && not_there) {
    holder = &processors_[2].entries();
  }
  const auto it = holder->find(id);
  if (it == holder->end()) {
    complain("on the books, and not charged there");
  } else if (it->second.cents != entry->second.cents ||
             it->second.requested_at_ms != entry->second.requested_at_ms) {
    complain("amount or time differ");
  } else if (!posted.cents.contains(it->second.cents)) {
    complain("charged with an amount that nobody asked for");
  }
  CheckCounted(id, posted, entry->second, verdict);
}

// A payment counts if it was claimed after the last purge.
void World::CheckCounted(const payments::Uuid& id, const Posted& posted,
                         const LedgerModel::Entry& entry, Verdict* verdict) const {
  if (!entry.counted && posted.purges == purges_) {
    verdict->text += payments::ToString(id) + ": posted after the last purge, and not counted\n";
  }
  if (entry.counted && purged_.contains(id)) {
    verdict->text += payments::ToString(id) + ": charged before a purge, and counted\n";
  }
}

// After all has settled nothing waits in a table.
void World::CheckTable(const Instance& instance, Verdict* verdict) const {
  if (instance.stopped) return;
  if (instance.table == nullptr) {
    verdict->text += instance.path + " is not up\n";
    return;
  }
  for (const table::SlotIndex slot : table::AllSlots(instance.table->slot_count())) {
    const auto state = instance.table->Status(slot).state;
    if (state == SlotState::kFree || state == SlotState::kFreeBooked) continue;
    const auto copy = instance.table->Read(slot);
    verdict->text += payments::ToString(copy ? copy->payment.id : payments::Uuid{}) +
                     ": still in the table, state " + std::to_string(static_cast<int>(state)) +
                     "\n";
  }
}

Verdict World::Check() const {
  Verdict verdict{.text = violations_, .accepted = 0, .crashes = crashes_, .summaries = summaries_};
  if (spun_) verdict.text += "a worker wanted to turn again at once, for nothing\n";
  for (const auto& [id, posted] : posted_) {
    verdict.accepted += posted.accepted ? 1 : 0;
    CheckPayment(id, posted, &verdict);
  }
  for (const auto& processor : processors_) {
    for (const auto& [id, entry] : processor.entries()) {
      if (posted_.contains(id) || foreign_.contains(id)) continue;
      verdict.text += payments::ToString(id) + ": charged, and never posted\n";
    }
  }
  for (size_t i = 0; i < options_.instances; ++i) CheckTable(*instances_[i], &verdict);
  if (!others_.state().pending.empty() || !others_.state().entries.empty()) {
    verdict.text += "something was put on another fleet's books\n";
  }
  return verdict;
}

}  // namespace tollgate::simulation
