// Config: every setting of the daemon. command_line.h says where each comes from.
//
// Thread: a value type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tollgate/forward/cutoff.h"
#include "tollgate/ledger/file_options.h"
#include "tollgate/ledger/redis_options.h"
#include "tollgate/server/server_options.h"
#include "tollgate/table/durability.h"
#include "tollgate/upstream/processor_options.h"

namespace tollgate::config {

struct Config {
  std::string listen;         // TCP, when server_socket is empty
  std::string server_socket;  // path of a Unix socket
  std::string admin_listen;   // empty: off
  std::string data_dir;       // resolved
  table::Durability durability = table::Durability::kProcess;
  size_t table_slots = 0;
  int64_t sync_interval_us = 0;
  size_t sync_batch_max = 0;

  size_t acceptors = 0;  // resolved
  size_t workers = 0;
  bool acceptor_realtime = false;
  int64_t linger_us = 0;   // an idle worker's wait for more payments
  size_t threads_max = 0;  // bounds acceptors and workers together; 0: no bound
  int64_t drain_timeout_ms = 0;
  std::string log_level;
  bool allow_purge = false;

  std::vector<upstream::ProcessorOptions> processors;
  // Per processor and instance, unless a processor has limits of its own:
  int64_t connect_timeout_ms = 0;
  int64_t answer_timeout_ms = 0;
  size_t in_flight_max = 0;
  size_t unresolved_max = 0;
  int64_t max_wait_ms = 0;
  int64_t delay_cost_ppm_per_s = 0;
  int64_t outage_expected_ms = 0;
  int64_t audit_lag_ms = 0;  // 0: no audits
  forward::Cutoff cutoff;
  size_t fleet_in_flight_max = 0;  // per processor
  int64_t probe_interval_ms = 0;
  int64_t takeover_after_ms = 0;  // time without a change after which an owner of claims is silent
  int64_t health_interval_ms = 0;

  // The original's settings. redis.command_timeout_ms is the shortest of these.
  int64_t redis_read_timeout_ms = 0;
  int64_t redis_write_timeout_ms = 0;
  int64_t redis_pool_timeout_ms = 0;
  ledger::RedisOptions redis;
  ledger::PlaceKind books = ledger::PlaceKind::kRedis;  // resolved
  bool books_by_default = true;                         // no setting says it outright
  ledger::FileOptions file;                             // resolved, if the books are in one
  server::ServerOptions server;
  size_t client_bytes_max = 0;     // over all acceptors
  std::vector<std::string> notes;  // for the log: settings without effect
};

}  // namespace tollgate::config
