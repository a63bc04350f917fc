#include <algorithm>
#include <cstdlib>

#include "ledger/file/calls.h"

namespace tollgate::ledger::file {
namespace {

// True if no payment and no table has been told to these books.
bool IsEmpty(BookFile& file) {
  Database& database = file.database();
  return file.header().epoch == 0 &&
         database.Number("SELECT count(*) FROM owners LIMIT 1", 1) == 0 &&
         database.Number("SELECT 1 FROM pending LIMIT 1", 0) == 0;
}

// The id that the books are to have, if they have none. Empty: the verdict says why not.
std::optional<payments::Uuid> IdFor(BookFile& file, HelloCall& call) {
  const GreetingCall& greeting = call.greeting;
  const bool empty = IsEmpty(file);
  if (greeting.told_to == payments::Uuid{}) {
    if (greeting.fresh_id != payments::Uuid{}) return greeting.fresh_id;
    call.answer.verdict = GreetingVerdict::kNew;
    call.answer.number = empty ? 1 : 0;
    return std::nullopt;
  }
  // The id is put back if nothing is left, or if what is left knows this table.
  const bool known = file.FindOwner(greeting.owner.table).has_value();
  if (known || (empty && !call.told_elsewhere)) {
    call.answer.put_back = true;
    return greeting.told_to;
  }
  call.answer.verdict = GreetingVerdict::kStranger;
  return std::nullopt;
}

void SetFacts(const BookFile& file, HelloCall& call) {
  const Header& header = file.header();
  call.answer.books = header.books;
  call.answer.lossy = header.lossy_s != 0;
  call.answer.born_on_run = header.born == call.run;
  call.answer.epoch = header.epoch;
}

void Greet(BookFile& file, HelloCall& call, int64_t now_s) {
  const GreetingCall& greeting = call.greeting;
  const payments::Uuid id = file.header().books;
  if (id != payments::Uuid{} && greeting.told_to != payments::Uuid{} && id != greeting.told_to) {
    call.answer.verdict = GreetingVerdict::kOthers;
    return;
  }
  std::optional<payments::Uuid> missing;
  if (id == payments::Uuid{}) {
    missing = IdFor(file, call);
    if (!missing) return;
  }
  const Owner& owner = greeting.owner;
  const auto row = file.FindOwner(owner.table);
  const uint64_t before =
      row ? static_cast<uint64_t>(std::abs(row->number.value_or(0))) : uint64_t{0};
  call.answer.before = before;
  call.answer.number = before;
  if (row && IsNotNewest(*row, owner)) {
    call.answer.verdict = GreetingVerdict::kFenced;
    return;
  }
  if (missing) {
    file.SetBooks(*missing, call.answer.put_back ? "" : call.run);
    // What no table holds any more is lost. This call notes it, because no later call can see it.
    if (call.answer.put_back && !greeting.accept_loss) file.SetLossy(now_s);
  }
  // The first number of an era means that the table knows of the loss before it.
  const bool acknowledged =
      EraOf(before) < EraOf(greeting.confirmed) && greeting.confirmed % kEraNumbers == 0;
  if (before < greeting.confirmed && !acknowledged) {
    call.answer.verdict = GreetingVerdict::kLost;
    return;
  }
  if (greeting.note == GreetingNote::kLossy) file.SetLossy(now_s);
  call.answer.number = std::max(before, greeting.confirmed) + 1;
  file.PutOwner(owner.table, {.incarnation = owner.incarnation,
                              .nonce = owner.nonce,
                              .number = static_cast<int64_t>(call.answer.number),
                              .gone = greeting.note == GreetingNote::kGone,
                              .seen_s = now_s});
}

}  // namespace

void Hello(BookFile& file, HelloCall& call, int64_t now_s) {
  call.answer = {};
  Greet(file, call, now_s);
  SetFacts(file, call);
}

}  // namespace tollgate::ledger::file
