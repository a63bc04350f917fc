#include "tests/forward/world.h"

#include <algorithm>
#include <filesystem>

#include "tollgate/base/assert.h"

namespace tollgate::simulation {

using table::PaymentTable;
using table::SlotState;

struct World::Instance {
  std::string path;
  std::unique_ptr<PaymentTable> table;
  std::unique_ptr<forward::WorkRing> ring;
  struct Worker {
    std::unique_ptr<LedgerSession> ledger;
    std::unique_ptr<ClientModel> client;
    std::unique_ptr<metrics::ForwardMetrics> metrics;
    std::unique_ptr<forward::Forwarder> forwarder;
  };
  std::vector<Worker> workers;
  std::optional<uint64_t> known_run;  // as the file's header keeps it
};

namespace {

constexpr int64_t kTurnUs = 200;
constexpr int64_t kForeignCents = 555;

PaymentTable::Snapshot const* Newest(const std::optional<PaymentTable::Snapshot>& copy) {
  return copy ? &*copy : nullptr;
}

}  // namespace

World::World(WorldOptions options)
    : options_(std::move(options)), timeline_(options_.seed), ledger_(timeline_.clock()) {
  for (size_t i = 0; i < options_.instances; ++i) {
    instances_.push_back(std::make_unique<Instance>());
    instances_.back()->path = options_.folder + "/" + std::to_string(i) + ".table";
    std::filesystem::remove(instances_.back()->path);
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
  if (it.table != nullptr) return;
  auto opened = PaymentTable::Open({.path = it.path, .slots = options_.slots, .rest_ms = 5000},
                                   directory_, timeline_.now_ns());
  TG_ASSERT(opened.ok());
  it.table = std::move(opened).value();
  TG_ASSERT(it.table->recovery().damaged == 0);
  it.ring = std::make_unique<forward::WorkRing>(options_.slots);
  for (const uint32_t slot : it.table->recovery().to_continue) TG_ASSERT(it.ring->TryPush(slot));
  it.workers.resize(options_.forwarders);
  for (size_t i = 0; i < it.workers.size(); ++i) {
    auto& worker = it.workers[i];
    worker.ledger = std::make_unique<LedgerSession>(
        timeline_, ledger_, calm_ ? LedgerFaults{} : options_.ledger, it.known_run);
    worker.client = std::make_unique<ClientModel>(timeline_, processors_,
                                                  calm_ ? NetworkFaults{} : options_.network);
    worker.metrics = std::make_unique<metrics::ForwardMetrics>();
    forward::ForwarderOptions forwarding;
    forwarding.processors = {{.name = "default", .url = "", .fee_ppm = 50'000, .headers = {}},
                             {.name = "fallback", .url = "", .fee_ppm = 150'000, .headers = {}}};
    for (auto& processor : forwarding.processors) processor.in_flight_max = 16;
    forwarding.forwarders = it.workers.size();
    forwarding.index = i;
    forwarding.unresolved_max = 16;
    forwarding.seed = timeline_.random().Next();
    forwarding.on_step = [this, index] {
      if (calm_ || steps_until_crash_ == 0 || --steps_until_crash_ != 0) return;
      throw PowerOff{index};
    };
    worker.forwarder = std::make_unique<forward::Forwarder>(
        forwarding, directory_, *it.table, *it.ring, *worker.ledger, *worker.client, health_,
        timeline_.clock(), *worker.metrics);
    worker.ledger->Connect();
  }
}

void World::CrashInstance(size_t index) {
  Instance& it = *instances_[index];
  if (it.table == nullptr) return;
  ++crashes_;
  it.workers.clear();
  it.ring.reset();
  it.table.reset();
}

// Every loop of every instance turns; a fault in one of its steps ends that instance.
void World::Turn(size_t index) {
  Instance& it = *instances_[index];
  if (it.table == nullptr) return;
  for (auto& worker : it.workers) {
    if (!worker.ledger->ready() && timeline_.Chance(calm_ ? 2 : 20)) {
      worker.ledger->Connect();
    }
    worker.forwarder->Pump();
  }
  const bool fenced = std::any_of(it.workers.begin(), it.workers.end(),
                                  [](const auto& worker) { return worker.forwarder->fenced(); });
  if (fenced) {
    // People stop a copy for good, and start the table's own instance again.
    CrashInstance(index);
    return;
  }
  // As the gateway does: a run is known once all that was to be told again has been told.
  const bool told = std::all_of(it.workers.begin(), it.workers.end(), [](const auto& worker) {
    return worker.ledger->can_claim() && !worker.forwarder->retelling();
  });
  if (told) it.known_run = ledger_.run();
}

void World::PostSomething() {
  Instance& it = *instances_[timeline_.random().Below(options_.instances)];
  if (it.table == nullptr) return;
  // Mostly new ids; sometimes a client's repeat, and now and then with another amount.
  uint64_t number = ++next_id_;
  int64_t cents = 1990;
  if (timeline_.Chance(5)) {
    number = 1 + timeline_.random().Below(next_id_);
    if (timeline_.Chance(4)) cents = 777;
  }
  const payments::Payment payment{.id = {options_.seed, number}, .amount_cents = cents};
  if (number == next_id_ && timeline_.Chance(40)) {
    // Somebody else has used this id at a processor, with an amount of their own.
    const payments::Payment foreign{.id = payment.id, .amount_cents = kForeignCents};
    processors_[timeline_.random().Below(2)].Book(foreign, timeline_.clock().WallMillis());
    foreign_.insert(payment.id);
  }
  const auto slot = it.table->Acquire(payment, timeline_.clock().WallMillis(), timeline_.now_ns());
  if (!slot) return;
  TG_ASSERT(it.ring->TryPush(*slot));
  accepted_[payment.id].cents.insert(cents);
}

void World::Disturb() {
  auto& processor = processors_[timeline_.random().Below(2)];
  if (timeline_.Chance(200)) processor.failing = !processor.failing;
  if (timeline_.Chance(200)) processor.delay_us = timeline_.Between(0, 300'000);
  if (options_.ledger_loses_tail && timeline_.Chance(1500)) {
    ledger_.CrashAndLose(timeline_.Between(0, 1'900));
    for (size_t i = 0; i < instances_.size(); ++i) {
      try {
        for (auto& worker : instances_[i]->workers) worker.ledger->Disconnect();
      } catch (const PowerOff&) {
        CrashInstance(i);
      }
    }
  }
  for (size_t i = 0; i < options_.instances; ++i) {
    if (instances_[i]->table == nullptr && timeline_.Chance(100)) OpenInstance(i);
  }
  if (options_.crash_per_steps != 0 && steps_until_crash_ == 0) {
    steps_until_crash_ = 1 + timeline_.random().Below(2 * options_.crash_per_steps);
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
  instances_.push_back(std::make_unique<Instance>());
  instances_.back()->path = path;
  instances_.back()->known_run = ledger_.run();
  OpenInstance(instances_.size() - 1);
}

void World::Calm() {
  calm_ = true;
  for (auto& processor : processors_) {
    processor.failing = false;
    processor.delay_us = 500;
  }
  for (size_t i = 0; i < instances_.size(); ++i) {
    if (i < options_.instances) OpenInstance(i);
    for (auto& worker : instances_[i]->workers) {
      worker.ledger->SetFaults({});
      worker.client->SetFaults({});
    }
  }
}

Verdict World::Run(int64_t ms) {
  const int64_t end_ns = timeline_.now_ns() + ms * base::kNanosPerMilli;
  const int64_t settle_ns = end_ns + 60 * base::kNanosPerSecond;
  int64_t next_turn_ns = timeline_.now_ns();
  while (timeline_.now_ns() < settle_ns) {
    if (!calm_ && timeline_.now_ns() >= end_ns) Calm();
    next_turn_ns += (calm_ ? 20 : 1) * kTurnUs * 1000;
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
      for (size_t i = 0; i < options_.instances; ++i) OpenInstance(i);  // after a fence
      continue;
    }
    if (options_.copied_table && timeline_.Chance(300)) CopyTable();
    if (timeline_.Chance(3)) PostSomething();
    Disturb();
  }
  return Check();
}

Verdict World::Check() const {
  Verdict verdict{.text = {}, .accepted = accepted_.size(), .crashes = crashes_};
  const auto complain = [&](const payments::Uuid& id, const std::string& what) {
    verdict.text += payments::ToString(id) + ": " + what + "\n";
  };
  const auto& books = ledger_.state().entries;
  for (const auto& [id, claimed] : accepted_) {
    const auto entry = books.find(id);
    size_t held = 0;
    for (const auto& processor : processors_) {
      const auto at = processor.entries().find(id);
      if (at != processor.entries().end() && at->second.cents != kForeignCents) ++held;
    }
    if (held > 1) complain(id, "charged twice");
    if (entry == books.end()) {
      complain(id, held == 0 ? "lost" : "charged, and not on the books");
      continue;
    }
    if (entry->second.rejected) {
      if (held != 0) complain(id, "rejected, and charged");
      continue;
    }
    const auto& holder = processors_[entry->second.processor].entries();
    const auto it = holder.find(id);
    if (it == holder.end()) {
      complain(id, "on the books, and not charged there");
    } else if (it->second.cents != entry->second.cents ||
               it->second.requested_at_ms != entry->second.requested_at_ms) {
      complain(id, "amount or time differ");
    } else if (!claimed.cents.contains(it->second.cents)) {
      complain(id, "charged with an amount that nobody asked for");
    }
  }
  for (const auto& processor : processors_) {
    for (const auto& [id, entry] : processor.entries()) {
      if (!accepted_.contains(id) && !foreign_.contains(id))
        complain(id, "charged, and never accepted");
    }
  }
  for (size_t i = 0; i < options_.instances; ++i) {
    const auto& it = instances_[i];
    if (it->table == nullptr) {
      verdict.text += "instance " + std::to_string(i) + " is not up\n";
      continue;
    }
    for (uint32_t slot = 0; slot < it->table->slot_count(); ++slot) {
      const auto state = it->table->Status(slot).state;
      if (state == SlotState::kFree || state == SlotState::kFreeBooked) continue;
      const auto copy = it->table->Read(slot);
      const auto* snapshot = Newest(copy);
      complain(snapshot != nullptr ? snapshot->payment.id : payments::Uuid{},
               "still in the table, state " + std::to_string(static_cast<int>(state)));
    }
  }
  return verdict;
}

}  // namespace tollgate::simulation
