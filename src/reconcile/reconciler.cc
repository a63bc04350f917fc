#include "reconcile/reconciler.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "tollgate/base/assert.h"

namespace tollgate::reconcile {
namespace {

using ledger::BookEntry;
using ledger::EntryState;

// How often the books may change during a comparison before its result is used as it is.
constexpr int kRoundsMax = 5;
constexpr int64_t kRetryMs = 100;
// The clocks of Redis and of a gateway may differ by this much.
constexpr int64_t kSkewMs = 60'000;

}  // namespace

Reconciler::Reconciler(const Parts& parts, const ReconcilerOptions& options)
    : loop_(parts.loop),
      claims_(parts.claims),
      books_(parts.books),
      ledger_(parts.ledger),
      options_(options),
      // Enough to keep all processors busy.
      active_max_(4 * options.asker.in_flight_max),
      asker_(parts.loop, parts.client, options.asker,
             [this](uint64_t cookie, payments::ProcessorId processor, const Answer& answer) {
               OnAnswer(static_cast<size_t>(cookie), processor, answer);
             }),
      listed_(options.ids.begin(), options.ids.end()),
      listed_ids_(options.ids.begin(), options.ids.end()),
      retry_timer_(parts.loop, [this] {
        for (const auto& again : std::exchange(retries_, {})) again();
      }) {
  TG_ASSERT(!options.repair || ledger_ != nullptr);
  if (ledger_ != nullptr) ledger_->SetEvents(this);
}

Reconciler::~Reconciler() = default;

void Reconciler::Start() { ReadPage(); }

void Reconciler::Fail(const std::string& error) {
  if (finished_) return;
  error_ = error;
  finished_ = true;
}

void Reconciler::RedisFailed(std::function<void()> again) {
  if (claims_.is_damaged()) return Fail("the books cannot be read to their end");
  const int64_t now_ns = loop_.clock().MonotonicNanos();
  if (redis_failing_since_ns_ == 0) redis_failing_since_ns_ = now_ns;
  if (now_ns - redis_failing_since_ns_ >= options_.redis_patience_ms * base::kNanosPerMilli) {
    return Fail(
        "the books do not answer. Check that Redis runs and that REDIS_SOCKET or REDIS_URL names "
        "it, or DATA_DIR where they are in a file, then run this again; what was repaired stays "
        "repaired");
  }
  retries_.push_back(std::move(again));
  if (!retry_timer_.armed()) retry_timer_.ArmIn(kRetryMs * base::kNanosPerMilli);
}

// --- Reading

void Reconciler::ReadPage() {
  if (finished_) return;
  reading_ = true;
  claims_.Read(*cursor_, [this](const std::optional<ledger::ClaimPage>& page) {
    if (!page) return RedisFailed([this] { ReadPage(); });
    redis_failing_since_ns_ = 0;
    reading_ = false;
    OnPage(*page);
  });
}

// The first page fixes the epoch, the run of Redis and the range.
bool Reconciler::TakeFirstPage(const ledger::ClaimPage& page) {
  begun_ = true;
  epoch_ = page.epoch;
  run_id_ = page.run_id;
  known_from_ms_ = page.known_from_ms;
  range_ = options_.range;
  const int64_t now_ms = std::min(page.now_ms, loop_.clock().WallMillis());
  range_.to_ms = std::min(range_.to_ms, now_ms - options_.min_age_ms);
  if (range_.from_ms == std::numeric_limits<int64_t>::min()) range_.from_ms = page.known_from_ms;
  if (range_.from_ms <= range_.to_ms) return true;
  Fail(
      "the range is empty: it ends at the youngest age, before it begins; choose an earlier "
      "--from, a later --to, or wait");
  return false;
}

void Reconciler::OnPage(const ledger::ClaimPage& page) {
  if (!begun_ && !TakeFirstPage(page)) return;
  if (page.run_id != run_id_) {
    return Fail("the server of the books was started again during the run; run it again");
  }
  if (page.epoch != epoch_) return Fail("the books were purged during the run; run it again");
  counts_.damaged += page.damaged;
  for (const ledger::Claim& claim : page.claims) {
    if (!InRange(claim.entry.requested_at_ms)) {
      ++counts_.out_of_range;
    } else if (!settled_.contains(claim.id) && !listed_ids_.contains(claim.id)) {
      queue_.push_back(claim);
    }
  }
  share_ = page.share;
  cursor_ = page.next;
  Pump();
}

void Reconciler::Pump() {
  if (pumping_ || finished_ || !begun_ || repairing_) return;
  pumping_ = true;
  while (active_ < active_max_ && !listed_.empty()) {
    const payments::Uuid id = listed_.front();
    listed_.pop_front();
    BeginListed(id);
  }
  while (active_ < active_max_ && !queue_.empty()) {
    const ledger::Claim claim = queue_.front();
    queue_.pop_front();
    const size_t index = NewItem(claim.id);
    items_[index]->subject.books = claim.entry;
    AskAll(index);
  }
  pumping_ = false;
  if (queue_.size() < active_max_ && cursor_ && !reading_) return ReadPage();
  if (active_ == 0 && queue_.empty() && listed_.empty() && !cursor_) RepairNext();
}

// --- Comparing

size_t Reconciler::NewItem(const payments::Uuid& id) {
  ++active_;
  if (idle_.empty()) {
    idle_.push_back(items_.size());
    items_.push_back(std::make_unique<Item>());
  }
  const size_t index = idle_.back();
  idle_.pop_back();
  *items_[index] = Item{};
  items_[index]->subject.id = id;
  return index;
}

void Reconciler::BeginListed(const payments::Uuid& id) {
  const size_t index = NewItem(id);
  FindOnBooks(id, [this, index](const std::optional<BookEntry>& entry) {
    items_[index]->subject.books = entry;
    AskAll(index);
  });
}

void Reconciler::FindOnBooks(const payments::Uuid& id,
                             std::function<void(const std::optional<BookEntry>&)> use) {
  if (finished_) return;
  books_.Find(id, [this, id, use = std::move(use)](const auto& entry) {
    if (finished_) return;
    if (!entry) return RedisFailed([this, id, use] { FindOnBooks(id, use); });
    redis_failing_since_ns_ = 0;
    use(*entry);
  });
}

void Reconciler::AskAll(size_t index) {
  Item& item = *items_[index];
  const auto& books = item.subject.books;
  item.subject.answers.assign(options_.asker.processors, Answer{});
  item.waiting = 0;
  const bool all = !options_.named_only || !books || books->processor == payments::kNoProcessor;
  for (size_t i = 0; i < options_.asker.processors; ++i) {
    const auto id = static_cast<payments::ProcessorId>(i);
    if (!all && id != books->processor) continue;
    ++item.waiting;
    asker_.Ask(item.subject.id, id, index);
  }
  if (item.waiting > 0) return;
  loop_.Post(life_.Guard([this, index] { Judge(index); }));
}

void Reconciler::OnAnswer(size_t index, payments::ProcessorId processor, const Answer& answer) {
  Item& item = *items_[index];
  item.subject.answers[processor] = answer;
  if (--item.waiting == 0) Judge(index);
}

void Reconciler::Judge(size_t index) {
  if (finished_) return;
  std::vector<Difference> differences = Compare(items_[index]->subject, known_from_ms_ + kSkewMs);
  differences.empty() ? Settle(index, {}) : LookAgain(index, std::move(differences));
}

// For listed ids: the payment is out of the range or too young.
bool Reconciler::IsOutside(const Subject& subject) const {
  if (subject.books) return !InRange(subject.books->requested_at_ms);
  return std::any_of(subject.answers.begin(), subject.answers.end(), [&](const Answer& answer) {
    return answer.kind == Answer::Kind::kHeld && !InRange(answer.requested_at_ms);
  });
}

// The books may have changed while the processors were asked: a gateway may have recorded it.
void Reconciler::LookAgain(size_t index, std::vector<Difference> differences) {
  FindOnBooks(items_[index]->subject.id, [this, index, differences = std::move(differences)](
                                             const std::optional<BookEntry>& entry) {
    Item& item = *items_[index];
    if (entry == item.subject.books || item.rounds >= kRoundsMax) {
      return Settle(index, differences);
    }
    ++item.rounds;
    item.subject.books = entry;
    AskAll(index);
  });
}

void Reconciler::Settle(size_t index, std::vector<Difference> differences) {
  Subject& subject = items_[index]->subject;
  if (IsOutside(subject)) {
    ++counts_.out_of_range;
  } else if (IsTooOldToJudge(subject, known_from_ms_ + kSkewMs)) {
    ++counts_.too_old;
  } else {
    Count(subject);
    Gaps own{};
    AddGaps(subject, range_, own);
    const bool differs = !differences.empty() || own != Gaps{};
    if (differs && settled_.insert(subject.id).second) {
      AddGaps(subject, range_, gaps_);
      const bool repairable = std::any_of(differences.begin(), differences.end(),
                                          [](const Difference& it) { return it.repairable; });
      if (repairable) to_repair_.push_back(findings_.size());
      if (!differences.empty()) {
        findings_.push_back(
            {.subject = std::move(subject),
             .differences = std::move(differences),
             .repair = repairable && options_.repair ? Repair::kWanted : Repair::kNone});
      }
    }
  }
  idle_.push_back(index);
  --active_;
  Pump();
}

void Reconciler::Count(const Subject& subject) {
  ++counts_.compared;
  if (!subject.books) {
    ++counts_.unknown;
    return;
  }
  switch (subject.books->state) {
    case EntryState::kPending:
      ++counts_.pending;
      return;
    case EntryState::kRejected:
      ++counts_.rejected;
      return;
    case EntryState::kBooked:
      ++counts_.booked;
      if (!subject.books->counted) ++counts_.not_counted;
      return;
  }
}

}  // namespace tollgate::reconcile
