// Reconciler: one run over the books. It reads the claims, asks the processors, compares, checks
// each difference a second time, and repairs. Its guarantees are in
// include/tollgate/reconcile/reconcile.h.
//
// Thread: the loop's. It ends when finished() is true; only failed calls may still be open then.
// Invariants: at most `active_max_` payments are compared at once. A payment differs only if the
// books have the same entry before and after the processors were asked.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "reconcile/asker.h"
#include "reconcile/compare.h"
#include "tollgate/base/lifetime.h"
#include "tollgate/ledger/books.h"
#include "tollgate/ledger/claim_reader.h"
#include "tollgate/ledger/ledger.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/payments/summary.h"

namespace tollgate::reconcile {

struct ReconcilerOptions {
  payments::SummaryRange range;  // of requestedAt; an open `from` begins where the books begin
  int64_t min_age_ms = 60'000;
  bool repair = false;
  bool named_only = false;          // ask only the processor that the books name
  std::vector<payments::Uuid> ids;  // compared too, even if the books do not know them
  AskerOptions asker;
  int64_t redis_patience_ms = 10'000;
};

// A payment with its differences.
struct Finding {
  Subject subject;
  std::vector<Difference> differences;
  Repair repair = Repair::kNone;
};

struct ReconcileCounts {
  uint64_t compared = 0;
  uint64_t booked = 0, pending = 0, rejected = 0, unknown = 0;  // of these, by the books
  uint64_t not_counted = 0;                                     // booked, claimed before a purge
  uint64_t out_of_range = 0;  // on the books, not compared: out of the range or too young
  uint64_t too_old = 0;       // of the listed ids: older than what the books know
  uint64_t damaged = 0;
};

// Members: the counts and the queues of one comparison, which each step reads and changes.
class Reconciler final : public ledger::LedgerEvents {
 public:
  struct Parts {
    net::EventLoop& loop;
    ledger::ClaimReader& claims;
    ledger::Books& books;
    ledger::Ledger* ledger = nullptr;  // only to repair
    upstream::ProcessorClient& client;
  };
  Reconciler(const Parts& parts, const ReconcilerOptions& options);
  ~Reconciler() override;

  void Start();
  bool finished() const { return finished_; }
  const std::string& error() const { return error_; }  // empty: the run is complete

  // Known from the first page on: the range that is compared; it ends at the minimum age.
  const payments::SummaryRange& range() const { return range_; }
  int64_t known_from_ms() const { return known_from_ms_; }
  double share() const { return share_; }  // of the books, read so far
  const ReconcileCounts& counts() const { return counts_; }
  const std::vector<Finding>& findings() const { return findings_; }
  size_t repaired() const { return repaired_; }
  const Gaps& gaps() const { return gaps_; }  // after the repairs
  const Asker& asker() const { return asker_; }

 private:
  struct Item {
    Subject subject;
    size_t waiting = 0;
    int rounds = 0;
  };

  // Reading (reconciler.cc).
  void ReadPage();
  void OnPage(const ledger::ClaimPage& page);
  bool TakeFirstPage(const ledger::ClaimPage& page);
  void Pump();
  // Comparing.
  size_t NewItem(const payments::Uuid& id);
  void BeginListed(const payments::Uuid& id);
  void AskAll(size_t index);
  void OnAnswer(size_t index, payments::ProcessorId processor, const Answer& answer);
  void Judge(size_t index);
  void LookAgain(size_t index, std::vector<Difference> differences);
  void Settle(size_t index, std::vector<Difference> differences);
  void Count(const Subject& subject);
  bool InRange(int64_t ms) const { return ms >= range_.from_ms && ms <= range_.to_ms; }
  bool IsOutside(const Subject& subject) const;
  // Looks up the books, repeated until Redis answers.
  void FindOnBooks(const payments::Uuid& id,
                   std::function<void(const std::optional<ledger::BookEntry>&)> use);
  void RedisFailed(std::function<void()> again);
  void Fail(const std::string& error);
  // Repairing (reconciler_repair.cc).
  void RepairNext();
  void RecordBatch();
  void Verify(size_t finding);
  void TakeVerified(Finding& finding, const std::optional<ledger::BookEntry>& entry);
  void OnClaimed(uint64_t batch, std::span<const ledger::ClaimReply> replies) override;
  void OnRecorded(uint64_t batch, std::span<const ledger::RecordReply> replies) override;
  void OnBatchFailed(uint64_t batch) override;
  void OnTailLost() override;
  void OnLedgerState() override {}

  net::EventLoop& loop_;
  ledger::ClaimReader& claims_;
  ledger::Books& books_;
  ledger::Ledger* const ledger_;
  const ReconcilerOptions options_;
  const size_t active_max_;
  Asker asker_;

  payments::SummaryRange range_;
  int64_t known_from_ms_ = 0;
  uint32_t epoch_ = 0;
  std::string run_id_;
  double share_ = 0;
  std::optional<ledger::ClaimCursor> cursor_ = ledger::ClaimCursor{};
  bool begun_ = false, reading_ = false, pumping_ = false, repairing_ = false, finished_ = false;
  std::string error_;
  std::deque<payments::Uuid> listed_;
  std::deque<ledger::Claim> queue_;
  std::vector<std::unique_ptr<Item>> items_;
  std::vector<size_t> idle_;
  size_t active_ = 0;
  const std::unordered_set<payments::Uuid> listed_ids_;
  std::unordered_set<payments::Uuid> settled_;  // ids that differ, so that none is reported twice
  ReconcileCounts counts_;
  std::vector<Finding> findings_;
  Gaps gaps_{};

  std::vector<size_t> to_repair_;  // indexes of findings, taken from the end
  std::vector<size_t> batch_;
  size_t to_verify_ = 0;
  uint64_t batch_number_ = 0;
  size_t repaired_ = 0;

  std::vector<std::function<void()>> retries_;
  net::Timer retry_timer_;
  int64_t redis_failing_since_ns_ = 0;
  base::Lifetime life_;
};

}  // namespace tollgate::reconcile
