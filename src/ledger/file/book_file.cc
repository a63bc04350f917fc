#include "ledger/file/book_file.h"

#include <algorithm>

#include "ledger/file/schema.h"
#include "tollgate/base/assert.h"
#include "tollgate/ledger/sum_nodes.h"

namespace tollgate::ledger::file {
namespace {

constexpr size_t kNamesMax = 224;  // a ledger number is at most 223

int64_t Signed(uint64_t value) { return static_cast<int64_t>(value); }
uint64_t Unsigned(int64_t value) { return static_cast<uint64_t>(value); }

}  // namespace

std::string SettledTable(uint32_t epoch, int64_t shelf) {
  return "booked_" + std::to_string(epoch) + "_" + std::to_string(shelf);
}

std::string SumsTable(uint32_t epoch) { return "sums_" + std::to_string(epoch); }

Statement& BookFile::Use(std::optional<Statement>& statement, const std::string& sql) {
  if (!statement) statement.emplace(database_, sql);
  return *statement;
}

void BookFile::Begin() {
  int64_t version = -1;
  Use(data_version_, "PRAGMA data_version").First([&](const Row& row) { version = row.Int(0); });
  if (loaded_ && version == version_) return;
  version_ = version;
  Load();
}

void BookFile::Forget() {
  loaded_ = false;
  gains_.clear();
  for (auto* statement : {&data_version_, &find_owner_, &put_owner_, &find_claim_, &put_claim_,
                          &remove_claim_, &find_present_, &find_older_, &put_settled_, &add_sum_}) {
    statement->reset();
  }
}

void BookFile::Load() {
  Header header;
  Statement(database_, "SELECT key, value FROM meta").ForEach([&](const Row& row) {
    const std::string_view key = row.Text(0);
    if (key == "books") header.books = row.Id(1);
    if (key == "born") header.born = row.Text(1);
    if (key == "lossy") header.lossy_s = row.Int(1);
    if (key == "epoch") header.epoch = static_cast<uint32_t>(row.Int(1));
    if (key == "purged") header.purged_ms = row.Int(1);
    if (key == "mends") header.mends = row.Int(1);
    if (key == "run") header.run = row.Text(1);
    if (key == "run_began") header.run_began_ms = row.Int(1);
  });
  Statement(database_,
            "SELECT number, epoch, base_ms, began_s, lasts_s FROM shelves "
            "ORDER BY number DESC LIMIT 2")
      .ForEach([&](const Row& row) {
        const Shelf shelf{.number = row.Int(0),
                          .epoch = static_cast<uint32_t>(row.Int(1)),
                          .base_ms = row.Int(2),
                          .began_s = row.Int(3),
                          .lasts_s = row.Int(4)};
        (header.present ? header.older : header.present) = shelf;
      });
  auto names = std::make_shared<NameList>();
  Statement(database_, "SELECT number, name FROM names").ForEach([&](const Row& row) {
    const auto number = static_cast<size_t>(row.Int(0));
    if (number >= kNamesMax) return;
    if (names->size() <= number) names->resize(number + 1);
    (*names)[number] = row.Text(1);
  });
  header.names = std::move(names);
  // Statements name the tables of the epoch and of the shelves.
  find_present_.reset();
  find_older_.reset();
  put_settled_.reset();
  add_sum_.reset();
  header_ = std::move(header);
  loaded_ = !database_.failed();
}

void BookFile::Set(const std::string& key, int64_t value) {
  Statement(database_, "INSERT OR REPLACE INTO meta VALUES(?, ?)").With(key, value).Run();
}

void BookFile::SetBooks(const payments::Uuid& id, const std::string& born) {
  Statement(database_, "INSERT OR REPLACE INTO meta VALUES('books', ?), ('born', ?)")
      .With(id, born)
      .Run();
  Load();
}

void BookFile::SetLossy(int64_t since_s) {
  Set("lossy", since_s);
  header_.lossy_s = since_s;
}

void BookFile::SetMends(int64_t mends) {
  Set("mends", mends);
  header_.mends = mends;
}

void BookFile::SetRun(const std::string& run, int64_t began_ms) {
  Statement(database_, "INSERT OR REPLACE INTO meta VALUES('run', ?), ('run_began', ?)")
      .With(run, began_ms)
      .Run();
  Load();
}

void BookFile::Purge(int64_t now_ms) {
  AddSums();
  Set("epoch", header_.epoch + 1);
  Set("purged", now_ms);
  Set("lossy", 0);
  const uint32_t epoch = header_.epoch + 1;
  database_.Run("CREATE TABLE " + SumsTable(epoch) + kSumColumns);
  if (header_.present) {
    database_.Run("CREATE TABLE " + SettledTable(epoch, header_.present->number) + kSettledColumns);
  }
  Load();
}

void BookFile::AddShelf(int64_t number, int64_t began_s, int64_t lasts_s) {
  const int64_t epoch = header_.epoch;
  Statement(database_, "INSERT INTO shelves VALUES(?, ?, ?, ?, ?)")
      .With(number, epoch, began_s * 1'000, began_s, lasts_s)
      .Run();
  database_.Run("CREATE TABLE " + SettledTable(header_.epoch, number) + kSettledColumns);
  Load();
}

void BookFile::SetShelfBegan(int64_t began_s) {
  Statement(database_, "UPDATE shelves SET began_s = ? WHERE number = ?")
      .With(began_s, header_.present->number)
      .Run();
  Load();
}

std::optional<uint8_t> BookFile::NumberOf(const std::string& name) {
  const NameList& names = *header_.names;
  const auto known = std::find(names.begin(), names.end(), name);
  if (known != names.end()) return static_cast<uint8_t>(known - names.begin());
  size_t number = names.size();
  if (number == payments::kNoProcessor) ++number;
  if (number >= kNamesMax) return std::nullopt;
  Statement(database_, "INSERT INTO names VALUES(?, ?)")
      .With(static_cast<int64_t>(number), name)
      .Run();
  auto more = std::make_shared<NameList>(names);
  more->resize(number + 1);
  more->back() = name;
  header_.names = std::move(more);
  return static_cast<uint8_t>(number);
}

std::optional<OwnerRow> BookFile::FindOwner(const payments::Uuid& table) {
  OwnerRow owner;
  const bool found =
      Use(find_owner_, "SELECT incarnation, nonce, number, gone, seen_s FROM owners WHERE id = ?")
          .With(table)
          .First([&](const Row& row) {
            owner.incarnation = Unsigned(row.Int(0));
            owner.nonce = Unsigned(row.Int(1));
            if (!row.IsNull(2)) owner.number = row.Int(2);
            owner.gone = row.Int(3) != 0;
            owner.seen_s = row.Int(4);
          });
  return found ? std::optional(owner) : std::nullopt;
}

void BookFile::PutOwner(const payments::Uuid& table, const OwnerRow& row) {
  const int64_t gone = row.gone ? 1 : 0;
  Use(put_owner_,
      "INSERT OR REPLACE INTO owners(id, incarnation, nonce, number, gone, seen_s) "
      "VALUES(?1, ?2, ?3, nullif(?4, -1), ?5, ?6)")
      .With(table, Signed(row.incarnation), Signed(row.nonce), row.number.value_or(-1), gone,
            row.seen_s)
      .Run();
}

PendingClaim BookFile::ClaimOf(const Row& row, int first_column) {
  const auto number = [&](int column) { return row.Int(first_column + column); };
  return {.table = row.Id(first_column),
          .slot = static_cast<uint32_t>(number(1)),
          .generation = static_cast<uint32_t>(number(2)),
          .attempt = static_cast<uint16_t>(number(3)),
          .processor = static_cast<uint8_t>(number(4)),
          .at_ms = number(5),
          .cents = number(6),
          .epoch = static_cast<uint32_t>(number(7)),
          .incarnation = Unsigned(number(8)),
          .identity = Unsigned(number(9))};
}

std::optional<PendingClaim> BookFile::FindClaim(const payments::Uuid& id) {
  PendingClaim claim;
  const bool found =
      Use(find_claim_, std::string("SELECT ") + kClaimColumns + " FROM pending WHERE id = ?")
          .With(id)
          .First([&](const Row& row) { claim = ClaimOf(row, 0); });
  return found ? std::optional(claim) : std::nullopt;
}

void BookFile::PutClaim(const payments::Uuid& id, const PendingClaim& claim) {
  const auto number = [](auto value) { return static_cast<int64_t>(value); };
  Use(put_claim_, "INSERT OR REPLACE INTO pending VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .With(id, claim.table, number(claim.slot), number(claim.generation), number(claim.attempt),
            number(claim.processor), claim.at_ms, claim.cents, number(claim.epoch),
            Signed(claim.incarnation), Signed(claim.identity))
      .Run();
}

void BookFile::RemoveClaim(const payments::Uuid& id) {
  Use(remove_claim_, "DELETE FROM pending WHERE id = ?").With(id).Run();
}

std::optional<Shelf> BookFile::FindShelf(int64_t number) {
  std::optional<Shelf> shelf;
  Statement(database_,
            "SELECT epoch, base_ms, began_s, lasts_s FROM shelves WHERE number = ? AND "
            "EXISTS (SELECT 1 FROM sqlite_master WHERE name = ?)")
      .With(number, SettledTable(header_.epoch, number))
      .First([&](const Row& row) {
        shelf = Shelf{.number = number,
                      .epoch = static_cast<uint32_t>(row.Int(0)),
                      .base_ms = row.Int(1),
                      .began_s = row.Int(2),
                      .lasts_s = row.Int(3)};
      });
  return shelf;
}

Settled BookFile::SettledOf(const Row& row, int first_column, const Shelf& shelf) {
  const int64_t place = row.Int(first_column);
  return {.kind = static_cast<uint8_t>(place >> 8U),
          .processor = static_cast<uint8_t>(place & 0xFF),
          .at_ms = shelf.base_ms + row.Int(first_column + 1),
          .cents = row.Int(first_column + 2)};
}

std::optional<Settled> BookFile::FindSettled(const payments::Uuid& id) {
  Settled settled;
  const auto find = [&](std::optional<Statement>& statement, const Shelf& shelf) {
    return Use(statement, "SELECT place, at, cents FROM " +
                              SettledTable(header_.epoch, shelf.number) + " WHERE id = ?")
        .With(id)
        .First([&](const Row& row) { settled = SettledOf(row, 0, shelf); });
  };
  if (header_.present && find(find_present_, *header_.present)) return settled;
  if (header_.older_is_known() && find(find_older_, *header_.older)) return settled;
  return std::nullopt;
}

void BookFile::PutSettled(const payments::Uuid& id, const Settled& settled) {
  TG_ASSERT(header_.present || database_.failed());
  if (!header_.present) return;
  const Shelf& shelf = *header_.present;
  const int64_t place = settled.kind << 8 | settled.processor;
  Use(put_settled_,
      "INSERT OR REPLACE INTO " + SettledTable(header_.epoch, shelf.number) + " VALUES(?, ?, ?, ?)")
      .With(id, place, settled.at_ms - shelf.base_ms, settled.cents)
      .Run();
}

void BookFile::Count(const Settled& settled) {
  gains_.push_back(
      {.key = SumKey(0, settled.at_ms, settled.processor), .count = 1, .cents = settled.cents});
}

// Sorts by key and adds up what has the same one.
void BookFile::MergeGains() {
  std::sort(gains_.begin(), gains_.end(),
            [](const Gain& a, const Gain& b) { return a.key < b.key; });
  size_t last = 0;
  for (size_t i = 1; i < gains_.size(); ++i) {
    if (gains_[i].key == gains_[last].key) {
      gains_[last].count += gains_[i].count;
      gains_[last].cents += gains_[i].cents;
    } else {
      gains_[++last] = gains_[i];
    }
  }
  gains_.resize(last + 1);
}

void BookFile::AddSums() {
  if (gains_.empty()) return;
  for (int level = 0; level <= kSumTop; ++level) {
    MergeGains();
    for (Gain& gain : gains_) {
      Use(add_sum_, "INSERT INTO " + SumsTable(header_.epoch) +
                        " VALUES(?, ?, ?) ON CONFLICT(key) DO UPDATE SET "
                        "count = count + excluded.count, cents = cents + excluded.cents")
          .With(gain.key, gain.count, gain.cents)
          .Run();
      const int64_t node = (gain.key & ((int64_t{1} << 56U) - 1)) >> 8U;
      gain.key = SumKey(level + 1, node >> kSumBits, static_cast<uint8_t>(gain.key & 0xFF));
    }
  }
  gains_.clear();
}

}  // namespace tollgate::ledger::file
