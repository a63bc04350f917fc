// TableAdoption: finishes the payments of tables in DATA_DIR that no process has locked. A table is
// adopted if it is of this fleet and no copy of it is in use.
//
// Thread: the first worker's; it is constructed before that thread starts and destroyed after it.
// Owns: the adopted tables, each with a forwarder and connections of its own.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/forwarding_stack.h"
#include "app/gateway_context.h"
#include "tollgate/ledger/table_ledger.h"
#include "tollgate/metrics/instruments.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/table/data_folder.h"

namespace tollgate::app {

class TableAdoption {
 public:
  // `ledger` is asked what the books know of a table. REQUIRES: it outlives this object.
  TableAdoption(net::EventLoop& loop, GatewayContext& context, ledger::TableLedger& ledger);

  // Releases adopted tables that are finished and looks for others. Call it about twice a second.
  void Maintain();
  // Call it once a turn of the loop.
  void Pump();
  // As of the forwarders of adopted tables (ledger::RecordGate).
  void HoldRecords();
  void ReleaseRecords();
  ledger::HeldRecords records() const;
  // Adopts nothing more.
  void BeginDrain();
  bool quiet() const;

  // The counts of all adopted tables. Gauges are of the table that wrote last. Thread: any.
  const metrics::ForwardMetrics& metrics() const { return *metrics_; }

 private:
  struct Adopted {
    WorkQueue queue;
    std::unique_ptr<ForwardingStack> forwarding;
    table::CommitListener commits;
    std::optional<uint64_t> idle_since_ms;  // by the table's rest clock
  };
  // A table that the last look found unlocked, with its number on the books at that time.
  struct Orphan {
    payments::Uuid table;
    std::optional<int64_t> number;
  };

  void LookForOrphans();
  // The reason against adopting the table. Empty: there is none.
  std::string WhyNotAdopt(const std::string& path, const table::TableFacts& facts) const;
  void OnOwner(const std::string& path, const table::TableFacts& facts,
               const ledger::OwnerFacts& owner);
  void Adopt(const std::string& path);
  // Logs one line per path and reason.
  void PassOver(const std::string& path, const std::string& why);
  void FinishAdopted();
  size_t AdoptedSlots() const;

  net::EventLoop& loop_;
  GatewayContext& context_;
  ledger::TableLedger& ledger_;
  const std::unique_ptr<metrics::ForwardMetrics> metrics_;
  std::vector<std::unique_ptr<Adopted>> adopted_;
  table::FolderWatch folder_;
  std::map<std::string, Orphan> orphans_;
  int64_t next_look_ns_;
  bool records_held_ = false;
  bool draining_ = false;
};

}  // namespace tollgate::app
