// Books in a file, as they are copied.
#include "ledger/copy/image.h"
#include "ledger/file/open_to_read.h"
#include "ledger/file/partial_file.h"
#include "ledger/file/schema.h"

namespace tollgate::ledger::copy {
namespace {

using file::BookFile;
using file::Database;
using file::Row;
using file::SettledTable;
using file::Statement;
using file::SumsTable;

class FileReader final : public ImageReader {
 public:
  explicit FileReader(std::string path) : path_(std::move(path)) {}

  base::Result<Head> ReadHead() override {
    if (auto status = Open(); !status.ok()) return status.error();
    Head head;
    database_.Run("BEGIN");
    file_.Begin();
    head.header = file_.header();
    Statement(database_, "SELECT id, incarnation, nonce, number, gone, seen_s FROM owners")
        .ForEach([&](const Row& row) {
          file::OwnerRow& owner = head.tables[row.Id(0)];
          owner.incarnation = static_cast<uint64_t>(row.Int(1));
          owner.nonce = static_cast<uint64_t>(row.Int(2));
          if (!row.IsNull(3)) owner.number = row.Int(3);
          owner.gone = row.Int(4) != 0;
          owner.seen_s = row.Int(5);
        });
    head.left_behind = OnOlderShelves();
    return End(std::move(head));
  }

  base::Status ReadContent(const Head& head, const ContentUse& use) override {
    database_.Run("BEGIN");
    Statement(database_, std::string("SELECT id, ") + file::kClaimColumns + " FROM pending")
        .ForEach([&](const Row& row) { use.pending(row.Id(0), BookFile::ClaimOf(row, 1)); });
    if (head.header.present) EachOn(*head.header.present, head, use);
    if (head.header.older_is_known()) EachOn(*head.header.older, head, use);
    Statement(database_, "SELECT key, count, cents FROM " + SumsTable(head.header.epoch))
        .ForEach([&](const Row& row) {
          constexpr int64_t kNodeBits = 48;
          const int64_t key = row.Int(0);
          use.sum({.level = static_cast<int>(key >> (kNodeBits + 8)),
                   .node = key >> 8U & ((int64_t{1} << kNodeBits) - 1),
                   .processor = static_cast<uint8_t>(key & 0xFF),
                   .count = row.Int(1),
                   .cents = row.Int(2)});
        });
    const auto ended = End(Head{});
    return ended.ok() ? base::OkStatus() : base::Status(ended.error());
  }

 private:
  base::Status Open() {
    if (database_.is_open()) return base::OkStatus();
    return file::OpenToRead(database_, path_);
  }
  base::Result<Head> End(Head head) {
    const bool failed = database_.failed();
    const std::string problem = database_.problem();
    database_.ClearError();
    database_.Run("COMMIT");
    database_.ClearError();
    if (failed) return base::Error{"the books in " + path_ + " cannot be read: " + problem};
    return head;
  }
  int64_t OnOlderShelves() {
    const file::Header& header = file_.header();
    int64_t count = 0;
    if (!header.present) return count;
    for (int64_t number = header.present->number - 2; number > 0; --number) {
      if (!file_.FindShelf(number)) continue;
      const std::string sql = "SELECT count(*) FROM " + SettledTable(header.epoch, number);
      count += database_.Number(sql.c_str(), 0);
    }
    return count;
  }
  void EachOn(const file::Shelf& shelf, const Head& head, const ContentUse& use) {
    Statement(database_,
              "SELECT id, place, at, cents FROM " + SettledTable(head.header.epoch, shelf.number))
        .ForEach([&](const Row& row) {
          use.settled(row.Id(0), BookFile::SettledOf(row, 1, shelf), shelf);
        });
  }

  const std::string path_;
  Database database_;
  BookFile file_{database_};
};

class FileWriter final : public ImageWriter {
 public:
  explicit FileWriter(const std::string& path) : path_(path), partial_(path) {}

