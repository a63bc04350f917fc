// The implementation of RedisLedger. redis_ledger.cc has the batches; redis_greeting.cc finds out
// whose books these are and what they have lost.
//
// Thread: one worker's loop.
// Owns: one connection.
#pragma once

#include <hiredis/hiredis.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/packed.h"
#include "ledger/packed_batch.h"
#include "ledger/redis_connection.h"
#include "tollgate/base/backoff.h"
#include "tollgate/base/lifetime.h"
#include "tollgate/ledger/redis_ledger.h"

namespace tollgate::ledger {

enum Script : size_t { kClaimScript, kRecordScript, kHelloScript, kOwnerScript };

// Members: greeting, claims and records share one connection, and what one of them learns of the
// books decides whether the others may be sent.
struct RedisLedger::Impl {
  // One open batch, or the rest of a batch that is sent entry by entry.
  struct Call {
    bool record = false;
    uint64_t batch = 0;
    size_t count = 0;
    Owner owner;
    uint64_t era = 0;         // of the number that it was sent with
    std::string known_epoch;  // that it was packed with, as a text; empty: none
    PackedBatch batched;
    size_t single = 0;  // entries answered so far, when they are sent one by one
    bool one_by_one = false;
    std::vector<ClaimReply> claim_replies;
    std::vector<RecordReply> record_replies;
  };

  Impl(net::EventLoop& loop_in, const RedisOptions& options_in,
       payments::ProcessorDirectory& directory_in, std::string known_run_id_in,
       BooksMemory* memory_in);

  // --- redis_greeting.cc
  void OnConnected(const RedisFacts& facts_in);
  void AskOwner(const payments::Uuid& table, OnOwner done);
  void OnLost();

  // The server's run and replication id, and the table's era. The replication id changes when a
  // replica is promoted. A new era begins when the books have lost something.
  std::string RunId() const;

  void Greet();
  void SendGreeting(std::string_view note = "");
  void SayGone(std::function<void()> done);
  static std::string Packed(const payments::Uuid& id);
  void OnGreeted(const redisReply* reply, uint64_t sent_era);

  // The books have no id. A table that knows the id may put it back during the grace. After the
  // grace this one makes an id.
  void WaitWithoutId(bool empty);

  void OnOurs(uint64_t number, std::string_view id, bool lossy);

  // Finds a loss that an earlier run of this process saw but did not note on the books.
  void NoteBefore(uint64_t before, uint64_t number, bool lossy);

  // `known`: the highest number of this table that the books still have.
  void OnBooksLost(uint64_t known, uint64_t sent_era, bool put_back);

  void OnFenced();

  // Tries again every second: a name may point to a wrong server for a while.
  void Refuse(BooksStanding why, const std::string& text);

  void Open();

  // --- redis_ledger.cc
  // All names with their identities, by ProcessorId; rebuilt when one was added.
  const std::string& Names();

  Call* NewCall(bool record, const Owner& from, uint64_t batch, size_t count);

  void AddClaim(Call& call, const ClaimRequest& request) const;

  void Identify(const Owner& who);

  // The number of a call as text; empty without a table. Not std::to_string, which could allocate
  // on the path of a payment.
  std::string_view NumberText(uint64_t number);

  void Send(Call* call);

  void OnReply(Call* call, const redisReply* reply);

  // False: the books have lost something since the last reply.
  bool Confirm(uint64_t number);

  // Checks the form of a reply. TakeClaimReply and TakeRecordReply read its entries later.
  bool IsSound(const Call& call, const redisReply& reply, size_t expected) const;

  // Goes on after `answered` more entries were answered.
  void Advance(Call* call, size_t answered);

  void OnError(Call* call, const redisReply& reply);

  void Fail(Call* call);

  // Fails the call after a delay that doubles with each refusal. Out of memory, Redis refuses
  // claims and still takes records on the same connection. The caller repeats a failed batch, so
  // the delay limits its repeats.
  void FailLater(Call* call, const std::string& why);
  void FailRefused();

  // `entry`: its index in the call.
  void TakeClaimReply(Call& call, Unpacker& in, size_t entry);
  // False for a claim that no gateway can have made: others may write to Redis. It affects only its
  // own payment, so the books stay in use.
  static bool CanBeAdopted(const ClaimReply& reply);
  void TakeRecordReply(Call& call, Unpacker& in);

  void ReportForgotten();

  // kNoProcessor also if the name is lost or the directory is full.
  payments::ProcessorId ProcessorOf(uint64_t code, uint64_t identity);

  void Report(const std::string& text) const;

  net::EventLoop& loop;
  const RedisOptions options;
  payments::ProcessorDirectory& directory;
  std::string known_run_id;
  BooksMemory* const memory;
  LedgerEvents* events = nullptr;
  Owner owner;  // whose greetings are sent
  RedisFacts facts;
  BooksStanding standing = BooksStanding::kUnknown;
  bool opened = false;    // greeted, and known to be ours
  bool greeting = false;  // a greeting is open
  bool beyond = false;    // lost payments that the table cannot replay; to be noted on the books
  bool without_grace = false;  // the books were made on this run of the server
  bool silent = false;         // SayGone was called: no more greetings
  std::function<void()> gone;  // to call after that is said
  uint64_t last_number = 0;    // of the last reply on this connection
  uint64_t era = 0;            // in which this connection was opened
  int64_t id_from_ns = -1;     // from then on it may make an id; negative: not wanted
  payments::Uuid fresh_id;
  std::string server;       // the present one
  std::string known_epoch;  // of the books, as text; empty: not greeted
  std::string books_text;   // of the greeting; a member to keep its capacity
  std::array<char, 24> number_text{};
  base::Lifetime life;
  RedisConnection connection;
  net::Timer grace_timer;
  net::Timer refused_timer;
  std::vector<Call*> refused;  // until refused_timer
  base::Backoff refusals;      // reset by a granted claim
  net::Timer greeting_timer;
  int64_t claims_from_ns = 0;
  RedisCommand command;
  const std::string shelf;
  std::string names, table_id, incarnation, nonce, predecessors;
  size_t names_count = 0;
  std::string_view ledger_names;  // during OnReply
  uint32_t epoch = 0;             // during OnReply
  size_t forgotten = 0;           // during OnReply
  std::vector<std::unique_ptr<Call>> calls;
  std::vector<Call*> idle;
};

}  // namespace tollgate::ledger
