// FileLedger: the Ledger in a file of books.
//
// Thread: one worker's loop.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ledger/file/calls.h"
#include "ledger/file/loop_calls.h"
#include "ledger/greeting.h"
#include "tollgate/base/backoff.h"
#include "tollgate/ledger/books_memory.h"
#include "tollgate/ledger/table_ledger.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::ledger::file {

class FileLedger final : public TableLedger, private Greeting::Line {
 public:
  // As for RedisLedger. `options` are those of this ledger; the store's have the path.
  FileLedger(net::EventLoop& loop, std::shared_ptr<FileStore> store, const FileOptions& options,
             payments::ProcessorDirectory& directory, const std::string& known_run_id,
             BooksMemory* memory);

  void Start() override;
  const std::string& run_id() const override { return greeting_.known_run_id(); }
  void AskOwner(const payments::Uuid& table, OnOwner done) override;
  void SayGone(std::function<void()> done) override { greeting_.SayGone(std::move(done)); }
  void SetEvents(LedgerEvents* events) override;
  void SetOwner(const Owner& owner) override { greeting_.SetOwner(owner); }
  bool ready() const override { return connected_ && greeting_.opened(); }
  bool can_claim() const override { return ready() && greeting_.can_claim(); }
  BooksStanding standing() const override { return greeting_.standing(); }
  void Claim(const Owner& owner, std::span<const ClaimRequest> requests, uint64_t batch) override;
  void TakeOver(const Owner& owner, std::span<const TakeOverRequest> requests,
                uint64_t batch) override;
  void Record(const Owner& owner, std::span<const RecordRequest> requests, uint64_t batch) override;

 private:
  bool IsConnected() const override { return connected_; }
  void Send(const GreetingCall& call) override;
  void Drop(const std::string& why) override;

  void Connect();
  Caller MakeCaller(const Owner& owner);
  void AddClaim(ClaimCall& call, const ClaimRequest& request) const;
  // False: another worker of this table has seen a loss, so the batch fails later.
  bool MaySend(uint64_t batch);
  void SendClaims(const std::shared_ptr<ClaimCall>& call, uint64_t batch);
  // The batch is answered: false if its connection was lost first.
  bool Close(uint64_t batch);
  // False: the books are on another run, and the connection was dropped with all open batches.
  bool IsSameRun(const std::string& run);
  // False: nothing was done, and the batch has failed.
  bool TakeResult(const CallResult& result, uint64_t batch);
  void TakeClaims(ClaimCall& call, uint64_t batch);
  void TakeRecords(RecordCall& call, uint64_t batch);
  payments::ProcessorId ProcessorOf(const CallResult& result, uint8_t number, uint64_t identity);
  void Report(const std::string& text) const;

  net::EventLoop& loop_;
  const FileOptions options_;
  payments::ProcessorDirectory& directory_;
  BooksMemory* const memory_;
  const bool told_elsewhere_;
  LedgerEvents* events_ = nullptr;
  bool connected_ = false;
  std::string run_;  // of the books, as this connection found it
  std::shared_ptr<const NameList> names_;
  std::vector<uint64_t> batches_;  // that are open
  base::Lifetime life_;
  base::Backoff reconnects_;
  Greeting greeting_;
  LoopCalls calls_;
  net::Timer reconnect_timer_;
};

}  // namespace tollgate::ledger::file
