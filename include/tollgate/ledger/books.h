// Books: what the HTTP side reads from the ledger: summary, look-up, purge. It is asynchronous, so
// a slow Redis never blocks an acceptor.
//
// Thread: one acceptor's. Calls and callbacks are on its thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "tollgate/payments/payment.h"
#include "tollgate/payments/reject_reason.h"
#include "tollgate/payments/summary.h"

namespace tollgate::ledger {

// The numbers are those of find.lua's answer.
enum class EntryState : uint8_t { kPending = 0, kBooked = 1, kRejected = 2 };
// The state that a number from Redis stands for; nothing if it stands for none.
constexpr std::optional<EntryState> EntryStateFrom(int64_t number) {
  if (number < 0 || number > static_cast<int64_t>(EntryState::kRejected)) return std::nullopt;
  return static_cast<EntryState>(number);
}
inline const char* Name(EntryState state) {
  switch (state) {
    case EntryState::kPending:
      return "pending";
    case EntryState::kBooked:
      return "booked";
    case EntryState::kRejected:
      return "rejected";
  }
  return "pending";
}

struct BookEntry {
  EntryState state = EntryState::kPending;
  int64_t amount_cents = 0;
  payments::ProcessorId processor = payments::kNoProcessor;
  int64_t requested_at_ms = 0;
  uint16_t attempt = 0;
  payments::RejectReason reason = payments::RejectReason::kNone;
  bool counted = false;  // booked: it is in the summary (it was claimed after the last purge)
  uint32_t epoch = 0;    // pending: the purge epoch of the claim
  bool operator==(const BookEntry&) const = default;
};

class Books {
 public:
  virtual ~Books() = default;
  // Connects, and reconnects whenever the books were away.
  virtual void Start() {}
  virtual bool ready() const { return true; }
  // `count` is called for each summary that could not be made as of the moment it was asked for:
  // not all workers answered in time, or they cannot be asked. Call it before Start.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): implementations keep it
  virtual void OnInexactSummary(std::function<void()> /*count*/) {}
  // Callbacks get nothing if the ledger is away, too busy or did not answer in time.
  using OnSummary = std::function<void(std::optional<payments::Summary>)>;
  // First optional: as above. Second: empty if the id is not on the books.
  using OnEntry = std::function<void(std::optional<std::optional<BookEntry>>)>;
  using OnPurged = std::function<void(bool)>;

  virtual void GetSummary(const payments::SummaryRange& range, OnSummary done) = 0;
  virtual void Find(const payments::Uuid& id, OnEntry done) = 0;
  // Empties the books for every later query. Keys of the old epoch are unlinked gradually
  // afterwards.
  virtual void Purge(OnPurged done) = 0;
  // Allows the use of books that lack payments. Returns since when they were held back, in Unix
  // seconds. 0: they were not. Empty: the books are away.
  using OnAccepted = std::function<void(std::optional<int64_t>)>;
  // NOLINTNEXTLINE(performance-unnecessary-value-param): implementations keep it
  virtual void AcceptLoss(OnAccepted done) { done(std::nullopt); }
};

}  // namespace tollgate::ledger
