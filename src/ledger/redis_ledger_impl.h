// The ledger in Redis behind RedisLedger. redis_ledger.cc has the batches, redis_greeting.cc what
// the books are and what they have lost.
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
#include "ledger/redis_connection.h"
#include "tollgate/ledger/redis_ledger.h"

namespace tollgate::ledger {

enum Script : size_t { kClaimScript, kRecordScript, kHelloScript, kOwnerScript };

struct RedisLedger::Impl {
  // One batch under way, or what is left of one that is tried entry by entry.
  struct Call {
    bool record = false;
    uint64_t batch = 0;
    size_t count = 0;
    Owner owner;
    uint64_t era = 0;        // of the number that it was sent with
    std::string data;        // packed entries
    std::string take_overs;  // of claims: packed too, or empty
    size_t single = 0;       // entries answered so far, when they are sent one by one
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

  // The server's run and its replication's: a new one begins when a replica is promoted. The
  // table's era: a new one begins when its number fell.
  std::string RunId() const;

  void Greet();
  void SendGreeting(std::string_view note = "");
  void SayGone(std::function<void()> done);
  static std::string Packed(const payments::Uuid& id);
  void OnGreeted(const redisReply* reply, uint64_t sent_era);

  // Books without an id: those who know one, and come back now, put it there. After the grace we
  // make one.
  void WaitWithoutId(bool empty);

  void OnOurs(uint64_t number, std::string_view id, bool lossy);

  // A loss that an earlier life of this process saw, and did not live to note.
  void NoteBefore(uint64_t before, uint64_t number, bool lossy);

  // `known`: the highest number that the books still have of us.
  void OnBooksLost(uint64_t known, uint64_t sent_era, bool put_back);

  void OnFenced();

  // Looks again every second: a name that points to the wrong server for a while ends nothing.
  void Refuse(BooksStanding why, const std::string& text);

  void Open();

  // --- redis_ledger.cc
  // All names, by ProcessorId; joined anew when one was added.
  const std::string& Names();

  Call* NewCall(bool record, const Owner& from, uint64_t batch, size_t count);

  void Identify(const Owner& who);

  // The number that a call says, as text; empty without a table. Not std::to_string: no memory is
  // asked for on the way of a payment.
  std::string_view NumberText(uint64_t number);

  void Send(Call* call);

  void OnReply(Call* call, const redisReply* reply);

  // False: the books have lost something since the last reply.
  bool Confirm(uint64_t number);

  // The data in the replies is looked at entry by entry, later.
  bool IsSound(const Call& call, const redisReply& reply, size_t expected) const;

  // After `answered` more entries.
  void Advance(Call* call, size_t answered);

  void OnError(Call* call, const redisReply& reply);

  void Fail(Call* call);

  // Out of memory, claims wait and records still go through, on the same connection. The caller
  // repeats a batch that failed, so it learns of that the later the more often it was so.
  void FailLater(Call* call, const std::string& why);
  void FailRefused();

  // `entry`: its number in the call.
  void TakeClaimReply(Call& call, Unpacker& in, size_t entry);
  // What stands in the books may be of anybody who can write there. It is this one payment's
  // trouble, and no reason to leave the books.
  static bool CanBeAdopted(const ClaimReply& reply);
  void TakeRecordReply(Call& call, Unpacker& in);

  void ReportForgotten();

  // None as well if its name is lost, or there is no room for one more.
  payments::ProcessorId ProcessorOf(uint64_t code, uint64_t identity);

  void Report(const std::string& text) const;

  net::EventLoop& loop;
  const RedisOptions options;
  payments::ProcessorDirectory& directory;
  std::string known_run_id;
  BooksMemory* const memory;
  LedgerEvents* events = nullptr;
  Owner owner;  // who greets
  RedisFacts facts;
  BooksStanding standing = BooksStanding::kUnknown;
  bool opened = false;         // greeted, and known to be ours
  bool greeting = false;       // one is under way
  bool beyond = false;         // more is lost than the table holds: to be noted on the books
  bool without_grace = false;  // the books began on the server as it runs now
  bool silent = false;         // it has said, or says, that it is gone
  std::function<void()> gone;  // to call once that is said
  uint64_t last_number = 0;    // of a reply on this connection
  uint64_t era = 0;            // in which this connection was opened
  int64_t id_from_ns = -1;     // from then on an id may be made; negative: not wanted yet
  payments::Uuid fresh_id;
  std::string server;       // the one now connected to
  std::string known_epoch;  // of the books, as a text; empty: not greeted
  std::string books_text;   // of the greeting, kept for its memory
  std::array<char, 24> number_text{};
  const std::shared_ptr<bool> life = std::make_shared<bool>(true);
  RedisConnection connection;
  net::Timer grace_timer;
  net::Timer refused_timer;
  std::vector<Call*> refused;  // until the timer
  int64_t refused_ms = 0;      // of the last wait; 0 again once claims are granted
  net::Timer greeting_timer;
  int64_t claims_from_ns = 0;
  RedisCommand command;
  const std::string shelf;
  std::string names, table_id, incarnation, nonce, predecessors;
  size_t names_count = 0;
  std::string_view ledger_names;  // during OnReply
  uint32_t epoch = 0;             // likewise
  size_t forgotten = 0;           // likewise
  std::vector<std::unique_ptr<Call>> calls;
  std::vector<Call*> idle;
};

}  // namespace tollgate::ledger
