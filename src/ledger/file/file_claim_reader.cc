#include "ledger/file/file_claim_reader.h"

#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>

#include "ledger/file/schema.h"
#include "tollgate/base/clock.h"

namespace tollgate::ledger::file {
namespace {

constexpr int64_t kClaimsPerPage = 256;
constexpr int64_t kDayMs = 86'400'000;
constexpr size_t kCallsMax = 16;

// A page whose claims have ledger numbers for processors, and the names of these.
struct RawPage {
  ClaimPage page;
  std::shared_ptr<const NameList> names;
};

// The last purge, or the beginning of the oldest shelf that is read. If that is the first one, a
// day before: what a gateway had accepted by then may be booked later.
int64_t KnownFromMs(BookFile& file, const ClaimCursor& cursor, int64_t now_ms) {
  const Header& header = file.header();
  int64_t from_ms = now_ms - kDayMs;
  if (header.present) {
    const int64_t oldest = std::max<int64_t>(header.present->number - cursor.older, 1);
    Statement(file.database(), "SELECT began_s FROM shelves WHERE number = ?")
        .With(oldest)
        .First([&](const Row& row) { from_ms = row.Int(0) * 1'000; });
    if (oldest == 1) from_ms -= kDayMs;
  }
  return std::max(from_ms, header.purged_ms);
}

Statement Select(BookFile& file, const ClaimCursor& cursor, const std::string& columns,
                 const std::string& table, const std::string& condition = "") {
  // The cursor is the last id of the page before, in 16 bytes.
  const bool first = cursor.scan.size() != 16;
  Statement statement(file.database(), "SELECT id, " + columns + " FROM " + table + " WHERE id " +
                                           (first ? ">=" : ">") + " ?" + condition +
                                           " ORDER BY id LIMIT " + std::to_string(kClaimsPerPage));
  payments::Uuid after;
  for (size_t i = 0; !first && i < 8; ++i) {
    after.high = after.high << 8U | static_cast<unsigned char>(cursor.scan[i]);
    after.low = after.low << 8U | static_cast<unsigned char>(cursor.scan[8 + i]);
  }
  statement.With(after);
  return statement;
}

Claim PendingOf(const Row& row) {
  const PendingClaim pending = BookFile::ClaimOf(row, 1);
  Claim claim;
  claim.id = row.Id(0);
  claim.entry.attempt = pending.attempt;
  claim.entry.processor = pending.processor;
  claim.entry.requested_at_ms = pending.at_ms;
  claim.entry.amount_cents = pending.cents;
  claim.entry.epoch = pending.epoch;
  return claim;
}

Claim SettledClaimOf(const Row& row, const Shelf& shelf) {
  const Settled settled = BookFile::SettledOf(row, 1, shelf);
  const bool rejected = settled.kind >= kRejected;
  Claim claim;
  claim.id = row.Id(0);
  claim.entry.state = rejected ? EntryState::kRejected : EntryState::kBooked;
  claim.entry.reason = payments::RejectReasonFrom(rejected ? settled.kind - kRejected : 0U);
  claim.entry.counted = settled.kind == kCounted;
  claim.entry.processor = settled.processor;
  claim.entry.requested_at_ms = settled.at_ms;
  claim.entry.amount_cents = settled.cents;
  return claim;
}

// What was rejected on one shelf and booked after all is on the next one too.
std::string NotOvertaken(BookFile& file, int64_t shelf) {
  if (!file.FindShelf(shelf + 1)) return {};
  const uint32_t epoch = file.header().epoch;
  return " AND NOT (place >= " + std::to_string(kRejected * 256) + " AND EXISTS (SELECT 1 FROM " +
         SettledTable(epoch, shelf + 1) +
         " AS later WHERE later.id = " + SettledTable(epoch, shelf) + ".id))";
}

// The settled claims of a page. Returns the number of its rows.
size_t ReadSettled(BookFile& file, const ClaimCursor& cursor,
                   const std::function<void(const Row&, Claim)>& add) {
  const int64_t number = cursor.present - cursor.older + cursor.shelf - 1;
  const auto shelf = file.FindShelf(number);
  if (!shelf) return 0;
  return Select(file, cursor, "place, at, cents", SettledTable(file.header().epoch, number),
                NotOvertaken(file, number))
      .ForEach([&](const Row& row) { add(row, SettledClaimOf(row, *shelf)); });
}

RawPage ReadPage(BookFile& file, const ClaimCursor& cursor) {
  const Header& header = file.header();
  RawPage raw;
  raw.names = header.names;
  ClaimPage& page = raw.page;
  page.run_id = header.run;
  page.epoch = header.epoch;
  page.now_ms = base::SystemClock().WallMillis();
  page.known_from_ms = KnownFromMs(file, cursor, page.now_ms);
  page.shelf = header.present ? header.present->number : 0;
  ClaimCursor next = cursor;
  if (cursor.shelf == 0) {
    next.present = page.shelf;
    next.older = std::clamp<int64_t>(cursor.older, 0, std::max<int64_t>(page.shelf - 1, 0));
  }
  // In a damaged file the rows may be in another order, and paging by ids would never end.
  std::string last = cursor.scan.size() == 16 ? cursor.scan : "";
  bool ordered = true;
  const auto add = [&](const Row& row, Claim claim) {
    ordered = ordered && last < row.Text(0);
    last = row.Text(0);
    last.size() == 16 ? page.claims.push_back(claim) : void(++page.damaged);
  };
  size_t rows = 0;
  if (cursor.shelf == 0) {
    rows = Select(file, cursor, kClaimColumns, "pending").ForEach([&](const Row& row) {
      add(row, PendingOf(row));
    });
  } else {
    rows = ReadSettled(file, cursor, add);
  }
  if (!ordered) file.database().NoteError(SQLITE_CORRUPT);
  const bool more = rows == kClaimsPerPage && last.size() == 16;
  next.scan = more ? last : "0";
  if (!more) ++next.shelf;
  page.share = 1;
  if (next.shelf > next.older + 1) return raw;
  const double of_shelf =
      more ? std::ldexp(static_cast<double>(page.claims.back().id.high), -64) : 0;
  const auto shelves = static_cast<double>(next.older + 1);
  page.share = next.shelf == 0 ? 0 : (static_cast<double>(next.shelf - 1) + of_shelf) / shelves;
  page.next = std::move(next);
  return raw;
}

// Those that were silent for so long, with their claims.
std::vector<SilentOwner> CountSilent(BookFile& file, int64_t silent_after_s) {
  const int64_t now_s = base::SystemClock().WallMillis() / 1'000;
  std::vector<SilentOwner> owners;
  Statement(file.database(), "SELECT owner, count(*) FROM pending GROUP BY owner")
      .ForEach([&](const Row& row) {
        SilentOwner owner{.table = row.Id(0), .claims = static_cast<uint64_t>(row.Int(1))};
        const auto known = file.FindOwner(owner.table);
        const bool greeted = known && known->number && known->seen_s != 0;
        owner.silent_s = greeted ? std::max<int64_t>(now_s - known->seen_s, 0) : -1;
        owner.gone = known && known->gone;
        if (owner.gone || owner.silent_s < 0 || owner.silent_s >= silent_after_s) {
          owners.push_back(owner);
        }
      });
  std::sort(owners.begin(), owners.end(),
            [](const SilentOwner& a, const SilentOwner& b) { return a.claims > b.claims; });
  if (owners.size() > kSilentOwnersMax) owners.resize(kSilentOwnersMax);
  return owners;
}

}  // namespace

FileClaimReader::FileClaimReader(net::EventLoop& loop, std::shared_ptr<FileStore> store,
                                 int64_t timeout_ms, payments::ProcessorDirectory& directory)
    : directory_(directory), calls_(loop, std::move(store), timeout_ms, kCallsMax) {}

void FileClaimReader::Read(const ClaimCursor& cursor, OnPage done) {
  calls_.Read<RawPage>(
      [cursor](BookFile& file) { return ReadPage(file, cursor); },
      [this, done = std::move(done)](std::optional<RawPage> raw) {
        if (!raw) return done(std::nullopt);
        for (Claim& claim : raw->page.claims) {
          const size_t number = claim.entry.processor;
          const bool named = number < raw->names->size();
          claim.entry.processor =
              named ? directory_.Add((*raw->names)[number]).value_or(payments::kNoProcessor)
                    : payments::kNoProcessor;
        }
        done(std::move(raw->page));
      });
}

FileSilentClaims::FileSilentClaims(net::EventLoop& loop, std::shared_ptr<FileStore> store,
                                   int64_t timeout_ms)
    : calls_(loop, std::move(store), timeout_ms, kCallsMax) {}

void FileSilentClaims::Count(int64_t silent_after_s, OnCounted done) {
  calls_.Read<std::vector<SilentOwner>>(
      [silent_after_s](BookFile& file) { return CountSilent(file, silent_after_s); },
      std::move(done));
}

}  // namespace tollgate::ledger::file
