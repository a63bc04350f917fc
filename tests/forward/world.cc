#include "tests/forward/world.h"

#include <algorithm>
#include <bit>
#include <filesystem>

#include "tests/forward/world_instance.h"
#include "tollgate/base/assert.h"

namespace tollgate::simulation {

using table::PaymentTable;

namespace {

constexpr int64_t kTurnUs = 200;

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
  if (options_.disk)
    it.disk.Open(it.path, &it.table->At(table::SlotIndex{0}), it.table->slot_count());
  it.disk.SetFaults(calm_ ? 0 : options_.sync_fails);
  TG_ASSERT(it.table->recovery().damaged == 0);
  it.ring = std::make_unique<forward::WorkRing>(std::bit_ceil(options_.slots));
  for (const table::SlotIndex slot : it.table->recovery().to_continue)
    TG_ASSERT(it.ring->TryPush(slot));
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
      forwarding.report = [this](bool problem, std::string_view text) {
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

// Called between two changes: the place for a crash.
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

// One turn of every loop of the instance; a fault in one of its steps ends the instance.
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
    // Operators stop a copy for good, and start the table's own instance again. (A copy that is the
    // newest has its own claims by then, and is started again like any other.)
    CrashInstance(index, Crash::kProcess);
    it.stopped = index >= options_.instances;
    return;
  }
  // As in the gateway: a run is known once every replay is complete.
  const bool reported = std::all_of(it.workers.begin(), it.workers.end(), [](const auto& worker) {
    return worker.ledger->can_claim() && !worker.forwarder->replaying();
  });
  const std::string& run = it.workers.front().ledger->run_id();
  const bool same = std::all_of(it.workers.begin(), it.workers.end(),
                                [&](const auto& worker) { return worker.ledger->run_id() == run; });
  if (reported && same && it.table->LastLedgerRunId() != run) it.table->SetLedgerRunId(run);
}

void World::Accepted(size_t index, const payments::Uuid& id) {
  posted_[id].accepted = true;
  posted_[id].by.insert(index);
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
    // Events first: each may call into an instance and crash it.
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
    PlaySummary();
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

// Nothing is open anywhere; no copy sleeps inside a processor.
bool World::Settled() const {
  if (!timeline_.empty()) return false;
  return std::all_of(instances_.begin(), instances_.end(), [this](const auto& it) {
    if (timeline_.now_ns() < it->away_until_ns) return false;
    if (it->table == nullptr) return true;
    if (it->ring->SizeApprox() != 0) return false;
    return std::all_of(it->workers.begin(), it->workers.end(), [](const auto& worker) {
      return worker.ledger->can_claim() && !worker.forwarder->replaying() &&
             worker.forwarder->held() == 0;
    });
  });
}

}  // namespace tollgate::simulation
