// GatewayContext: what the threads of a gateway share.
//
// Thread: see each member.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "app/routing_log.h"
#include "tollgate/base/clock.h"
#include "tollgate/base/logging.h"
#include "tollgate/config/config.h"
#include "tollgate/forward/forwarder.h"
#include "tollgate/forward/table_memory.h"
#include "tollgate/ledger/books_place.h"
#include "tollgate/metrics/instruments.h"
#include "tollgate/net/waiter_list.h"
#include "tollgate/payments/processor_directory.h"
#include "tollgate/server/server_group.h"
#include "tollgate/table/payment_table.h"
#include "tollgate/upstream/health_board.h"

namespace tollgate::app {

inline constexpr size_t kDoubleChargesReportedMax = 100;  // per interval of the log
// For problems that a peer, Redis, a client or a payment can cause: one line per kind, then its
// count. Possible double charges get more lines, because people look them up by id.
inline std::function<void(bool, std::string_view)> LogReporter() {
  return [](bool problem, std::string_view text) {
    const bool is_money = text.find("double charge") != std::string_view::npos;
    base::Log(problem ? base::LogLevel::kWarning : base::LogLevel::kInfo, text,
              is_money ? kDoubleChargesReportedMax : 1);
  };
}

// A table and the ring of its slots.
struct WorkQueue {
  std::unique_ptr<table::PaymentTable> table;
  std::unique_ptr<forward::WorkRing> ring;
  std::unique_ptr<forward::TableMemory> memory;  // memory of its books
};

// The options for opening the table at `path`, the instance's own or an adopted one.
table::TableOptions MakeTableOptions(const config::Config& config, const std::string& path);
// Opens the table at options.path and fills a ring with the payments to continue. First come those
// that may have been sent, because they need no choice of processor. The rest follow, oldest first.
base::Result<WorkQueue> OpenWorkQueue(const table::TableOptions& options,
                                      payments::ProcessorDirectory& directory);

// How many instances may share one DATA_DIR and have the same address, as containers do.
inline constexpr int kOwnTablesMax = 1'000;
// Opens the table of the instance's address, or a free one with a number in its name. The first one
// may be in use: another instance has the same address, or has adopted it. In a folder that other
// users can write to, their files are reported and skipped. Elsewhere such a file is an error,
// because it is this instance's table from before the user was changed.
base::Result<WorkQueue> OpenOwnWorkQueue(const config::Config& config,
                                         payments::ProcessorDirectory& directory,
                                         const std::function<void(bool, std::string_view)>& report);

// Stores the ledger's run in the table once all workers have replayed everything to it.
class RunIdKeeper {
 public:
  RunIdKeeper(table::PaymentTable& table, size_t workers) : table_(table), replayed_(workers) {}
  // WorkerThread `index` has replayed everything to this run. Thread: any.
  void Replayed(size_t index, std::string_view run_id);

 private:
  table::PaymentTable& table_;
  std::mutex mutex_;
  std::vector<std::string> replayed_;  // guarded by mutex_
  std::string kept_;                   // guarded by mutex_
};

// The place of the books that the configuration names.
std::unique_ptr<ledger::BooksPlace> MakeGatewayPlace(const config::Config& config, bool new_fleet);
// Where the books are, and what to set for another place: lines for the log.
std::vector<std::string> AboutPlace(const config::Config& config);

// Advice about payments that were sent to a processor that this instance does not have.
std::string AboutStranger(const payments::ProcessorDirectory& directory,
                          payments::ProcessorId processor, size_t count);

struct GatewayContext {
  explicit GatewayContext(const config::Config& config_in);

  const config::Config config;    // constant
  const base::SystemClock clock;  // any
  payments::ProcessorDirectory directory;
  RoutingLog routing_log;
  upstream::HealthBoard health;
  WorkQueue queue;                            // set before the threads start
  std::unique_ptr<ledger::BooksPlace> place;  // the same
  net::WaiterList waiters;
  server::ServerGroup clients;  // connections of all acceptors
  std::atomic<bool> draining{false};
  // The standing of the books, as the first worker's ledger reports it.
  std::atomic<ledger::BooksStanding> standing{ledger::BooksStanding::kUnknown};
  // This host had no table before, so it had no books either. Set before the threads start.
  bool new_fleet = false;
};

// The options that the forwarders of this instance share.
forward::ForwarderOptions MakeForwarderOptions(GatewayContext& context, size_t forwarders,
                                               size_t index);

}  // namespace tollgate::app
