#include "tests/forward/world.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <filesystem>

#include "api/admission.h"
#include "tests/forward/disk_model.h"
#include "tollgate/base/assert.h"
#include "tollgate/forward/table_memory.h"

namespace tollgate::simulation {

using table::PaymentTable;
using table::SlotState;

namespace {

class SkewedClock final : public base::Clock {
 public:
  SkewedClock(const base::Clock& clock, int64_t skew_ms) : clock_(clock), skew_ms_(skew_ms) {}
  int64_t WallMillis() const override { return clock_.WallMillis() + skew_ms_; }
  int64_t MonotonicNanos() const override { return clock_.MonotonicNanos(); }

 private:
  const base::Clock& clock_;
  const int64_t skew_ms_;
};

}  // namespace

struct World::Instance {
  Instance(Timeline& timeline, std::string path_in, int64_t skew_ms)
      : path(std::move(path_in)), clock(timeline.clock(), skew_ms), disk(timeline) {}

  const std::string path;
  const SkewedClock clock;
  DiskModel disk;
  std::shared_ptr<payments::ProcessorDirectory> directory;
  bool moved = false;
  std::unique_ptr<PaymentTable> table;
  std::unique_ptr<forward::WorkRing> ring;
  std::unique_ptr<forward::TableMemory> memory;
  struct Worker {
    std::unique_ptr<LedgerSession> ledger;
    std::unique_ptr<ClientModel> client;
    std::unique_ptr<metrics::ForwardMetrics> metrics;
    std::unique_ptr<forward::Forwarder> forwarder;
  };
  std::vector<Worker> workers;
  std::unique_ptr<api::Admission<payments::Uuid>> admission;
  bool committing = false;
  bool drains = false;
  bool stopped = false;        // for good
  std::shared_ptr<bool> life;  // of the opening
  // What the books last said of each slot's claim, in this opening; and until when it is away.
  std::map<std::pair<uint32_t, uint32_t>, ledger::ClaimVerdict> said;
  int64_t away_until_ns = 0;
};

namespace {

constexpr int64_t kTurnUs = 200;
constexpr int64_t kForeignCents = 555;

}  // namespace

World::World(WorldOptions options)
    : options_(std::move(options)),
      timeline_(options_.seed),
      ledger_(timeline_.clock()),
      others_(timeline_.clock(), {0xB00C5, 2}) {
  others_.Greet({.table = {9, 9}, .incarnation = 1, .nonce = 1}, 0, {});
  for (size_t i = 0; i < options_.instances; ++i) {
    const std::string path = options_.folder + "/" + std::to_string(i) + ".table";
    const int64_t skew_ms = timeline_.Between(0, options_.clock_skew_ms_max);
    instances_.push_back(std::make_unique<Instance>(timeline_, path, skew_ms));
    std::filesystem::remove(path);
    OpenInstance(i);
  }
}

World::~World() {
  for (const auto& instance : instances_) {
    instance->workers.clear();
    instance->table.reset();
    std::filesystem::remove(instance->path);
  }
}

void World::OpenInstance(size_t index) {
  Instance& it = *instances_[index];
  const bool away = timeline_.now_ns() < it.away_until_ns;
  if (it.table != nullptr || it.stopped || away) return;
  it.said.clear();
  std::vector<std::vector<uint64_t>> identities;
  if (options_.moves) {
    it.moved = calm_ ? calm_moved_ : timeline_.Chance(3);
    identities = {{it.moved ? 3U : 1U}, {2}};
  }
  it.directory = std::make_shared<payments::ProcessorDirectory>(
      std::vector<std::string>{"default", "fallback"}, identities);
  const auto durability = options_.disk ? table::Durability::kDisk : table::Durability::kProcess;
  auto opened = PaymentTable::Open(
      {.path = it.path,
       .durability = durability,
       .slots = options_.slots,
       .rest_ms = 5000,
       .sync_for_test = [&disk = it.disk] { return disk.Sync(); },
       .dirtied_for_test = [&disk = it.disk](size_t slot) { disk.Dirtied(slot); }},
      *it.directory);
  TG_ASSERT(opened.ok());
  it.table = std::move(opened).value();
  it.life = std::make_shared<bool>(true);
  it.committing = false;
  it.drains = false;
  if (options_.disk) it.disk.Open(it.path, &it.table->At(0), it.table->slot_count());
  it.disk.SetFaults(calm_ ? 0 : options_.sync_fails);
  TG_ASSERT(it.table->recovery().damaged == 0);
  it.ring = std::make_unique<forward::WorkRing>(std::bit_ceil(options_.slots));
  for (const uint32_t slot : it.table->recovery().to_continue) TG_ASSERT(it.ring->TryPush(slot));
  it.admission = std::make_unique<api::Admission<payments::Uuid>>(*it.table, *it.ring);
  OpenWorkers(index);
}

void World::OpenWorkers(size_t index) {
  Instance& it = *instances_[index];
  const std::string known_run = it.table->LastLedgerRunId();
  it.memory = std::make_unique<forward::TableMemory>(*it.table);
  const bool wrong = options_.wrong_books && !calm_ && it.memory->Books() != payments::Uuid{} &&
                     timeline_.Chance(3);
  it.workers.resize(options_.forwarders);
  for (size_t i = 0; i < it.workers.size(); ++i) {
    auto& worker = it.workers[i];
    worker.ledger = std::make_unique<LedgerSession>(timeline_, wrong ? others_ : ledger_,
                                                    calm_ ? LedgerFaults{} : options_.ledger,
                                                    *it.memory, known_run);
    worker.client = std::make_unique<ClientModel>(timeline_, processors_,
                                                  calm_ ? NetworkFaults{} : options_.network);
    if (options_.moves) {
      worker.ledger->SetDirectory(it.directory);
      worker.client->MoveFirst(it.moved ? 2 : 0);
    }
    worker.metrics = std::make_unique<metrics::ForwardMetrics>();
    forward::ForwarderOptions forwarding;
    forwarding.processors = {{.name = "default", .url = "", .fee_ppm = 50'000, .headers = {}},
                             {.name = "fallback", .url = "", .fee_ppm = 150'000, .headers = {}}};
    for (auto& processor : forwarding.processors) processor.in_flight_max = 16;
    forwarding.forwarders = it.workers.size();
    forwarding.index = i;
    forwarding.unresolved_max = 16;
    forwarding.takeover_after_ms = 20;
    forwarding.kept_repeats_percent = 200;
    forwarding.seed = timeline_.random().Next();
    forwarding.on_step = [this, index] { Step(index); };
    if (options_.owner_away) {
      forwarding.tell = [this](bool problem, std::string_view text) {
        if (problem) told_.emplace_back(text);
      };
    }
    worker.ledger->OnClaimSaid([&it](const ledger::ClaimRequest& claim, ledger::ClaimVerdict said) {
      if (said != ledger::ClaimVerdict::kFailed) it.said[{claim.slot, claim.generation}] = said;
    });
    worker.client->OnPost(
        [this, index, &ledger = *worker.ledger](const upstream::PostRequest& request) {
          CheckPost(index, ledger, request.payment.id);
        });
    worker.forwarder = std::make_unique<forward::Forwarder>(
        forwarding, *it.directory, *it.table, *it.ring, *worker.ledger, *worker.client, health_,
        it.clock, *worker.metrics);
    worker.ledger->Connect();
  }
}

// Between two changes: the place for a crash.
void World::Step(size_t index) {
  if (options_.disk) instances_[index]->disk.Observe();
  if (calm_ || steps_until_crash_ == 0 || --steps_until_crash_ != 0) return;
  throw PowerOff{index};
}

void World::CrashInstance(size_t index, Crash crash) {
  Instance& it = *instances_[index];
  if (it.table == nullptr) return;
  ++crashes_;
  it.life.reset();
  it.admission.reset();
  it.workers.clear();
  it.ring.reset();
  it.disk.Close();
  it.table.reset();
  if (!options_.disk || crash == Crash::kProcess) return;
  if (crash == Crash::kPower || timeline_.Chance(2)) it.disk.LosePower();
}

// The steps of the syncing thread.
void World::Commit(size_t index) {
  Instance& it = *instances_[index];
  if (it.committing || !it.table->CommitWanted()) return;
  it.committing = true;
  it.table->BeginCommit();
  it.disk.BeginSync();
  const auto attempt = [this, index, life = std::weak_ptr<bool>(it.life)](auto again) -> void {
    if (life.expired()) return;
    Instance& instance = *instances_[index];
    Step(index);
    if (instance.table->TryCommit()) {
      instance.committing = false;
    } else {
      timeline_.After(timeline_.Between(100, 5'000), [again] { again(again); });
    }
  };
  timeline_.After(timeline_.Between(50, 3'000), [attempt] { attempt(attempt); });
}

// Every loop of every instance turns; a fault in one of its steps ends that instance.
void World::Turn(size_t index) {
  Instance& it = *instances_[index];
  if (it.table == nullptr) return;
  Commit(index);
  it.admission->OnCommitted([this, index](const payments::Uuid& id) { Accepted(index, id); });
  for (auto& worker : it.workers) {
    if (!worker.ledger->ready() && timeline_.now_ns() >= it.away_until_ns &&
        timeline_.Chance(calm_ || timeline_.now_ns() < slow_until_ns_ ? 2 : 20)) {
      worker.ledger->Connect();
    }
    worker.ledger->OnTurn();
    worker.forwarder->Pump();
    if (worker.forwarder->NextDeadlineNs() <= timeline_.now_ns()) spun_ = true;
  }
  const bool fenced = std::any_of(it.workers.begin(), it.workers.end(),
                                  [](const auto& worker) { return worker.forwarder->fenced(); });
  if (fenced) {
    // People stop a copy for good, and start the table's own instance again. (One that is the
    // newest has claims of its own by then, and is started again like any other.)
    CrashInstance(index, Crash::kProcess);
    it.stopped = index >= options_.instances;
    return;
  }
  // As the gateway does: a run is known once all that was to be told again has been told.
  const bool told = std::all_of(it.workers.begin(), it.workers.end(), [](const auto& worker) {
    return worker.ledger->can_claim() && !worker.forwarder->retelling();
  });
  const std::string& run = it.workers.front().ledger->run_id();
  const bool same = std::all_of(it.workers.begin(), it.workers.end(),
                                [&](const auto& worker) { return worker.ledger->run_id() == run; });
  if (told && same && it.table->LastLedgerRunId() != run) it.table->SetLedgerRunId(run);
}

void World::Accepted(size_t index, const payments::Uuid& id) {
  posted_[id].accepted = true;
  posted_[id].by.insert(index);
}

void World::PostSomething() {
  const size_t index = timeline_.random().Below(options_.instances);
  Instance& it = *instances_[index];
  if (it.table == nullptr) return;
  // Mostly new ids; sometimes a client's repeat, and now and then with another amount.
  uint64_t number = ++next_id_;
  int64_t cents = 1990;
  if (timeline_.Chance(5)) {
    // What was booked before a purge is a new payment to the empty books; clients do not repeat it.
    number = purged_ids_ + 1 + timeline_.random().Below(next_id_ - purged_ids_);
    if (timeline_.Chance(4)) cents = 777;
  }
  const payments::Payment payment{.id = {options_.seed, number}, .amount_cents = cents};
  if (number == next_id_ && timeline_.Chance(40)) {
    // Somebody else has used this id at a processor, with an amount of their own.
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

// It dies, or is only cut off from the ledger. It is back before a slot that it freed can be used
// again; until then another one takes the repeats of what it held, once the grace is over.
void World::LoseOwner() {
  const size_t owner = timeline_.random().Below(options_.instances);
  Instance& it = *instances_[owner];
  if (it.table == nullptr) return;
  owner_lost_ = true;
  const int64_t back_us = timeline_.Between(2'600'000, 3'000'000);
  for (uint32_t slot = 0; slot < it.table->slot_count(); ++slot) {
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

// The ledger's process is another one from now on, and lacks what the last one did not sync.
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

// Slots go on being taken all the while: by the clock, those that were freed just before have
// rested long before anything can be told again. Then it loses its tail some more times, sooner
// than what it was told has rested; and once more after slots have been used again.
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

// The ledger loses nothing. What only the one that is gone has accepted is lost with it.
void World::SilenceOwner() {
  const size_t owner = timeline_.random().Below(options_.instances);
  Instance& it = *instances_[owner];
  if (it.table == nullptr || timeline_.now_ns() < it.away_until_ns) return;
  for (uint32_t slot = 0; slot < it.table->slot_count(); ++slot) {
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

void World::CheckPost(size_t index, const LedgerSession& ledger, const payments::Uuid& id) {
  const Instance& it = *instances_[index];
  bool granted = false;
  bool repeat = false;
  for (uint32_t slot = 0; slot < it.table->slot_count(); ++slot) {
    const auto copy = it.table->Read(slot);
    if (!copy || copy->payment.id != id) continue;
    const bool sent = copy->status.state == SlotState::kSent;
    if (!sent && copy->status.state != SlotState::kUnresolved) continue;
    const auto said = it.said.find({slot, copy->generation});
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

// Drained, then ended once nothing is in flight.
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

// As from a backup, or by a volume that was cloned: an old state of a table, opened beside it.
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

void World::Calm() {
  calm_ = true;
  for (auto& processor : processors_) {
    processor.failing = false;
    processor.delay_us = 500;
  }
  if (options_.wrong_books) {
    for (size_t i = 0; i < instances_.size(); ++i) CrashInstance(i, Crash::kProcess);
  }
  for (size_t i = 0; i < instances_.size(); ++i) {
    if (instances_[i]->drains) CrashInstance(i, Crash::kProcess);
    OpenInstance(i);
    instances_[i]->disk.SetFaults(0);
    for (auto& worker : instances_[i]->workers) {
      worker.ledger->SetFaults({});
      worker.client->SetFaults({});
    }
  }
}

void World::MoveInCalm() {
  if (!options_.moves || timeline_.now_ns() < next_move_ns_) return;
  next_move_ns_ = timeline_.now_ns() + 6 * base::kNanosPerSecond;
  calm_moved_ = !calm_moved_;
  for (size_t i = 0; i < instances_.size(); ++i) CrashInstance(i, Crash::kProcess);
}

Verdict World::Run(int64_t ms) {
  const int64_t end_ns = timeline_.now_ns() + ms * base::kNanosPerMilli;
  const int64_t settle_ns = end_ns + 60 * base::kNanosPerSecond;
  int64_t next_turn_ns = timeline_.now_ns();
  while (timeline_.now_ns() < settle_ns) {
    const bool slow = timeline_.now_ns() < slow_until_ns_;
    if (!calm_ && !slow && timeline_.now_ns() >= end_ns) Calm();
    next_turn_ns += (calm_ || slow ? 20 : 1) * kTurnUs * 1000;
    // Events first: each may call into an instance and lose it.
    for (;;) {
      try {
        if (!timeline_.RunNext(next_turn_ns)) break;
      } catch (const PowerOff& off) {
        CrashInstance(off.instance);
      }
    }
    for (size_t i = 0; i < instances_.size(); ++i) {
      try {
        Turn(i);
      } catch (const PowerOff&) {
        CrashInstance(i);
      }
    }
    if (calm_) {
      MoveInCalm();
      for (size_t i = 0; i < instances_.size(); ++i) OpenInstance(i);  // after a fence
      if (Settled()) break;
      continue;
    }
    if (options_.copied_table && timeline_.Chance(300)) CopyTable();
    if (timeline_.Chance(3)) PostSomething();
    Disturb();
  }
  return Check();
}

// Nothing is under way anywhere, not even a copy that sleeps inside a processor.
bool World::Settled() const {
  if (!timeline_.empty()) return false;
  return std::all_of(instances_.begin(), instances_.end(), [this](const auto& it) {
    if (timeline_.now_ns() < it->away_until_ns) return false;
    if (it->table == nullptr) return true;
    if (it->ring->SizeApprox() != 0) return false;
    return std::all_of(it->workers.begin(), it->workers.end(), [](const auto& worker) {
      return worker.ledger->can_claim() && !worker.forwarder->retelling() &&
             worker.forwarder->held() == 0;
    });
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
  // A purge empties the books, and with them what they know of ids: a repeat that is claimed after
  // it is a payment of its own, and nothing can be said of the two together.
  if (purged_.contains(id) && posted.times > 1) return;
  // Accepted by nobody who is still there; or a conflict, which only the one that is gone could
  // have put on the books.
  const bool by_none = std::all_of(posted.by.begin(), posted.by.end(),
                                   [&](size_t i) { return instances_[i]->stopped; });
  const bool orphan =
      gone_for_good_ && (by_none || posted.cents.size() > 1 || foreign_.contains(id));
  // One that was sent when its claim was lost may be: then both sides of it were told.
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

// Once all has settled nothing waits in a table.
void World::CheckTable(const Instance& instance, Verdict* verdict) const {
  if (instance.stopped) return;
  if (instance.table == nullptr) {
    verdict->text += instance.path + " is not up\n";
    return;
  }
  for (uint32_t slot = 0; slot < instance.table->slot_count(); ++slot) {
    const auto state = instance.table->Status(slot).state;
    if (state == SlotState::kFree || state == SlotState::kFreeBooked) continue;
    const auto copy = instance.table->Read(slot);
    verdict->text += payments::ToString(copy ? copy->payment.id : payments::Uuid{}) +
                     ": still in the table, state " + std::to_string(static_cast<int>(state)) +
                     "\n";
  }
}

Verdict World::Check() const {
  Verdict verdict{.text = violations_, .accepted = 0, .crashes = crashes_};
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
