// What a payment table remembers of its books, and its identity towards them.
#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include "table/payment_table_impl.h"
#include "table/sealed_number.h"

namespace tollgate::table {
namespace {

constexpr uint64_t kEra = uint64_t{1} << 40U;  // ledger::kEraNumbers

}  // namespace

// Gives up what the slot holds of a payment that is on the books: it can no longer be replayed.
void PaymentTable::Impl::Forget(const Slot& slot) {
  uint64_t recorded = slot.recorded_in;
  if (recorded == 0) return;
  const uint64_t confirmed = NumberIn(file.live().number);
  // Recorded in an earlier era: it was replayed since then, with no higher number than that of the
  // replay.
  if (recorded > confirmed || recorded / kEra != confirmed / kEra) {
    const uint64_t sent = sent_number.load(std::memory_order_relaxed);
    recorded = sent / kEra == confirmed / kEra ? sent : confirmed;
  }
  Raise(file.live().forgotten, recorded);
}

std::string PaymentTable::LastLedgerRunId() const {
  const std::lock_guard lock(impl_->header_mutex);
  const auto& text = impl_->file.header().ledger_run_id;
  return {text.data(), ::strnlen(text.data(), text.size())};
}

void PaymentTable::MarkCurrent() { impl_->was_current.store(true, std::memory_order_relaxed); }
bool PaymentTable::fenced() const { return impl_->fenced.load(std::memory_order_relaxed); }

void PaymentTable::Fence() {
  if (impl_->fenced.exchange(true, std::memory_order_relaxed)) return;
  // A table that was an older copy from its start must stay out.
  if (!impl_->was_current.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(impl_->header_mutex);
  impl_->file.header().incarnation = impl_->identity.incarnation + 1;  // usually the copy's number
  auto status = impl_->file.WriteHeader(true);
  (void)status.ok();  // on failure the next start is refused, and the one after it works
}

bool PaymentTable::TakeNewIdentity(const payments::Uuid& refused) {
  if (fenced()) return false;
  const std::lock_guard lock(impl_->header_mutex);
  if (impl_->identity.table != refused) return true;  // another worker was faster
  if (impl_->was_current.load(std::memory_order_relaxed)) return false;
  TableHeader& header = impl_->file.header();
  const TableHeader before = header;
  std::shift_right(header.predecessors.begin(), header.predecessors.end(), 1);
  header.predecessors.front() = refused;
  header.table = {RandomNumber(), RandomNumber()};
  header.incarnation = 1;
  header.nonce = RandomNumber();
  if (!impl_->file.WriteHeader(true).ok()) {
    header = before;
    return false;
  }
  impl_->identity = IdentityIn(header);
  // The books have no number for this id yet. A new era tells them that this is no loss.
  impl_->file.live().forgotten.store(Seal(0), std::memory_order_relaxed);
  const uint64_t number = NumberIn(impl_->file.live().number);
  Raise(impl_->file.live().number, (number / kEra + 1) * kEra);
  return true;
}

payments::Uuid PaymentTable::Books() const {
  const std::lock_guard lock(impl_->header_mutex);
  return impl_->file.header().books;
}

bool PaymentTable::SetBooks(const payments::Uuid& id) {
  const std::lock_guard lock(impl_->header_mutex);
  TableHeader& header = impl_->file.header();
  const payments::Uuid before = std::exchange(header.books, id);
  if (impl_->file.WriteHeader(true).ok()) return true;
  header.books = before;
  return false;
}

uint64_t PaymentTable::LedgerNumber() const { return NumberIn(impl_->file.live().number); }
uint64_t PaymentTable::ForgottenNumber() const { return NumberIn(impl_->file.live().forgotten); }
void PaymentTable::ConfirmLedgerNumber(uint64_t number) {
  if (number <= kSealedMax) Raise(impl_->file.live().number, number);
}
void PaymentTable::AdvanceLedgerNumber(uint64_t from, uint64_t to) {
  if (to > kSealedMax || !Raise(impl_->file.live().number, to, from)) return;
  impl_->rest_clock.OnLoss();
}
void PaymentTable::BooksAnswered(int64_t monotonic_ns) { impl_->rest_clock.OnAnswer(monotonic_ns); }
uint64_t PaymentTable::RestClockMs() const { return impl_->rest_clock.NowMs(); }

void PaymentTable::SetLedgerRunId(std::string_view run_id) {
  const std::lock_guard lock(impl_->header_mutex);
  impl_->sent_number.store(LedgerNumber(), std::memory_order_relaxed);
  SetText(impl_->file.header().ledger_run_id, run_id);
  // Not synced: an old value after a power loss only causes a replay that was not needed.
  auto status = impl_->file.WriteHeader(false);
  (void)status.ok();  // on failure the older copy of the header stays valid
}

}  // namespace tollgate::table
