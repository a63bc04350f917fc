// What differs between the books and the processors for one payment.
//
// Thread: value types and pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "tollgate/ledger/books.h"
#include "tollgate/payments/limits.h"
#include "tollgate/payments/payment.h"
#include "tollgate/payments/summary.h"

namespace tollgate::reconcile {

// A processor's answer about a payment.
struct Answer {
  enum class Kind : uint8_t { kNotAsked, kHeld, kLacks, kNone };  // kNone: it did not answer
  Kind kind = Kind::kNotAsked;
  int64_t amount_cents = 0;     // kHeld
  int64_t requested_at_ms = 0;  // kHeld
};

struct Subject {
  payments::Uuid id;
  std::optional<ledger::BookEntry> books;  // nothing: the books do not know the id
  std::vector<Answer> answers;             // by ProcessorId, of the configured processors
};

enum class DifferenceKind : uint8_t {
  kBooksLack,       // a processor holds it and it is not booked
  kProcessorLacks,  // booked, and no processor holds it
  kHeldElsewhere,   // another processor holds it, not the one that the books name
  kHeldTwice,       // two processors hold it: a double charge
  kAmountDiffers,
  kTimeDiffers,
  kNotAnswered,  // the processor that should hold it did not answer
};
inline constexpr size_t kDifferenceKinds = 7;
const char* Name(DifferenceKind kind);     // "books_lack"
const char* Meaning(DifferenceKind kind);  // for people; says what to do

enum class Repair : uint8_t { kNone, kWanted, kDone, kFailed };

struct Difference {
  DifferenceKind kind = DifferenceKind::kBooksLack;
  payments::ProcessorId processor = payments::kNoProcessor;  // the one that differs
  bool repairable = false;                                   // by one record, at `processor`
};

// `known_from_ms`: earlier payments may have been forgotten or purged, so an id that the books do
// not know proves nothing.
std::vector<Difference> Compare(const Subject& subject, int64_t known_from_ms);

// True if the books do not know the payment and it is too old for them to know.
bool IsTooOldToJudge(const Subject& subject, int64_t known_from_ms);

// Adds the payment's part of the difference between the summaries, by ProcessorId: what the
// processor holds less what the books count, within `range`.
struct Gap {
  int64_t count = 0;
  int64_t amount_cents = 0;
  bool operator==(const Gap&) const = default;
};
using Gaps = std::array<Gap, payments::kProcessorsMax>;
void AddGaps(const Subject& subject, const payments::SummaryRange& range, Gaps& gaps);

}  // namespace tollgate::reconcile