  base::Status Begin(const Head& head) override {
    if (auto status = partial_.Make(); !status.ok()) return status;
    if (database_.Open(partial_.path(), SQLITE_OPEN_READWRITE)) {
      // A part of a file is removed, so nothing of it needs to survive.
      database_.Run("PRAGMA journal_mode = OFF");
      database_.Run("PRAGMA synchronous = OFF");
      database_.Run("PRAGMA cache_size = -64000");
      database_.Run("BEGIN");
      file::MakeTables(database_);
      PutHead(head);
    }
    return Outcome();
  }
  void PutPending(const payments::Uuid& id, const file::PendingClaim& claim) override {
    file_.PutClaim(id, claim);
  }
  void PutSettled(const payments::Uuid& id, const file::Settled& settled,
                  const file::Shelf& shelf) override {
    const bool is_present = shelf.number == file_.header().present->number;
    const int64_t place = settled.kind << 8 | settled.processor;
    const int64_t base_ms = shelf.began_s * 1'000;
    (is_present ? *present_ : *older_)
        .With(id, place, settled.at_ms - base_ms, settled.cents)
        .Run();
  }
  void PutSum(const Sum& sum) override {
    sums_->With(file::SumKey(sum.level, sum.node, sum.processor), sum.count, sum.cents).Run();
  }
  base::Status Finish() override {
    database_.Run("COMMIT");
    if (auto status = Outcome(); !status.ok()) return status;
    present_.reset();
    older_.reset();
    sums_.reset();
    file_.Forget();
    database_.Close();
    const auto bytes = partial_.Finish();
    return bytes.ok() ? base::OkStatus() : base::Status(bytes.error());
  }

 private:
  base::Status Outcome() const {
    if (!database_.failed()) return base::OkStatus();
    return base::Error{"the file " + path_ + " cannot be written: " + database_.problem()};
  }
  void PutHead(const Head& head) {
    const file::Header& header = head.header;
    const int64_t epoch = header.epoch;
    // Empty: their server's run is not known here, so tables tell all again.
    Statement(database_, "INSERT INTO meta VALUES('books', ?), ('born', '')")
        .With(header.books)
        .Run();
    Statement(database_,
              "INSERT INTO meta VALUES('epoch', ?), ('purged', ?), ('mends', ?), ('lossy', ?)")
        .With(epoch, header.purged_ms, header.mends, header.lossy_s)
        .Run();
    Statement name(database_, "INSERT INTO names VALUES(?, ?)");
    for (size_t i = 0; i < header.names->size(); ++i) {
      const std::string& text = (*header.names)[i];
      if (!text.empty()) name.With(static_cast<int64_t>(i), text).Run();
    }
    if (epoch != 0) database_.Run("CREATE TABLE " + SumsTable(header.epoch) + file::kSumColumns);
    if (header.older) PutShelf(*header.older, header.older_is_known(), header.epoch);
    if (header.present) PutShelf(*header.present, true, header.epoch);
    file_.Begin();
    for (const auto& [id, row] : head.tables) file_.PutOwner(id, row);
    const auto prepare = [&](const file::Shelf& shelf) {
      return Statement(database_, "INSERT INTO " + SettledTable(header.epoch, shelf.number) +
                                      " VALUES(?, ?, ?, ?)");
    };
    if (header.present) present_ = prepare(*header.present);
    if (header.older_is_known()) older_ = prepare(*header.older);
    sums_ = Statement(database_, "INSERT INTO " + SumsTable(header.epoch) +
                                     " VALUES(?, ?, ?) ON CONFLICT(key) DO UPDATE SET "
                                     "count = count + excluded.count, "
                                     "cents = cents + excluded.cents");
  }
  void PutShelf(const file::Shelf& shelf, bool has_table, uint32_t in_epoch) {
    Statement(database_, "INSERT INTO shelves VALUES(?, ?, ?, ?, ?)")
        .With(shelf.number, static_cast<int64_t>(shelf.epoch), shelf.began_s * 1'000, shelf.began_s,
              shelf.lasts_s)
        .Run();
    if (has_table) {
      database_.Run("CREATE TABLE " + SettledTable(in_epoch, shelf.number) + file::kSettledColumns);
    }
  }

  const std::string path_;
  file::PartialFile partial_;  // destroyed after the database
  Database database_;
  BookFile file_{database_};
  std::optional<Statement> present_, older_, sums_;
};

}  // namespace

std::unique_ptr<ImageReader> MakeFileReader(const std::string& path) {
  return std::make_unique<FileReader>(path);
}
std::unique_ptr<ImageWriter> MakeFileWriter(const std::string& path) {
  return std::make_unique<FileWriter>(path);
}

}  // namespace tollgate::ledger::copy
