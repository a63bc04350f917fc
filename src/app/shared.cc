#include "app/shared.h"

#include <algorithm>
#include <bit>

#include "tollgate/base/assert.h"

namespace tollgate::app {
namespace {

std::vector<std::string> NamesOf(const Config& config) {
  std::vector<std::string> names;
  for (const auto& processor : config.processors) names.push_back(processor.name);
  return names;
}

}  // namespace

Shared::Shared(const Config& config_in)
    : config(config_in),
      directory(NamesOf(config_in)),
      routing_log(directory, [](const std::string& line) { base::LogInfo(line); }),
      sleepers(config_in.gather_us * base::kNanosPerMicro),
      clients(config_in.client_bytes_max / 2) {}

table::TableOptions TableOf(const Config& config, const std::string& path) {
  table::TableOptions options;
  options.path = path;
  options.durability = config.durability;
  options.slots = config.table_slots;
  options.sync_interval_us = config.sync_interval_us;
  options.sync_batch_max = config.sync_batch_max;
  return options;
}

base::Result<Queue> OpenQueue(const table::TableOptions& options,
                              payments::ProcessorDirectory& directory, const base::Clock& clock) {
  auto opened = table::PaymentTable::Open(options, directory, clock.MonotonicNanos());
  if (!opened.ok()) return opened.error();
  Queue queue{.table = std::move(opened).value(), .ring = nullptr, .memory = nullptr};
  queue.memory = std::make_unique<forward::TableMemory>(*queue.table);
  queue.ring = std::make_unique<forward::WorkRing>(
      std::bit_ceil(std::max<size_t>(queue.table->slot_count(), 2)));
  std::vector<uint32_t> slots = queue.table->recovery().to_continue;
  std::stable_partition(slots.begin(), slots.end(), [&](uint32_t slot) {
    const table::SlotState state = queue.table->Status(slot).state;
    return state != table::SlotState::kAccepted && state != table::SlotState::kClaimed;
  });
  for (const uint32_t slot : slots) TG_ASSERT(queue.ring->TryPush(slot));
  return queue;
}

void RunIdKeeper::Told(size_t index, std::string_view run_id) {
  const std::lock_guard lock(mutex_);
  told_[index] = run_id;
  const bool all = std::all_of(told_.begin(), told_.end(),
                               [&](const std::string& told) { return told == run_id; });
  if (!all || kept_ == run_id) return;
  table_.SetLedgerRunId(run_id);
  kept_ = run_id;
}

forward::ForwarderOptions ForwardingOf(Shared& shared, size_t forwarders, size_t index) {
  const Config& config = shared.config;
  forward::ForwarderOptions options;
  options.processors = config.processors;
  options.policy.wait_for_cheaper_ms_max = config.max_wait_ms;
  options.policy.delay_cost_ppm_per_s = config.delay_cost_ppm_per_s;
  options.policy.audit_lag_ms = config.audit_lag_ms;
  options.outage_expected_ms = config.outage_expected_ms;
  options.cutoff = config.horizon;
  options.fleet_in_flight_max = config.fleet_in_flight_max;
  options.forwarders = forwarders;
  options.index = index;
  options.unresolved_max = std::max<size_t>(1, config.unresolved_max / forwarders);
  options.probe_interval_ms = config.probe_interval_ms;
  options.seed = static_cast<uint64_t>(base::SystemClock().MonotonicNanos()) + index;
  options.tell = TellTheLog();
  options.tell_routing = [&log = shared.routing_log](payments::ProcessorId id, bool passed_over,
                                                     std::string_view why) {
    log.OnChange(id, passed_over, why);
  };
  return options;
}

}  // namespace tollgate::app
