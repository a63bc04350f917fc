// World: a fleet of instances, the ledger and two processors on one timeline, with a fault at any
// step and a seed. An instance is a real PaymentTable in a file, a real ring and real Forwarders. A
// crash between any two steps discards all of it except the file. With `disk` a crash may be a
// power loss, which leaves of the file what is on disk.
//
// Thread: one simulation's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/forward/ledger_session.h"
#include "tests/forward/processor_model.h"
#include "tollgate/forward/forwarder.h"
#include "tollgate/metrics/instruments.h"

namespace tollgate::simulation {

struct WorldOptions {
  uint64_t seed = 1;
  std::string folder;
  size_t instances = 2;
  size_t forwarders = 2;  // per instance
  size_t slots = 64;
  uint64_t crash_per_steps = 0;  // one crash in so many steps; 0: none
  LedgerFaults ledger;
  NetworkFaults network;
  bool ledger_loses_tail = false;
  bool ledger_rolls_back = false;  // it loses its tail under the same run, and no connection ends
  // Once, the ledger is away for longer than a slot rests and comes back without its tail. Then it
  // loses its tail several more times, each before what was replayed has rested.
  bool ledger_away = false;
  bool copied_table = false;  // an older copy of a table is opened beside it
  bool disk = false;          // DURABILITY=disk, and half of the crashes are power losses
  uint64_t sync_fails = 0;    // one sync in so many; 0: none
  // At intervals one outage takes every instance and the ledger's tail.
  bool outages = false;
  bool purges = false;  // of the books, while payments are in flight
  bool stops = false;   // instances are stopped cleanly: drained, then ended
  // Once, an instance is away while the ledger loses its tail, and longer than its grace; clients
  // repeat its payments elsewhere. What it had sent may then be charged twice, and must be
  // reported.
  bool owner_away = false;
  // At intervals an instance is cut off from the ledger for longer or shorter than the time after
  // which it is silent. At most once it is gone for good. Clients repeat its payments at the
  // others.
  bool owner_silent = false;
  // At a start an instance may be connected to the books of another fleet; operators correct that.
  bool wrong_books = false;
  // At a start an instance's first processor may be replaced by another one of that name, or be the
  // former again.
  bool moves = false;
  bool summaries = false;         // are asked for all the time, as of their moment
  int64_t run_ms = 400;           // of load and faults
  int64_t clock_skew_ms_max = 0;  // between an instance's wall clock and the others'
};

// Thrown at a step, caught where the simulation called into an instance.
struct PowerOff {
  size_t instance;
};

// The invariants that were violated; empty: none.
struct Verdict {
  std::string text;
  size_t accepted = 0;
  size_t crashes = 0;
  size_t summaries = 0;
  bool ok() const { return text.empty(); }
};

class World {
 public:
  explicit World(WorldOptions options);
  ~World();

  // Load and faults for `ms` of simulated time; then no more faults until everything has settled;
  // then the invariants are checked.
  Verdict Run(int64_t ms);

 private:
  struct Instance;
  struct Posted {
    std::set<int64_t> cents;  // of all that were posted under this id
    bool accepted = false;    // one of them was answered with 202
    std::set<size_t> by;      // the instances that answered so
    size_t times = 0;
    size_t purges = 0;  // before it was first posted
  };

  void OpenInstance(size_t index);
  void OpenWorkers(size_t index);
  enum class Crash { kProcess, kPower, kAny };
  void CrashInstance(size_t index, Crash crash = Crash::kAny);
  void Step(size_t index);
  void Turn(size_t index);
  void Commit(size_t index);
  void Accepted(size_t index, const payments::Uuid& id);
  void PostSomething();
  void Disturb();
  void StopInGoodOrder();
  void LoseOwner();
  void SilenceOwner();
  void TakeLedgerAway();
  void LoseTail(int64_t lost_ms);
  void Repeat(size_t index, const payments::Payment& payment);
  // A POST without a claim on the books is a violation, even if nothing else goes wrong.
  void CheckPost(size_t index, const LedgerSession& ledger, const payments::Uuid& id);
  bool Told(const payments::Uuid& id) const;
  void Purge();
  template <typename Each>
  void ForEachForwarder(Each each);
  std::map<payments::Uuid, table::SlotState> Unrecorded() const;
  void PlaySummary();
  void CheckSummary();
  void Calm();
  // Payments at each of the two processors of one name are finished while that one is configured.
  void MoveInCalm();
  void CopyTable();
  bool Settled() const;
  Verdict Check() const;
  void CheckPayment(const payments::Uuid& id, const Posted& posted, Verdict* verdict) const;
  void CheckCounted(const payments::Uuid& id, const Posted& posted, const LedgerModel::Entry& entry,
                    Verdict* verdict) const;
  void CheckTable(const Instance& instance, Verdict* verdict) const;

  const WorldOptions options_;
  Timeline timeline_;
  LedgerModel ledger_;
  LedgerModel others_;  // another fleet's books
  Processors processors_;
  upstream::HealthBoard health_;
  std::vector<std::unique_ptr<Instance>> instances_;
  std::map<payments::Uuid, Posted> posted_;
  std::set<payments::Uuid> foreign_;  // ids that other senders used at a processor
  uint64_t next_id_ = 0;
  size_t purges_ = 0;
  uint64_t purged_ids_ = 0;          // ids up to this one were posted before the last purge
  std::set<payments::Uuid> purged_;  // they were charged or rejected when the books were purged
  std::vector<std::string> told_;    // problems that were reported
  std::string violations_;
  bool owner_lost_ = false;
  bool gone_for_good_ = false;
  int64_t slow_until_ns_ = 0;  // until then the ledger is away, or loses its tail
  uint64_t steps_until_crash_ = 0;
  size_t crashes_ = 0;
  struct Summary {
    std::map<payments::Uuid, table::SlotState> confirmed;  // before it was asked for
    std::vector<payments::Uuid> recorded;                  // likewise, ascending
    size_t crashes = 0;
    int64_t until_ns = 0;
  };
  std::optional<Summary> summary_;  // that is asked for
  size_t summaries_ = 0;
  bool calm_ = false;
  bool calm_moved_ = false;
  int64_t next_move_ns_ = 0;
  bool copied_ = false;
  bool spun_ = false;
};

}  // namespace tollgate::simulation
