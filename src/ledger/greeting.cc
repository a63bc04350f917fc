#include "ledger/greeting.h"

#include <sys/random.h>

#include <algorithm>
#include <utility>

#include "tollgate/base/assert.h"

namespace tollgate::ledger {
namespace {

// The interval of greetings, also under load. Other instances see by it that this table is alive,
// and this one sees the state of the books.
constexpr int64_t kGreetingNs = base::kNanosPerSecond / 2;
constexpr const char* kLostSomething = "the books have lost something";

uint64_t RandomNumber() {
  uint64_t number = 0;
  TG_CHECK(::getrandom(&number, sizeof(number), 0) == sizeof(number));
  return number;
}

}  // namespace

const char* Name(BooksStanding standing) {
  switch (standing) {
    case BooksStanding::kUnknown:
      return "away";
    case BooksStanding::kOurs:
      return "ours";
    case BooksStanding::kOthers:
      return "another fleet's";
    case BooksStanding::kStrangers:
      return "without an id, and strange to this table";
    case BooksStanding::kLossy:
      return "incomplete";
    case BooksStanding::kNotNewest:
      return "held by a newer opening of this table";
  }
  return "away";
}

Greeting::Greeting(net::EventLoop& loop, GreetingOptions options, std::string known_run_id,
                   BooksMemory* memory, Line& line)
    : loop_(loop),
      options_(std::move(options)),
      known_run_id_(std::move(known_run_id)),
      memory_(memory),
      line_(line),
      grace_timer_(loop, [this] { events_->OnLedgerState(); }),
      greeting_timer_(loop, [this] { Greet(); }) {}

void Greeting::OnConnected(const BooksRun& run) {
  run_ = run;
  id_from_ns_ = -1;
  last_number_ = 0;
  greeting_ = false;
  if (memory_ == nullptr) return Open();
  Send();
}

void Greeting::OnLost() {
  if (gone_) std::exchange(gone_, nullptr)();
  opened_ = greeting_ = false;
  if (standing_ != BooksStanding::kNotNewest) standing_ = BooksStanding::kUnknown;
  greeting_timer_.Disarm();
  events_->OnLedgerState();
}

std::string Greeting::RunId() const {
  if (memory_ == nullptr) return run_.id;
  return run_.server + ":" + std::to_string(EraOf(memory_->Number()));
}

void Greeting::Greet() {
  if (silent_) return;
  greeting_timer_.ArmIn(kGreetingNs);
  if (line_.IsConnected() && !greeting_ && standing_ != BooksStanding::kNotNewest) Send();
}

void Greeting::Send(GreetingNote note) {
  if (!silent_ && opened_ && EraOf(memory_->Number()) != era_) {
    return line_.Drop("the books have lost something: another worker of this table saw it");
  }
  if (!silent_) greeting_timer_.ArmIn(kGreetingNs);
  greeting_ = true;
  const bool may_make = id_from_ns_ >= 0 && loop_.now_ns() >= id_from_ns_;
  if (may_make && fresh_id_ == payments::Uuid{}) fresh_id_ = {RandomNumber(), RandomNumber()};
  const uint64_t number = memory_->Number();
  sent_era_ = EraOf(number);
  line_.Send({.owner = owner_,
              .confirmed = number,
              .told_to = memory_->Books(),
              .fresh_id = may_make ? fresh_id_ : payments::Uuid{},
              .note = note,
              .accept_loss = options_.accept_loss});
}

void Greeting::SayGone(std::function<void()> done) {
  if (memory_ == nullptr || !line_.IsConnected() || !opened_) return done();
  silent_ = true;
  greeting_timer_.Disarm();
  gone_ = std::move(done);
  Send(GreetingNote::kGone);
}

void Greeting::OnAnswer(const std::optional<GreetingAnswer>& answer) {
  greeting_ = false;
  if (silent_) {
    if (gone_) std::exchange(gone_, nullptr)();
    return;
  }
  if (!answer) return line_.Drop("a greeting was answered as the books cannot have answered it");
  Take(*answer);
}

void Greeting::Take(const GreetingAnswer& answer) {
  // Books that were made on this run of the server have lost nothing.
  without_grace_ = answer.born_on_run;
  epoch_ = answer.epoch;
  switch (answer.verdict) {
    case GreetingVerdict::kOk:
      return OnOurs(answer);
    case GreetingVerdict::kLost:
      return OnBooksLost(answer);
    case GreetingVerdict::kFenced:
      return OnFenced();
    case GreetingVerdict::kOthers:
      return Refuse(BooksStanding::kOthers, options_.about_others);
    case GreetingVerdict::kStranger:
      return Refuse(BooksStanding::kStrangers, options_.about_strangers);
    case GreetingVerdict::kOld:
      return Refuse(BooksStanding::kStrangers, options_.about_old);
    case GreetingVerdict::kNew:
      return WaitWithoutId(answer.number == 1);
  }
}

// The books have no id. A table that knows the id may put it back during the grace. After the grace
// this one makes an id.
void Greeting::WaitWithoutId(bool empty) {
  // A server that is empty and has just started never had books. One that has run for longer may
  // have been emptied; then the other tables put their id back within the grace.
  const bool young = run_.uptime_ms < options_.grace_ms;
  const int64_t wait_ms = empty && young && options_.new_fleet ? 0 : options_.grace_ms;
  if (id_from_ns_ < 0) id_from_ns_ = loop_.now_ns() + wait_ms * base::kNanosPerMilli;
  if (loop_.now_ns() >= id_from_ns_) return Send();
  greeting_timer_.Arm(std::min(id_from_ns_, loop_.now_ns() + kGreetingNs));
}

void Greeting::OnOurs(const GreetingAnswer& answer) {
  if (answer.books == payments::Uuid{} || answer.number == 0 || answer.number > kNumberMax) {
    return line_.Drop("a greeting was answered as the books cannot have answered it");
  }
  // A loss that an earlier run of this process saw and did not note on the books.
  const bool unnoted = !answer.lossy && EraOf(answer.before) < EraOf(answer.number) &&
                       answer.before < memory_->Forgotten();
  beyond_ = beyond_ || unnoted;
  if (memory_->Books() != answer.books && !memory_->SetBooks(answer.books)) {
    return line_.Drop("the table cannot store which books it is told to; see the disk");
  }
  if (!Confirm(answer.number)) return line_.Drop(kLostSomething);
  id_from_ns_ = -1;
  if (beyond_ && !options_.accept_loss && !answer.lossy) return Send(GreetingNote::kLossy);
  const BooksStanding before = standing_;
  standing_ = answer.lossy ? BooksStanding::kLossy : BooksStanding::kOurs;
  if (answer.lossy && before != standing_) {
    options_.report(
        "the books have lost payments that no table can replay. Summaries are not "
        "answered and nothing new is sent, until `tollgate books accept-loss` or a purge; "
        "`tollgate reconcile --repair` beforehand books what the processors still know");
  } else if (beyond_ && options_.accept_loss) {
    options_.report(
        "the books have lost payments that no table can replay; as ALLOW_PURGE is on, "
        "this is taken for a purge");
  }
  beyond_ = false;
  if (!opened_) return Open();
  if (before != standing_) events_->OnLedgerState();
}

// On one connection numbers rise from reply to reply. If one does not, the books were rolled back
// between the two calls, and other calls have raised the number again to what this call sent.
bool Greeting::Confirm(uint64_t number) {
  if (memory_ == nullptr) return true;
  if (number <= std::exchange(last_number_, number)) {
    memory_->BeginEra(EraOf(number));
    return false;
  }
  memory_->Confirm(number, loop_.now_ns());
  return true;
}

void Greeting::OnBooksLost(const GreetingAnswer& answer) {
  // Records with a higher number than the books know are lost. Those that no slot holds cannot be
  // replayed.
  if (answer.number < memory_->Forgotten() || answer.put_back) beyond_ = true;
  memory_->BeginEra(sent_era_);
  if (opened_) return line_.Drop(kLostSomething);
  Send();
}

void Greeting::OnFenced() {
  const Owner asked = owner_;
  events_->OnNotNewest();
  if (owner_.table != asked.table) {
    // The same payments have another owner now, which has sent these books nothing and lost
    // nothing.
    era_ = EraOf(memory_->Number());
    known_run_id_ = RunId();
    return Send();
  }
  standing_ = BooksStanding::kNotNewest;
  greeting_timer_.Disarm();
  events_->OnLedgerState();
}

// Tries again every second: a name may point to a wrong server for a while.
void Greeting::Refuse(BooksStanding why, const std::string& text) {
  const bool news = standing_ != why;
  standing_ = why;
  opened_ = false;
  if (news) {
    options_.report(text);
    events_->OnLedgerState();
  }
  greeting_timer_.ArmIn(base::kNanosPerSecond);
}

void Greeting::Open() {
  opened_ = true;
  const std::string run_id = RunId();
  if (memory_ != nullptr) era_ = EraOf(memory_->Number());
  const bool lost_tail = !known_run_id_.empty() && known_run_id_ != run_id;
  int64_t grace_ms = 0;
  if (lost_tail) {
    grace_ms = options_.grace_ms;
  } else if (known_run_id_.empty() && !without_grace_) {
    // It is not known whether the books lost something. Other tables may still have to replay.
    grace_ms = std::max<int64_t>(0, options_.grace_ms - run_.uptime_ms);
  }
  known_run_id_ = run_id;
  claims_from_ns_ = std::max(claims_from_ns_, loop_.now_ns() + grace_ms * base::kNanosPerMilli);
  if (grace_ms > 0) grace_timer_.Arm(claims_from_ns_);
  if (lost_tail) events_->OnTailLost();
  events_->OnLedgerState();
}

bool Greeting::can_claim() const {
  return opened_ && loop_.now_ns() >= claims_from_ns_ &&
         (memory_ == nullptr || standing_ == BooksStanding::kOurs);
}

}  // namespace tollgate::ledger
