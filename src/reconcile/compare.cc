#include "reconcile/compare.h"

namespace tollgate::reconcile {
namespace {

using ledger::EntryState;

class Finder {
 public:
  Finder(const Subject& subject, int64_t known_from_ms)
      : subject_(subject),
        known_from_ms_(known_from_ms),
        named_(subject.books ? subject.books->processor : payments::kNoProcessor) {
    for (size_t i = 0; i < subject.answers.size(); ++i) {
      if (subject.answers[i].kind == Answer::Kind::kHeld) holders_.push_back(IdOf(i));
    }
  }

  std::vector<Difference> Find() {
    FindUnanswered();
    if (Holds(named_)) LookAtNamed();
    for (const payments::ProcessorId holder : holders_) {
      if (holder != named_) LookAtOther(holder);
    }
    const bool asked =
        named_ < subject_.answers.size() && subject_.answers[named_].kind == Answer::Kind::kLacks;
    if (Is(EntryState::kBooked) && asked && holders_.empty()) {
      Add(DifferenceKind::kProcessorLacks, named_);
    }
    return std::move(found_);
  }

 private:
  static payments::ProcessorId IdOf(size_t index) {
    return static_cast<payments::ProcessorId>(index);
  }
  bool Is(EntryState state) const { return subject_.books && subject_.books->state == state; }
  bool Holds(payments::ProcessorId id) const {
    return id < subject_.answers.size() && subject_.answers[id].kind == Answer::Kind::kHeld;
  }
  void Add(DifferenceKind kind, payments::ProcessorId processor, bool repairable = false) {
    found_.push_back({.kind = kind, .processor = processor, .repairable = repairable});
  }

  // Checks the processor that the books name, or all if the books do not know the payment. Another
  // processor without an answer can hide at most a double charge; such look-ups are counted, not
  // listed.
  void FindUnanswered() {
    if (subject_.books) {
      const bool silent =
          named_ >= subject_.answers.size() || subject_.answers[named_].kind == Answer::Kind::kNone;
      // A rejection may name no processor.
      if (silent && named_ != payments::kNoProcessor) Add(DifferenceKind::kNotAnswered, named_);
      return;
    }
    for (size_t i = 0; i < subject_.answers.size(); ++i) {
      if (subject_.answers[i].kind == Answer::Kind::kNone) {
        Add(DifferenceKind::kNotAnswered, IdOf(i));
      }
    }
  }

  void LookAtNamed() {
    const Answer& answer = subject_.answers[named_];
    const bool same_amount = answer.amount_cents == subject_.books->amount_cents;
    if (!same_amount) Add(DifferenceKind::kAmountDiffers, named_);
    if (!Is(EntryState::kBooked)) {
      if (same_amount) Add(DifferenceKind::kBooksLack, named_, MayBook(answer));
    } else if (answer.requested_at_ms != subject_.books->requested_at_ms) {
      Add(DifferenceKind::kTimeDiffers, named_);
    }
  }

  void LookAtOther(payments::ProcessorId holder) {
    if (holders_.size() > 1) {
      // One difference for each holder beyond the first; the named processor counts as the first.
      if (Holds(named_) || holder != holders_.front()) Add(DifferenceKind::kHeldTwice, holder);
      return;
    }
    // A pending payment may still arrive at the processor that its claim names.
    if (Is(EntryState::kBooked) || Is(EntryState::kPending)) {
      return Add(DifferenceKind::kHeldElsewhere, holder);
    }
    const Answer& answer = subject_.answers[holder];
    if (subject_.books && answer.amount_cents != subject_.books->amount_cents) {
      return Add(DifferenceKind::kAmountDiffers, holder);
    }
    Add(DifferenceKind::kBooksLack, holder, MayBook(answer));
  }

  // A booking at a time that the books have forgotten could be a second booking.
  bool MayBook(const Answer& answer) const {
    return answer.requested_at_ms >= known_from_ms_ ||
           (subject_.books && answer.requested_at_ms == subject_.books->requested_at_ms);
  }

  const Subject& subject_;
  const int64_t known_from_ms_;
  const payments::ProcessorId named_;
  std::vector<payments::ProcessorId> holders_;
  std::vector<Difference> found_;
};

}  // namespace

std::vector<Difference> Compare(const Subject& subject, int64_t known_from_ms) {
  return Finder(subject, known_from_ms).Find();
}

bool IsTooOldToJudge(const Subject& subject, int64_t known_from_ms) {
  if (subject.books) return false;
  for (const Answer& answer : subject.answers) {
    if (answer.kind == Answer::Kind::kHeld && answer.requested_at_ms < known_from_ms) return true;
  }
  return false;
}

void AddGaps(const Subject& subject, const payments::SummaryRange& range, Gaps& gaps) {
  const auto within = [&](int64_t ms) { return ms >= range.from_ms && ms <= range.to_ms; };
  for (size_t i = 0; i < subject.answers.size(); ++i) {
    const Answer& answer = subject.answers[i];
    if (answer.kind != Answer::Kind::kHeld || !within(answer.requested_at_ms)) continue;
    ++gaps[i].count;
    gaps[i].amount_cents += answer.amount_cents;
  }
  const auto& books = subject.books;
  if (!books || books->state != EntryState::kBooked || !books->counted) return;
  if (books->processor >= gaps.size() || !within(books->requested_at_ms)) return;
  --gaps[books->processor].count;
  gaps[books->processor].amount_cents -= books->amount_cents;
}

const char* Name(DifferenceKind kind) {
  switch (kind) {
    case DifferenceKind::kBooksLack:
      return "books_lack";
    case DifferenceKind::kProcessorLacks:
      return "processor_lacks";
    case DifferenceKind::kHeldElsewhere:
      return "held_elsewhere";
    case DifferenceKind::kHeldTwice:
      return "held_twice";
    case DifferenceKind::kAmountDiffers:
      return "amount_differs";
    case DifferenceKind::kTimeDiffers:
      return "time_differs";
    case DifferenceKind::kNotAnswered:
      return "not_answered";
  }
  return "unknown";
}

const char* Meaning(DifferenceKind kind) {
  switch (kind) {
    case DifferenceKind::kBooksLack:
      return "the processor holds it and it is not booked: --repair books it";
    case DifferenceKind::kProcessorLacks:
      return "booked, and no processor holds it: ask the processor's operator what became of it";
    case DifferenceKind::kHeldElsewhere:
      return "another processor than the books name holds it: look it up at both";
    case DifferenceKind::kHeldTwice:
      return "two processors hold it: a double charge, to be refunded at one of them";
    case DifferenceKind::kAmountDiffers:
      return "the processor holds another amount under this id: find out who posted it";
    case DifferenceKind::kTimeDiffers:
      return "booked at another time than the processor holds: summaries of short ranges differ";
    case DifferenceKind::kNotAnswered:
      return "not compared: the processor did not answer; run it again";
  }
  return "";
}

}  // namespace tollgate::reconcile
