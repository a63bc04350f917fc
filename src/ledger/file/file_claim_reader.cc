#include "ledger/file/file_claim_reader.h"

#include <algorithm>
#include <cmath>
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

// The last purge, or the end of what was forgotten. If nothing was forgotten yet, a day before the
// first shelf: what a gateway had accepted by then may be booked later.
int64_t KnownFromMs(const Header& header, int64_t now_ms) {
  int64_t from_ms = now_ms;
  if (const auto began_ms = header.memory_began_ms()) {
    from_ms = *began_ms;
  } else if (header.present) {
    from_ms = (header.older ? header.older : header.present)->began_s * 1'000 - kDayMs;
  } else {
    from_ms -= kDayMs;
  }
  return std::max(from_ms, header.purged_ms);
}

Statement Select(BookFile& file, const ClaimCursor& cursor, const std::string& columns,
                 const std::string& table) {
  // The cursor is the last id of the page before, in 16 bytes.
  const bool first = cursor.scan.size() != 16;
  Statement statement(file.database(), "SELECT id, " + columns + " FROM " + table + " WHERE id " +
                                           (first ? ">=" : ">") + " ? ORDER BY id LIMIT " +
                                           std::to_string(kClaimsPerPage));
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

// The shelf that the cursor is on, if look-ups still see it.
std::optional<Shelf> ShelfOf(const Header& header, const ClaimCursor& cursor) {
  const int64_t number = cursor.present - (cursor.shelf == 1 ? 1 : 0);
  if (header.present && header.present->number == number) return header.present;
  if (header.older_is_known() && header.older->number == number) return header.older;
  return std::nullopt;
}

RawPage ReadPage(BookFile& file, const ClaimCursor& cursor) {
  const Header& header = file.header();
  RawPage raw;
  raw.names = header.names;
  ClaimPage& page = raw.page;
  page.run_id = header.run;
  page.epoch = header.epoch;
  page.now_ms = base::SystemClock().WallMillis();
  page.known_from_ms = KnownFromMs(header, page.now_ms);
  page.shelf = header.present ? header.present->number : 0;
  ClaimCursor next = cursor;
  if (cursor.shelf == 0) next.present = page.shelf;
  std::string last;
  const auto add = [&](const Row& row, Claim claim) {
    last = row.Text(0);
    last.size() == 16 ? page.claims.push_back(claim) : void(++page.damaged);
  };
  size_t rows = 0;
  if (cursor.shelf == 0) {
    rows = Select(file, cursor, kClaimColumns, "pending").ForEach([&](const Row& row) {
      add(row, PendingOf(row));
    });
  } else if (const auto shelf = ShelfOf(header, cursor)) {
    rows = Select(file, cursor, "place, at, cents", SettledTable(header.epoch, shelf->number))
               .ForEach([&](const Row& row) { add(row, SettledClaimOf(row, *shelf)); });
  }
  const bool more = rows == kClaimsPerPage && last.size() == 16;
  next.scan = more ? last : "0";
  if (!more) ++next.shelf;
  page.share = 1;
  if (next.shelf > 2) return raw;
  const double of_shelf =
      more ? std::ldexp(static_cast<double>(page.claims.back().id.high), -64) : 0;
  page.share = next.shelf == 0 ? 0 : (next.shelf - 1 + of_shelf) / 2;
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
