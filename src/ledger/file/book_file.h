// BookFile: the content of a file of books, as rows. It knows no rules of the protocol.
//
// Thread: that of its database. All calls are inside a transaction.
// Invariants: what it keeps in memory is what the transaction sees: Begin reads it again if another
// connection has changed the file, Forget drops it after a rollback.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledger/file/database.h"
#include "tollgate/ledger/ledger.h"

namespace tollgate::ledger::file {

// A shelf holds what was settled while it was the present one.
struct Shelf {
  int64_t number = 0;   // from 1
  uint32_t epoch = 0;   // in which it began
  int64_t base_ms = 0;  // requestedAt stands relative to it
  int64_t began_s = 0;
  int64_t lasts_s = 0;
};

// Names of processors by ledger number. The one of kNoProcessor is empty, as is that of none.
using NameList = std::vector<std::string>;

struct Header {
  payments::Uuid books;  // zero: none yet
  std::string born;      // the run on which they began
  int64_t lossy_s = 0;   // since when they lack payments; 0: they do not
  uint32_t epoch = 0;
  int64_t purged_ms = 0;
  int64_t mends = 0;
  std::string run;           // the present run, and when it first opened the file
  int64_t run_began_ms = 0;  // by the time since boot
  std::optional<Shelf> present;
  std::optional<Shelf> older;  // the one before; its payments are known only if `older_is_known`
  std::shared_ptr<const NameList> names;

  bool older_is_known() const { return older && present->epoch == epoch; }
  // Since when all booked payments are known. Empty: nothing was ever forgotten.
  std::optional<int64_t> memory_began_ms() const {
    if (!present || present->number <= 2 || !older) return std::nullopt;
    return older->began_s * 1'000;
  }
};

struct OwnerRow {
  uint64_t incarnation = 0;
  uint64_t nonce = 0;
  std::optional<int64_t> number;
  bool gone = false;
  int64_t seen_s = 0;  // 0: never greeted
};

struct PendingClaim {
  payments::Uuid table;
  uint32_t slot = 0;
  uint32_t generation = 0;
  uint16_t attempt = 0;
  uint8_t processor = 0;  // ledger number
  int64_t at_ms = 0;
  int64_t cents = 0;
  uint32_t epoch = 0;
  uint64_t incarnation = 0;
  uint64_t identity = 0;
};

// Kinds of settled payments: counted, not counted, and from kRejected on: plus the reason.
inline constexpr uint8_t kCounted = 0;
inline constexpr uint8_t kNotCounted = 1;
inline constexpr uint8_t kRejected = 2;

struct Settled {
  uint8_t kind = kCounted;
  uint8_t processor = 0;  // ledger number
  int64_t at_ms = 0;
  int64_t cents = 0;
};

std::string SettledTable(uint32_t epoch, int64_t shelf);
std::string SumsTable(uint32_t epoch);
// The key of a sum: level, node, ledger number.
constexpr int64_t SumKey(int level, int64_t node, uint8_t processor) {
  return (static_cast<int64_t>(level) << 56U) | (node << 8U) | processor;
}

class BookFile {
 public:
  explicit BookFile(Database& database) : database_(database) {}

  // At the beginning of a transaction.
  void Begin();
  // After a rollback, or when the database was closed or opened.
  void Forget();
  const Header& header() const { return header_; }
  Database& database() { return database_; }

  void SetBooks(const payments::Uuid& id, const std::string& born);
  void SetLossy(int64_t since_s);
  void SetMends(int64_t mends);
  void SetRun(const std::string& run, int64_t began_ms);
  void Purge(int64_t now_ms);
  // Begins shelf `number`.
  void AddShelf(int64_t number, int64_t began_s, int64_t lasts_s);
  void SetShelfBegan(int64_t began_s);
  // The ledger number of a name, added if it is new. Empty: there are too many.
  std::optional<uint8_t> NumberOf(const std::string& name);

  std::optional<OwnerRow> FindOwner(const payments::Uuid& table);
  void PutOwner(const payments::Uuid& table, const OwnerRow& row);
  std::optional<PendingClaim> FindClaim(const payments::Uuid& id);
  void PutClaim(const payments::Uuid& id, const PendingClaim& claim);
  void RemoveClaim(const payments::Uuid& id);
  // A shelf whose payments are of the present epoch. Empty: there is none.
  std::optional<Shelf> FindShelf(int64_t number);
  // On the two shelves that are known.
  std::optional<Settled> FindSettled(const payments::Uuid& id);
  // On the present shelf. REQUIRES: there is one.
  void PutSettled(const payments::Uuid& id, const Settled& settled);
  // Adds to the tree at the end of the transaction, by AddSums.
  void Count(const Settled& settled);
  void AddSums();

  static PendingClaim ClaimOf(const Row& row, int first_column);
  static Settled SettledOf(const Row& row, int first_column, const Shelf& shelf);

 private:
  struct Gain {
    int64_t key = 0;
    int64_t count = 0;
    int64_t cents = 0;
  };
  void Load();
  void Set(const std::string& key, int64_t value);
  Statement& Use(std::optional<Statement>& statement, const std::string& sql);
  void MergeGains();

  Database& database_;
  Header header_;
  bool loaded_ = false;
  int64_t version_ = -1;  // PRAGMA data_version
  std::vector<Gain> gains_;
  std::optional<Statement> data_version_, find_owner_, put_owner_, find_claim_, put_claim_,
      remove_claim_, find_present_, find_older_, put_settled_, add_sum_;
};

}  // namespace tollgate::ledger::file
