#include "ledger/file/file_ledger.h"

#include <algorithm>
#include <utility>

#include "ledger/file/run_name.h"
#include "tollgate/base/assert.h"

namespace tollgate::ledger::file {
namespace {

constexpr size_t kCallsMax = 100'000;  // the forwarder bounds its batches
constexpr base::BackoffRange kReconnects{.min_ms = 20, .max_ms = 1'000};

// The run and its age, as a connection finds them.
struct RunFacts {
  std::string run;
  int64_t uptime_ms = 0;
};

GreetingOptions MakeGreetingOptions(const FileOptions& options,
                                    std::function<void(const std::string&)> report) {
  const std::string where = "the books in " + options.path + " ";
  return {.grace_ms = options.grace_ms,
          .new_fleet = options.new_fleet,
          .accept_loss = options.accept_loss,
          .about_others =
              where +
              "are not those that this instance's payments are claimed in. Nothing is sent. Set "
              "BOOKS and DATA_DIR, or REDIS_SOCKET or REDIS_URL, to its own books; or start it "
              "with a new DATA_DIR, once `tollgate pending` says 0 pending for the old one and "
              "none of its payments can come again",
          .about_strangers =
              where +
              "do not know this instance's table, which was told to other books. Nothing is sent. "
              "Set REDIS_SOCKET or REDIS_URL where its books are in Redis, or put the file of its "
              "own books there, or start it with a new DATA_DIR",
          .about_old = {},
          .report = std::move(report)};
}

// A table that knows books, and not this kind of run, was told to a Redis.
bool WasToldElsewhere(const BooksMemory* memory, const std::string& known_run_id) {
  return memory != nullptr && memory->Books() != payments::Uuid{} &&
         !known_run_id.starts_with(kRunPrefix);
}

int64_t NowSeconds() { return base::SystemClock().WallMillis() / 1'000; }

bool CanBeAdopted(const ClaimReply& reply) {
  return reply.attempt > 0 && reply.attempt <= payments::kAttemptMax &&
         reply.processor != payments::kNoProcessor &&
         payments::IsRequestedAt(reply.requested_at_ms);
}

}  // namespace

FileLedger::FileLedger(net::EventLoop& loop, std::shared_ptr<FileStore> store,
                       const FileOptions& options, payments::ProcessorDirectory& directory,
                       const std::string& known_run_id, BooksMemory* memory)
    : loop_(loop),
      options_(options),
      directory_(directory),
      memory_(memory),
      told_elsewhere_(WasToldElsewhere(memory, known_run_id)),
      greeting_(loop,
                MakeGreetingOptions(options, [this](const std::string& text) { Report(text); }),
                known_run_id, memory, *this),
      calls_(loop, std::move(store), options.call_timeout_ms, kCallsMax),
      reconnect_timer_(loop, [this] { Connect(); }) {}

void FileLedger::Start() {
  TG_ASSERT(events_ != nullptr);
  calls_.store().Start();
  Connect();
}

void FileLedger::SetEvents(LedgerEvents* events) {
  events_ = events;
  greeting_.SetEvents(events);
}

void FileLedger::Connect() {
  calls_.Write<RunFacts>(
      [](BookFile& file) {
        const Header& header = file.header();
        return RunFacts{.run = header.run,
                        .uptime_ms = std::max<int64_t>(0, SinceBootMs() - header.run_began_ms)};
      },
      [this](const std::optional<RunFacts>& facts) {
        // The store tells people.
        if (!facts)
          return reconnect_timer_.ArmIn(reconnects_.NextMs(kReconnects) * base::kNanosPerMilli);
        reconnects_.Reset();
        connected_ = true;
        run_ = facts->run;
        greeting_.OnConnected(
            {.id = facts->run, .server = facts->run, .uptime_ms = facts->uptime_ms});
      });
}

void FileLedger::Drop(const std::string& why) {
  if (!connected_) return;
  if (!why.empty()) Report(why);
  connected_ = false;
  calls_.Abandon();
  for (const uint64_t batch : std::exchange(batches_, {})) events_->OnBatchFailed(batch);
  greeting_.OnLost();
  reconnect_timer_.ArmIn(reconnects_.NextMs(kReconnects) * base::kNanosPerMilli);
}

void FileLedger::Send(const GreetingCall& call) {
  auto hello = std::make_shared<HelloCall>();
  hello->greeting = call;
  hello->told_elsewhere = told_elsewhere_;
  calls_.Write<bool>(
      [hello](BookFile& file) {
        hello->run = file.header().run;
        Hello(file, *hello, NowSeconds());
        return true;
      },
      [this, hello](const std::optional<bool>& done) {
        if (!done) return Drop("");
        if (IsSameRun(hello->run)) greeting_.OnAnswer(hello->answer);
      });
}

void FileLedger::AskOwner(const payments::Uuid& table, OnOwner done) {
  if (!ready()) return done(std::nullopt);
  calls_.Read<OwnerFacts>(
      [table](BookFile& file) {
        const auto row = file.FindOwner(table);
        if (!row) return OwnerFacts{};
        const int64_t number = row->number.value_or(0);
        return OwnerFacts{.known = true, .number = row->gone ? -number : number};
      },
      std::move(done));
}

Caller FileLedger::MakeCaller(const Owner& owner) {
  const size_t known = directory_.size();
  if (names_ == nullptr || names_->size() != known) {
    auto names = std::make_shared<NameList>();
    for (size_t id = 0; id < known; ++id) {
      names->push_back(directory_.Name(static_cast<payments::ProcessorId>(id)));
    }
    names_ = std::move(names);
  }
  Caller caller{.owner = owner, .confirmed = std::nullopt, .names = names_};
  if (memory_ != nullptr) caller.confirmed = memory_->Number();
  return caller;
}

bool FileLedger::MaySend(uint64_t batch) {
  if (memory_ == nullptr || EraOf(memory_->Number()) == greeting_.era()) {
    batches_.push_back(batch);
    return true;
  }
  loop_.Post(life_.Guard([this, batch] {
    events_->OnBatchFailed(batch);
    Drop("");
  }));
  return false;
}

bool FileLedger::Close(uint64_t batch) {
  const auto open = std::find(batches_.begin(), batches_.end(), batch);
  if (open == batches_.end()) return false;
  batches_.erase(open);
  return true;
}

void FileLedger::AddClaim(ClaimCall& call, const ClaimRequest& request) const {
  call.requests.push_back(request);
  call.identities.push_back(
      request.processor < directory_.size() ? directory_.Identity(request.processor) : 0);
}

void FileLedger::Claim(const Owner& owner, std::span<const ClaimRequest> requests, uint64_t batch) {
  TG_ASSERT(!requests.empty() && requests.size() <= payments::kLedgerBatchMax);
  if (!MaySend(batch)) return;
  auto call = std::make_shared<ClaimCall>();
  call->caller = MakeCaller(owner);
  for (const ClaimRequest& request : requests) AddClaim(*call, request);
  SendClaims(call, batch);
}

void FileLedger::TakeOver(const Owner& owner, std::span<const TakeOverRequest> requests,
                          uint64_t batch) {
  TG_ASSERT(!requests.empty() && requests.size() <= payments::kLedgerBatchMax);
  if (!MaySend(batch)) return;
  auto call = std::make_shared<ClaimCall>();
  call->caller = MakeCaller(owner);
  for (const TakeOverRequest& request : requests) {
    AddClaim(*call, request.claim);
    call->holders.push_back(request.holder);
    call->held_attempts.push_back(request.attempt);
  }
  SendClaims(call, batch);
}

void FileLedger::SendClaims(const std::shared_ptr<ClaimCall>& call, uint64_t batch) {
  call->known_epoch = greeting_.epoch();
  calls_.Write<bool>(
      [call](BookFile& file) {
        file::Claim(file, *call);
        return true;
      },
      [this, call, batch](const std::optional<bool>& done) {
        if (!done) return Drop("");
        if (IsSameRun(call->result.run) && Close(batch)) TakeClaims(*call, batch);
      },
      call->requests.size());
}

void FileLedger::Record(const Owner& owner, std::span<const RecordRequest> requests,
                        uint64_t batch) {
  TG_ASSERT(!requests.empty() && requests.size() <= payments::kLedgerBatchMax);
  if (!MaySend(batch)) return;
  auto call = std::make_shared<RecordCall>();
  call->caller = MakeCaller(owner);
  call->requests.assign(requests.begin(), requests.end());
  call->window_s = options_.dedup_window_s;
  calls_.Write<bool>(
      [call](BookFile& file) {
        file::Record(file, *call, NowSeconds());
        return true;
      },
      [this, call, batch](const std::optional<bool>& done) {
        if (!done) return Drop("");
        if (IsSameRun(call->result.run) && Close(batch)) TakeRecords(*call, batch);
      },
      call->requests.size());
}

// Another run may have lost something that this connection has confirmed.
bool FileLedger::IsSameRun(const std::string& run) {
  if (run == run_) return true;
  Drop("");
  return false;
}

bool FileLedger::TakeResult(const CallResult& result, uint64_t batch) {
  switch (result.verdict) {
    case CallVerdict::kLost:
      // Nothing was done. The greeting of the next connection finds out how much was lost.
      events_->OnBatchFailed(batch);
      Drop("the books have lost something");
      return false;
    case CallVerdict::kPurged:
      // Nothing was done. The caller's repeat claims it on the emptied books.
      greeting_.OnPurged(result.epoch);
      events_->OnBatchFailed(batch);
      return false;
    case CallVerdict::kTooManyNames:
      Report(
          "more than 223 names of processors over all time; start with a new DATA_DIR once "
          "nothing is pending");
      return true;
    case CallVerdict::kDone:
      break;
  }
  if (greeting_.Confirm(result.number)) return true;
  // The call worked on books that were rolled back: everything is replayed.
  events_->OnBatchFailed(batch);
  Drop("the books have lost something");
  return false;
}

void FileLedger::TakeClaims(ClaimCall& call, uint64_t batch) {
  if (!TakeResult(call.result, batch)) return;
  if (call.result.verdict == CallVerdict::kTooManyNames) {
    ClaimReply failed;
    failed.verdict = ClaimVerdict::kFailed;
    call.replies.assign(call.requests.size(), failed);
    return events_->OnClaimed(batch, call.replies);
  }
  for (ClaimReply& reply : call.replies) {
    reply.processor = ProcessorOf(call.result, reply.processor, reply.identity);
    const bool granted =
        reply.verdict == ClaimVerdict::kYours || reply.verdict == ClaimVerdict::kStale;
    if (!granted || CanBeAdopted(reply)) continue;
    Report("the claim of a payment is not one that a gateway can have made (attempt " +
           std::to_string(reply.attempt) + ", requestedAt " +
           std::to_string(reply.requested_at_ms) + " ms); the payment waits");
    reply = {};
    reply.verdict = ClaimVerdict::kFailed;
  }
  events_->OnClaimed(batch, call.replies);
}

void FileLedger::TakeRecords(RecordCall& call, uint64_t batch) {
  if (!TakeResult(call.result, batch)) return;
  if (call.result.verdict == CallVerdict::kTooManyNames) {
    call.replies.assign(call.requests.size(), RecordReply{.verdict = RecordVerdict::kFailed});
    return events_->OnRecorded(batch, call.replies);
  }
  for (RecordReply& reply : call.replies) {
    reply.other = ProcessorOf(call.result, reply.other, 0);
  }
  if (call.forgotten != 0) {
    Report("payments booked before the time that the books remember: " +
           std::to_string(call.forgotten) +
           ". They may have been counted then, so they are on the books and not in the summary. "
           "Where this is frequent, set a longer DEDUP_WINDOW");
  }
  events_->OnRecorded(batch, call.replies);
}

payments::ProcessorId FileLedger::ProcessorOf(const CallResult& result, uint8_t number,
                                              uint64_t identity) {
  if (number == payments::kNoProcessor || number >= result.names->size()) {
    return payments::kNoProcessor;
  }
  const std::string& name = (*result.names)[number];
  if (identity != 0) return directory_.Add(name, identity).value_or(payments::kNoProcessor);
  if (const auto known = directory_.Find(name)) return *known;
  return directory_.Add(name).value_or(payments::kNoProcessor);
}

void FileLedger::Report(const std::string& text) const {
  if (options_.report) options_.report(true, "books: " + text);
}

}  // namespace tollgate::ledger::file
