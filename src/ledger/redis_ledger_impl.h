// The implementation of RedisLedger. redis_ledger.cc has the batches; redis_greeting.cc has the
// greeting on the wire.
//
// Thread: one worker's loop.
// Owns: one connection.
#pragma once

#include <hiredis/hiredis.h>

#include <array>
#include <bit>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/greeting.h"
#include "ledger/packed.h"
#include "ledger/packed_batch.h"
#include "ledger/redis_connection.h"
#include "tollgate/base/backoff.h"
#include "tollgate/base/lifetime.h"
#include "tollgate/ledger/redis_ledger.h"

namespace tollgate::ledger {

// The argument of record.lua: how long ids are known (seconds), and the bits of a new shelf's
// buckets.
inline std::string ShelfText(const RedisOptions& options) {
  TG_ASSERT(std::has_single_bit(options.buckets));
  return std::to_string(options.dedup_window_s) + ":" +
         std::to_string(std::countr_zero(options.buckets));
}

enum Script : size_t { kClaimScript, kRecordScript, kHelloScript, kOwnerScript };

// Members: greeting, claims and records share one connection, and what one of them learns of the
// books decides whether the others may be sent.
struct RedisLedger::Impl final : Greeting::Line {
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
  GreetingOptions MakeGreetingOptions();
  void OnConnected(const RedisFacts& facts);
  void AskOwner(const payments::Uuid& table, OnOwner done);
  bool IsConnected() const override;
  void Send(const GreetingCall& call) override;
  void Drop(const std::string& why) override;
  std::optional<GreetingAnswer> GreetingAnswerOf(const redisReply& reply) const;

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
  BooksMemory* const memory;
  LedgerEvents* events = nullptr;
  uint64_t connected_count = 0;
  std::string server;      // the present one
  std::string books_text;  // of the greeting; a member to keep its capacity
  std::array<char, 24> number_text{};
  base::Lifetime life;
  RedisConnection connection;
  Greeting greeting;
  net::Timer refused_timer;
  std::vector<Call*> refused;  // until refused_timer
  base::Backoff refusals;      // reset by a granted claim
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
