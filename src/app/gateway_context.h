// GatewayContext: what the threads of a gateway have in common.
//
// Thread: each member says.
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
#include "tollgate/ledger/ledger.h"
#include "tollgate/metrics/instruments.h"
#include "tollgate/net/waiter_list.h"
#include "tollgate/payments/processor_directory.h"
#include "tollgate/server/server_group.h"
#include "tollgate/table/payment_table.h"
#include "tollgate/upstream/health_board.h"

namespace tollgate::app {

inline constexpr size_t kDoubleChargesReportedMax = 100;  // in the log's interval
// For whatever a peer, Redis, a client or a payment may cause: one line of a kind, then its count.
// A payment that may be charged twice is looked up by people, by its id.
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
  std::unique_ptr<forward::TableMemory> memory;  // of its books
};

// What a table at `path` is opened with, the instance's own or one that it adopts.
table::TableOptions MakeTableOptions(const config::Config& config, const std::string& path);
// Opens the table at options.path and fills a ring with what it has to continue: first what may
// have been sent already, which needs no choice of processor, then the rest, oldest first.
base::Result<WorkQueue> OpenWorkQueue(const table::TableOptions& options,
                                      payments::ProcessorDirectory& directory);

// How many instances may have one DATA_DIR and the same address, as containers do.
inline constexpr int kOwnTablesMax = 1'000;
// The table of the instance's address, or a free one beside it: another instance may have the same
// address, or have adopted our table since we last ran. In a folder that others may write to, what
// they have put there is told and passed by; elsewhere it is an error, for then it is a table of
// ours from before somebody changed the user.
base::Result<WorkQueue> OpenOwnWorkQueue(const config::Config& config,
                                         payments::ProcessorDirectory& directory,
                                         const std::function<void(bool, std::string_view)>& report);

// The ledger's run that all workers have told everything to; then it is kept in the table.
class RunIdKeeper {
 public:
  RunIdKeeper(table::PaymentTable& table, size_t workers) : table_(table), replayed_(workers) {}
  // WorkerThread `index` has told all that it had to tell to this run. Thread: any.
  void Replayed(size_t index, std::string_view run_id);

 private:
  table::PaymentTable& table_;
  std::mutex mutex_;
  std::vector<std::string> replayed_;  // by mutex_
  std::string kept_;                   // by mutex_
};

// What people can do for payments that were sent to a processor that this instance does not have.
std::string AboutStranger(const payments::ProcessorDirectory& directory,
                          payments::ProcessorId processor, size_t count);

struct GatewayContext {
  explicit GatewayContext(const config::Config& config_in);

  const config::Config config;    // constant
  const base::SystemClock clock;  // any
  payments::ProcessorDirectory directory;
  RoutingLog routing_log;
  upstream::HealthBoard health;
  WorkQueue queue;  // set before the threads start
  net::WaiterList waiters;
  server::ServerGroup clients;  // of the acceptors
  std::atomic<bool> draining{false};
  // What the books are to the instance's table, as the first worker sees it.
  std::atomic<ledger::BooksStanding> standing{ledger::BooksStanding::kUnknown};
  // This host has had no table before: nobody here can have had books. Set before the threads
  // start.
  bool new_fleet = false;
};

// What the forwarders of this instance have in common.
forward::ForwarderOptions MakeForwarderOptions(GatewayContext& context, size_t forwarders,
                                               size_t index);

}  // namespace tollgate::app
