// What a payment table remembers of its books, and its identity towards them.
#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include "table/rest_clock.h"
#include "table/sealed_number.h"
#include "table/table_file.h"
#include "tollgate/table/payment_table.h"

namespace tollgate::table {
namespace {

constexpr uint64_t kEra = uint64_t{1} << 40U;  // ledger::kEraNumbers

}  // namespace

TableIdentity PaymentTable::IdentityIn(const TableHeader& header) {
  return {.table = header.table,
          .incarnation = header.incarnation,
          .nonce = header.nonce,
          .predecessors = header.predecessors};
}

// Gives up what the slot holds of a payment that is on the books: it can no longer be replayed.
void PaymentTable::Forget(const Slot& slot) {
  uint64_t recorded = slot.recorded_in;
  if (recorded == 0) return;
  const uint64_t confirmed = NumberIn(file_->live().number);
  // Recorded in an earlier era: it was replayed since then, with no higher number than that of the
  // replay.
  if (recorded > confirmed || recorded / kEra != confirmed / kEra) {
    const uint64_t sent = sent_number_.load(std::memory_order_relaxed);
    recorded = sent / kEra == confirmed / kEra ? sent : confirmed;
  }
  Raise(file_->live().forgotten, recorded);
}

std::string PaymentTable::LastLedgerRunId() const {
  const std::lock_guard lock(header_mutex_);
  const auto& text = file_->header().ledger_run_id;
  return {text.data(), ::strnlen(text.data(), text.size())};
}

void PaymentTable::MarkCurrent() { was_current_.store(true, std::memory_order_relaxed); }

void PaymentTable::Fence() {
  if (fenced_.exchange(true, std::memory_order_relaxed)) return;
  // A table that was an older copy from its start must stay out.
  if (!was_current_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(header_mutex_);
  file_->header().incarnation = identity_.incarnation + 1;  // usually the copy's number
  auto status = file_->WriteHeader(true);
  (void)status.ok();  // on failure the next start is refused, and the one after it works
}

bool PaymentTable::TakeNewIdentity(const payments::Uuid& refused) {
  if (fenced()) return false;
  const std::lock_guard lock(header_mutex_);
  if (identity_.table != refused) return true;  // another worker was faster
  if (was_current_.load(std::memory_order_relaxed)) return false;
  TableHeader& header = file_->header();
  const TableHeader before = header;
  std::shift_right(header.predecessors.begin(), header.predecessors.end(), 1);
  header.predecessors.front() = refused;
  header.table = {RandomNumber(), RandomNumber()};
  header.incarnation = 1;
  header.nonce = RandomNumber();
  if (!file_->WriteHeader(true).ok()) {
    header = before;
    return false;
  }
  identity_ = IdentityIn(header);
  // The books have no number for this id yet. A new era tells them that this is no loss.
  file_->live().forgotten.store(Seal(0), std::memory_order_relaxed);
  const uint64_t number = NumberIn(file_->live().number);
  Raise(file_->live().number, (number / kEra + 1) * kEra);
  return true;
}

payments::Uuid PaymentTable::Books() const {
  const std::lock_guard lock(header_mutex_);
  return file_->header().books;
}

bool PaymentTable::SetBooks(const payments::Uuid& id) {
  const std::lock_guard lock(header_mutex_);
  TableHeader& header = file_->header();
  const payments::Uuid before = std::exchange(header.books, id);
  if (file_->WriteHeader(true).ok()) return true;
  header.books = before;
  return false;
}

uint64_t PaymentTable::LedgerNumber() const { return NumberIn(file_->live().number); }
uint64_t PaymentTable::ForgottenNumber() const { return NumberIn(file_->live().forgotten); }
void PaymentTable::ConfirmLedgerNumber(uint64_t number) {
  if (number <= kSealedMax) Raise(file_->live().number, number);
}
void PaymentTable::AdvanceLedgerNumber(uint64_t from, uint64_t to) {
  if (to > kSealedMax || !Raise(file_->live().number, to, from)) return;
  rest_clock_->OnLoss();
}
void PaymentTable::BooksAnswered(int64_t monotonic_ns) { rest_clock_->OnAnswer(monotonic_ns); }
uint64_t PaymentTable::RestClockMs() const { return rest_clock_->NowMs(); }

void PaymentTable::SetLedgerRunId(std::string_view run_id) {
  const std::lock_guard lock(header_mutex_);
  sent_number_.store(LedgerNumber(), std::memory_order_relaxed);
  SetText(file_->header().ledger_run_id, run_id);
  // Not synced: an old value after a power loss only causes a replay that was not needed.
  auto status = file_->WriteHeader(false);
  (void)status.ok();  // on failure the older copy of the header stays valid
}

}  // namespace tollgate::table
