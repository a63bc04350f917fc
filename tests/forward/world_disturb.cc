// The load, and the faults.
#include <algorithm>
#include <filesystem>
#include <string>

#include "tests/forward/world_instance.h"
#include "tollgate/base/assert.h"

namespace tollgate::simulation {

using table::SlotState;

void World::PostSomething() {
  const size_t index = timeline_.random().Below(options_.instances);
  Instance& it = *instances_[index];
  if (it.table == nullptr) return;
  // Mostly new ids; sometimes a client's repeat, and now and then with another amount.
  uint64_t number = ++next_id_;
  int64_t cents = 1990;
  if (timeline_.Chance(5)) {
    // To emptied books a payment that was booked before the purge is new; clients do not repeat it.
    number = purged_ids_ + 1 + timeline_.random().Below(next_id_ - purged_ids_);
    if (timeline_.Chance(4)) cents = 777;
  }
  const payments::Payment payment{.id = {options_.seed, number}, .amount_cents = cents};
  if (number == next_id_ && timeline_.Chance(40)) {
    // Another sender has used this id at a processor, with another amount.
    const payments::Payment foreign{.id = payment.id, .amount_cents = kForeignCents};
    processors_[timeline_.random().Below(2)].Book(foreign, timeline_.clock().WallMillis());
    foreign_.insert(payment.id);
  }
  const auto slot = it.table->Acquire(payment, it.clock.WallMillis());
  if (!slot) return;
  Posted& posted = posted_.try_emplace(payment.id, Posted{.purges = purges_}).first->second;
  posted.cents.insert(cents);
  ++posted.times;
  if (it.admission->Admit(*slot, payment.id)) Accepted(index, payment.id);
}

void World::Disturb() {
  auto& processor = processors_[timeline_.random().Below(2)];
  if (timeline_.Chance(200)) processor.failing = !processor.failing;
  if (timeline_.Chance(200)) processor.delay_us = timeline_.Between(0, 300'000);
  if (options_.ledger_loses_tail && timeline_.Chance(1500)) LoseTail(timeline_.Between(0, 1'900));
  if (options_.ledger_rolls_back && timeline_.Chance(1500)) {
    ledger_.RollBack(timeline_.Between(0, 1'900));
  }
  if (options_.purges && timeline_.Chance(700)) Purge();
  if (options_.stops) StopInGoodOrder();
  if (options_.owner_away && !owner_lost_ && timeline_.Chance(500)) LoseOwner();
  if (options_.owner_silent && timeline_.Chance(900)) SilenceOwner();
  if (options_.ledger_away && slow_until_ns_ == 0 && timeline_.Chance(500)) TakeLedgerAway();
  if (options_.outages && timeline_.Chance(400)) {
    for (size_t i = 0; i < instances_.size(); ++i) CrashInstance(i, Crash::kPower);
    ledger_.CrashAndLose(timeline_.Between(0, 1'900));
  }
  for (size_t i = 0; i < instances_.size(); ++i) {
    const uint64_t turns = timeline_.now_ns() < slow_until_ns_ ? 10 : 100;
    if (instances_[i]->table == nullptr && timeline_.Chance(turns)) OpenInstance(i);
  }
  if (options_.crash_per_steps != 0 && steps_until_crash_ == 0) {
    steps_until_crash_ = 1 + timeline_.random().Below(2 * options_.crash_per_steps);
  }
}

// An instance crashes, or is only cut off from the ledger. It is back before a slot that it freed
// can be used again. Until then another instance takes the repeats of its payments, after the
// grace.
void World::LoseOwner() {
  const size_t owner = timeline_.random().Below(options_.instances);
  Instance& it = *instances_[owner];
  if (it.table == nullptr) return;
  owner_lost_ = true;
  const int64_t back_us = timeline_.Between(2'600'000, 3'000'000);
  for (const table::SlotIndex slot : table::AllSlots(it.table->slot_count())) {
    const auto copy = it.table->Read(slot);
    if (!copy || copy->status.state == SlotState::kFree) continue;
    timeline_.After(timeline_.Between(2'050'000, 2'500'000),
                    [this, owner, payment = copy->payment] {
                      Repeat((owner + 1) % options_.instances, payment);
                    });
  }
  it.away_until_ns = timeline_.now_ns() + back_us * 1000;
  if (timeline_.Chance(2)) CrashInstance(owner, Crash::kProcess);
  LoseTail(timeline_.Between(100, 1'900));
}

// The ledger's process restarts, without what the last one did not sync.
void World::LoseTail(int64_t lost_ms) {
  ledger_.CrashAndLose(lost_ms);
  for (size_t i = 0; i < instances_.size(); ++i) {
    try {
      for (auto& worker : instances_[i]->workers) worker.ledger->Disconnect();
    } catch (const PowerOff&) {
      CrashInstance(i);
    }
  }
}

// Slots are taken all the time. By the clock, those that were freed just before have rested long
// before a replay is possible. Then the ledger loses its tail some more times, each before what was
// replayed has rested; and once more after slots have been used again.
void World::TakeLedgerAway() {
  int64_t at_us = timeline_.Between(5'500'000, 9'000'000);
  ledger_.away_until_ns = timeline_.now_ns() + at_us * 1000;
  LoseTail(timeline_.Between(100, 1'900));
  const auto lose_again = [&](int64_t pause_us) {
    at_us += pause_us;
    const int64_t lost_ms = std::min<int64_t>(pause_us / 1000, 1'900);
    timeline_.After(at_us, [this, lost_ms] { LoseTail(lost_ms); });
  };
  for (int64_t i = timeline_.Between(0, 4); i > 0; --i) {
    lose_again(timeline_.Between(1'000'000, 1'900'000));
  }
  lose_again(timeline_.Between(4'000'000, 12'000'000));
  slow_until_ns_ = timeline_.now_ns() + (at_us + 1'000'000) * 1000;
}

void World::Repeat(size_t index, const payments::Payment& payment) {
  Instance& it = *instances_[index];
  if (it.table == nullptr) return;
  const auto slot = it.table->Acquire(payment, it.clock.WallMillis());
  if (!slot) return;
  Posted& posted = posted_.try_emplace(payment.id, Posted{.purges = purges_}).first->second;
  posted.cents.insert(payment.amount_cents);
  ++posted.times;
  if (it.admission->Admit(*slot, payment.id)) Accepted(index, payment.id);
}

// The ledger loses nothing. Payments that only the lost instance has accepted are lost with it.
void World::SilenceOwner() {
  const size_t owner = timeline_.random().Below(options_.instances);
  Instance& it = *instances_[owner];
  if (it.table == nullptr || timeline_.now_ns() < it.away_until_ns) return;
  for (const table::SlotIndex slot : table::AllSlots(it.table->slot_count())) {
    const auto copy = it.table->Read(slot);
    if (!copy || copy->status.state == SlotState::kFree) continue;
    for (size_t other = 1; other < options_.instances; ++other) {
      if (timeline_.Chance(3)) continue;
      timeline_.After(timeline_.Between(0, 200'000), [this, owner, other, payment = copy->payment] {
        Repeat((owner + other) % options_.instances, payment);
      });
    }
  }
  if (!gone_for_good_ && timeline_.Chance(6)) {
    CrashInstance(owner, Crash::kProcess);
    it.stopped = gone_for_good_ = true;
    return;
  }
  it.away_until_ns = timeline_.now_ns() + timeline_.Between(20'000, 700'000) * 1000;
  for (auto& worker : it.workers) worker.ledger->Disconnect();
  if (timeline_.Chance(2)) CrashInstance(owner, Crash::kProcess);
}

// Drained, then ended when nothing is in flight.
void World::StopInGoodOrder() {
  for (size_t i = 0; i < options_.instances; ++i) {
    Instance& it = *instances_[i];
    if (it.table == nullptr) continue;
    if (it.drains) {
      const bool quiet = std::all_of(it.workers.begin(), it.workers.end(),
                                     [](const auto& worker) { return worker.forwarder->quiet(); });
      if (quiet) CrashInstance(i, Crash::kProcess);
    } else if (timeline_.Chance(300)) {
      it.drains = true;
      for (auto& worker : it.workers) worker.forwarder->BeginDrain();
    }
  }
}

void World::Purge() {
  for (const auto& [id, entry] : ledger_.state().entries) {
    if (entry.rejected) purged_.insert(id);
  }
  ledger_.Purge();
  ++purges_;
  purged_ids_ = next_id_;
  for (const auto& processor : processors_) {
    for (const auto& [id, entry] : processor.entries()) {
      if (entry.cents != kForeignCents) purged_.insert(id);
    }
  }
}

// An old state of a table is opened beside it, as from a backup or a cloned volume.
void World::CopyTable() {
  const std::string path = options_.folder + "/copy.table";
  if (!copied_) {
    std::filesystem::copy_file(instances_[0]->path, path,
                               std::filesystem::copy_options::overwrite_existing);
    copied_ = true;
    return;
  }
  if (instances_.size() > options_.instances) return;
  instances_.push_back(std::make_unique<Instance>(timeline_, path, 0));
  OpenInstance(instances_.size() - 1);
}

}  // namespace tollgate::simulation
