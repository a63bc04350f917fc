#include "app/table_adoption.h"

#include <algorithm>
#include <string>
#include <utility>

namespace tollgate::app {
namespace {

constexpr int64_t kLookNs = 10 * base::kNanosPerSecond;
// An adopted table is released once all in it is finished and has rested. The time is that of its
// own rest clock.
constexpr uint64_t kRestedMs = 6'000;
static_assert(kRestedMs > table::kRestMs);
// Each adopted table has its own connections and some 100 bytes of memory per slot.
constexpr size_t kAdoptedTablesMax = 8;

// Four tables of this instance's size or of the default size, whichever is larger.
size_t AdoptedSlotsMax(const config::Config& config) {
  return 4 * std::max<size_t>(config.table_slots, 65'536);
}

}  // namespace

TableAdoption::TableAdoption(net::EventLoop& loop, GatewayContext& context,
                             ledger::TableLedger& ledger)
    : loop_(loop),
      context_(context),
      ledger_(ledger),
      metrics_(std::make_unique<metrics::ForwardMetrics>()),
      folder_(context.config.data_dir,
              {.tables_max = kAdoptedTablesMax, .slots_max = AdoptedSlotsMax(context.config)}),
      next_look_ns_(context.clock.MonotonicNanos()) {}

void TableAdoption::Maintain() {
  FinishAdopted();
  if (!draining_ && context_.clock.MonotonicNanos() >= next_look_ns_) LookForOrphans();
}

void TableAdoption::Pump() {
  for (const auto& it : adopted_) it->forwarding->Pump();
}

void TableAdoption::HoldRecords() {
  records_held_ = true;
  for (const auto& it : adopted_) it->forwarding->forwarder().HoldRecords();
}

void TableAdoption::ReleaseRecords() {
  records_held_ = false;
  for (const auto& it : adopted_) it->forwarding->forwarder().ReleaseRecords();
}

ledger::HeldRecords TableAdoption::records() const {
  auto all = ledger::HeldRecords::kRecorded;
  for (const auto& it : adopted_) all = Worse(all, it->forwarding->forwarder().records());
  return all;
}

void TableAdoption::BeginDrain() {
  draining_ = true;
  for (const auto& it : adopted_) it->forwarding->forwarder().BeginDrain();
}

bool TableAdoption::quiet() const {
  return std::all_of(adopted_.begin(), adopted_.end(),
                     [](const auto& it) { return it->forwarding->forwarder().quiet(); });
}

// A table that is unlocked in two looks belongs to an instance that does not return by itself,
// because a restart takes less time. It is adopted if it is of this fleet, which its books show,
// and if its number on the books has not moved. A number that moves means that a copy is in use
// elsewhere.
void TableAdoption::LookForOrphans() {
  next_look_ns_ = context_.clock.MonotonicNanos() + kLookNs;
  // The books' standing is not known yet, or they are not ours. Then no table is ours either.
  if (!ledger_.can_claim()) return orphans_.clear();
  std::map<std::string, Orphan> before = std::exchange(orphans_, {});
  const table::FolderWatch::Found found = folder_.Look(adopted_.size(), AdoptedSlots());
  for (const std::string& line : found.news) base::LogWarning("adoption: " + line);
  for (const std::string& path : found.unlocked) {
    const auto facts = table::ReadFacts(path);
    if (!facts.ok()) {
      if (facts.error().code == 0) PassOver(path, facts.error().message);
      continue;
    }
    const std::string why = WhyNotAdopt(path, facts.value());
    if (!why.empty()) {
      PassOver(path, why);
      continue;
    }
    const auto known = before.find(path);
    const bool same = known != before.end() && known->second.table == facts.value().table;
    orphans_[path] = same ? known->second : Orphan{.table = facts.value().table, .number = {}};
    ledger_.AskOwner(facts.value().table, [this, path, facts = facts.value()](const auto& owner) {
      if (owner && !draining_) OnOwner(path, facts, *owner);
    });
  }
}

std::string TableAdoption::WhyNotAdopt(const std::string& path,
                                       const table::TableFacts& facts) const {
  const auto is_open = [&](const WorkQueue& queue) {
    const table::TableIdentity identity = queue.table->identity();
    return identity.table == facts.table ||
           std::find(identity.predecessors.begin(), identity.predecessors.end(), facts.table) !=
               identity.predecessors.end();
  };
  if (is_open(context_.queue) || std::any_of(adopted_.begin(), adopted_.end(),
                                             [&](const auto& it) { return is_open(it->queue); })) {
    return path + " is a copy of a table that this instance works with; move it out of DATA_DIR";
  }
  const payments::Uuid ours = context_.queue.table->Books();
  if (facts.books != payments::Uuid{} && facts.books != ours) {
    return path +
           " is another fleet's: its payments are claimed in other books. Give each fleet a "
           "DATA_DIR of its own";
  }
  return {};
}

void TableAdoption::OnOwner(const std::string& path, const table::TableFacts& facts,
                            const ledger::OwnerFacts& owner) {
  const auto orphan = orphans_.find(path);
  if (orphan == orphans_.end() || orphan->second.table != facts.table) return;
  // An earlier version did not store the books' id. Then the books must know the table.
  if (facts.books == payments::Uuid{} && !owner.known) {
    return PassOver(path, path +
                              " has never been told to these books, so it may be another fleet's; "
                              "start its own instance again, and it goes on");
  }
  const std::optional<int64_t> before = std::exchange(orphan->second.number, owner.number);
  if (!before) return;
  if (*before != owner.number) {
    return PassOver(path, path +
                              " is a copy of a table that another instance works with; move it "
                              "out of DATA_DIR");
  }
  orphans_.erase(orphan);
  Adopt(path);
}

size_t TableAdoption::AdoptedSlots() const {
  size_t sum = 0;
  for (const auto& it : adopted_) sum += it->queue.table->slot_count();
  return sum;
}

void TableAdoption::Adopt(const std::string& path) {
  const size_t slots_left = AdoptedSlotsMax(context_.config) - AdoptedSlots();
  if (adopted_.size() >= kAdoptedTablesMax || slots_left == 0) return;  // a later look adopts it
  table::TableOptions table = MakeTableOptions(context_.config, path);
  table.adopt_slots_max = slots_left;
  auto opened = OpenWorkQueue(table, context_.directory);
  if (!opened.ok()) {
    const base::Error& error = opened.error();
    // Another instance was faster or has finished it, or it must wait until others are finished.
    const bool passes = error.code == EWOULDBLOCK || error.code == ENOENT || error.code == EFBIG;
    if (!passes) PassOver(path, error.message);
    return;
  }
  auto adopted = std::make_unique<Adopted>();
  adopted->queue = std::move(opened).value();
  base::LogInfo("adoption: " + path + " is not in use; finishing its " +
                std::to_string(adopted->queue.table->recovery().unfinished) + " payments");
  for (const auto& [processor, count] : adopted->queue.table->recovery().sent_to_strangers) {
    base::LogError(AboutStranger(context_.directory, processor, count));
  }
  forward::ForwarderOptions options = MakeForwarderOptions(context_, 1, 0);
  options.report_routing = nullptr;  // the workers' own report the same
  for (auto& processor : options.processors) {
    processor.in_flight_max = std::min<size_t>(processor.in_flight_max, 64);
  }
  adopted->forwarding =
      std::make_unique<ForwardingStack>(loop_, context_, adopted->queue, options, *metrics_);
  adopted->commits = adopted->queue.table->AddCommitListener([&loop = loop_] { loop.WakeUp(); });
  adopted->queue.table->StartCommits();
  if (records_held_) adopted->forwarding->forwarder().HoldRecords();
  adopted->forwarding->Start();
  adopted_.push_back(std::move(adopted));
}

void TableAdoption::PassOver(const std::string& path, const std::string& why) {
  if (folder_.IsNews(path, why)) base::LogWarning("adoption: " + why + ". It is left as it is");
}

void TableAdoption::FinishAdopted() {
  std::erase_if(adopted_, [&](const std::unique_ptr<Adopted>& it) {
    if (it->forwarding->forwarder().fenced()) {
      base::LogWarning("adoption: " + it->queue.table->path() +
                       " is used by another instance now; this one has closed it");
      return true;
    }
    // Payments that need a processor that is not configured here are left to another instance.
    const size_t stranded = it->forwarding->forwarder().stranded();
    const bool idle =
        it->forwarding->forwarder().held() == stranded && it->queue.ring->SizeApprox() == 0;
    if (!idle) {
      it->idle_since_ms.reset();
      return false;
    }
    const uint64_t now_ms = it->queue.table->RestClockMs();
    if (!it->idle_since_ms) it->idle_since_ms = now_ms;
    const bool rested = now_ms - *it->idle_since_ms >= kRestedMs;
    if (!rested || it->forwarding->ReplayedRunId().empty()) return false;
    const table::RecoveryReport& report = it->queue.table->recovery();
    base::LogInfo("adoption: " + it->queue.table->path() + " is finished" +
                  (report.damaged == 0 ? ""
                                       : "; it is kept for its " + std::to_string(report.damaged) +
                                             " damaged slots"));
    if (stranded != 0) {
      folder_.Keep(it->queue.table->path());
      base::LogWarning("adoption: " + it->queue.table->path() + " is kept for the " +
                       std::to_string(stranded) +
                       " payments that were sent to processors which this instance does not have");
    } else if (report.damaged == 0) {
      it->queue.table->RemoveFile();
    } else {
      folder_.Keep(it->queue.table->path());
    }
    metrics_->ClearGauges();
    return true;
  });
}

}  // namespace tollgate::app
