#include "app/gateway_context.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <filesystem>

#include "tollgate/base/assert.h"
#include "tollgate/config/processors.h"
#include "tollgate/table/data_folder.h"

namespace tollgate::app {
std::string AboutStranger(const payments::ProcessorDirectory& directory,
                          payments::ProcessorId processor, size_t count) {
  const std::string& name = directory.Name(processor);
  const std::string sent =
      std::to_string(count) + " payments may have been sent to the processor " + name;
  if (directory.ConfiguredId(processor) == payments::kNoProcessor) {
    return sent +
           ", which is not configured: they wait, and are sent nowhere else. Add it to "
           "[[processors]] again, until `tollgate pending` shows none of them";
  }
  return sent +
         " as it was before its URL or identity changed: they are looked up at the present "
         "one, and never sent again. If it is the same processor, add was = [\"its URL "
         "before\"] (or identity = what it was) to its [[processors]] in CONFIG, or set "
         "DEFAULT_WAS or FALLBACK_WAS, and start again; if it is another one, give it another name";
}

std::unique_ptr<ledger::BooksPlace> MakeGatewayPlace(const config::Config& config, bool new_fleet) {
  ledger::RedisOptions redis = config.redis;
  redis.report = LogReporter();
  redis.new_fleet = new_fleet;
  redis.accept_loss = config.allow_purge;
  redis.summary_workers_min = config.workers;
  ledger::FileOptions file = config.file;
  file.report = LogReporter();
  file.new_fleet = new_fleet;
  file.accept_loss = config.allow_purge;
  file.summary_workers_min = config.workers;
  return ledger::MakePlace(config.books, redis, file);
}

std::vector<std::string> AboutPlace(const config::Config& config) {
  if (config.books == ledger::PlaceKind::kRedis) {
    const std::string where = config.redis.unix_path.empty()
                                  ? config.redis.host + ":" + std::to_string(config.redis.port)
                                  : config.redis.unix_path;
    return {"the books are in Redis, at " + where + ", under " + config.redis.prefix};
  }
  return {"the books are in the file " + config.file.path +
              ", which all gateways of this host with this DATA_DIR share",
          "for gateways on several hosts set REDIS_URL or REDIS_SOCKET: then the books are in "
          "Redis"};
}

GatewayContext::GatewayContext(const config::Config& config_in)
    : config(config_in),
      directory(config::ProcessorNames(config_in), config::ProcessorIdentities(config_in)),
      routing_log(directory, [](const std::string& line) { base::LogInfo(line); }),
      waiters(config_in.linger_us * base::kNanosPerMicro),
      clients(config_in.client_bytes_max / 2) {}

table::TableOptions MakeTableOptions(const config::Config& config, const std::string& path) {
  table::TableOptions options;
  options.path = path;
  options.durability = config.durability;
  options.slots = config.table_slots;
  options.sync_interval_us = config.sync_interval_us;
  options.sync_batch_max = config.sync_batch_max;
  return options;
}

base::Result<WorkQueue> OpenWorkQueue(const table::TableOptions& options,
                                      payments::ProcessorDirectory& directory) {
  auto opened = table::PaymentTable::Open(options, directory);
  if (!opened.ok()) return opened.error();
  WorkQueue queue{.table = std::move(opened).value(), .ring = nullptr, .memory = nullptr};
  queue.memory = std::make_unique<forward::TableMemory>(*queue.table);
  queue.ring = std::make_unique<forward::WorkRing>(
      std::bit_ceil(std::max<size_t>(queue.table->slot_count(), 2)));
  std::vector<table::SlotIndex> slots = queue.table->recovery().to_continue;
  std::stable_partition(slots.begin(), slots.end(), [&](table::SlotIndex slot) {
    const table::SlotState state = queue.table->Status(slot).state;
    return state != table::SlotState::kAccepted && state != table::SlotState::kClaimed;
  });
  for (const table::SlotIndex slot : slots) TG_CHECK(queue.ring->TryPush(slot));
  return queue;
}

base::Result<WorkQueue> OpenOwnWorkQueue(
    const config::Config& config, payments::ProcessorDirectory& directory,
    const std::function<void(bool, std::string_view)>& report) {
  constexpr int kReportedMax = 8;
  const std::string address = config.server_socket.empty()
                                  ? config.listen
                                  : std::filesystem::path(config.server_socket).filename().string();
  const std::string first = config.data_dir + "/" + table::TableFileName(address);
  const bool others_may_write = table::IsShared(config.data_dir);
  int passed_by = 0;
  for (int n = 1; n <= kOwnTablesMax; ++n) {
    std::string path = first;
    if (n > 1) path.insert(path.rfind('.'), "-" + std::to_string(n));
    table::TableOptions options = MakeTableOptions(config, path);
    options.lock_wait_ms = n == 1 ? 1'000 : 0;
    auto opened = OpenWorkQueue(options, directory);
    if (opened.ok()) return opened;
    const base::Error& error = opened.error();
    const bool not_ours = error.code == table::kNotOurs && others_may_write;
    if (error.code != EWOULDBLOCK && !not_ours) return error;
    if (not_ours && ++passed_by <= kReportedMax) report(true, error.message);
  }
  return base::Error{"the payment table " + first + " and the " +
                     std::to_string(kOwnTablesMax - 1) + " that may stand beside it are in use" +
                     (passed_by == 0 ? "" : ", or their names are taken by other users' files") +
                     "; give this instance an address or a DATA_DIR of its own"};
}

void RunIdKeeper::Replayed(size_t index, std::string_view run_id) {
  const std::lock_guard lock(mutex_);
  replayed_[index] = run_id;
  const bool all = std::all_of(replayed_.begin(), replayed_.end(),
                               [&](const std::string& reported) { return reported == run_id; });
  if (!all || kept_ == run_id) return;
  table_.SetLedgerRunId(run_id);
  kept_ = run_id;
}

forward::ForwarderOptions MakeForwarderOptions(GatewayContext& context, size_t forwarders,
                                               size_t index) {
  const config::Config& config = context.config;
  forward::ForwarderOptions options;
  options.processors = config.processors;
  options.policy.wait_for_cheaper_ms_max = config.max_wait_ms;
  options.policy.delay_cost_ppm_per_s = config.delay_cost_ppm_per_s;
  options.policy.audit_lag_ms = config.audit_lag_ms;
  options.outage_expected_ms = config.outage_expected_ms;
  options.cutoff = config.cutoff;
  options.dedup_window_ms = config.redis.dedup_window_s * 1000;
  options.takeover_after_ms = config.takeover_after_ms;
  options.fleet_in_flight_max = config.fleet_in_flight_max;
  options.forwarders = forwarders;
  options.index = index;
  options.unresolved_max = std::max<size_t>(1, config.unresolved_max / forwarders);
  options.probe_interval_ms = config.probe_interval_ms;
  options.seed = static_cast<uint64_t>(base::SystemClock().MonotonicNanos()) + index;
  options.report = LogReporter();
  options.report_routing = [&log = context.routing_log](payments::ProcessorId id, bool passed_over,
                                                        std::string_view why) {
    log.OnChange(id, passed_over, why);
  };
  return options;
}

}  // namespace tollgate::app
