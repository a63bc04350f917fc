// Greeting: finds out whose books these are and what they have lost, for a ledger that is
// connected to them. It greets at each connection and twice a second, and decides when calls may be
// made. The rules are the same wherever the books are.
//
// Thread: the ledger's loop.
// Owns: its timers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tollgate/ledger/books_memory.h"
#include "tollgate/ledger/ledger.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::ledger {

// What a greeting notes on the books.
enum class GreetingNote : uint8_t { kNone, kLossy, kGone };

struct GreetingCall {
  Owner owner;
  uint64_t confirmed = 0;   // the highest number that a reply has confirmed
  payments::Uuid told_to;   // the table's books; zero: none yet
  payments::Uuid fresh_id;  // for books that have none; zero: not yet
  GreetingNote note = GreetingNote::kNone;
  bool accept_loss = false;
};

// The numbers are those of hello.lua.
enum class GreetingVerdict : uint8_t { kOk, kLost, kFenced, kOthers, kNew, kStranger, kOld };

struct GreetingAnswer {
  GreetingVerdict verdict = GreetingVerdict::kOk;
  uint64_t number = 0;   // of the table; with kNew: 1 if the books are empty
  payments::Uuid books;  // their id; zero: none
  bool lossy = false;
  bool put_back = false;     // the id was missing and has been put back
  bool born_on_run = false;  // the books began on the present run of their server
  uint64_t before = 0;       // the number that the books knew
  uint32_t epoch = 0;
};

// The run of the books' server.
struct BooksRun {
  std::string id;      // as a ledger without a table reports it
  std::string server;  // as a table keeps it, with its era
  int64_t uptime_ms = 0;
};

struct GreetingOptions {
  int64_t grace_ms = 2'000;
  bool new_fleet = false;
  bool accept_loss = false;
  // What people are told of books that are refused.
  std::string about_others;
  std::string about_strangers;
  std::string about_old;
  std::function<void(const std::string& text)> report;  // of a problem
};

// Members: what one greeting learns decides whether the ledger may send the others, so it is in one
// place.
class Greeting {
 public:
  // The ledger's connection.
  class Line {
   public:
    virtual ~Line() = default;
    virtual bool IsConnected() const = 0;
    // Sends a greeting. Its answer comes by OnAnswer, or OnLost comes first.
    virtual void Send(const GreetingCall& call) = 0;
    // Ends the connection as if it had been lost.
    virtual void Drop(const std::string& why) = 0;
  };

  // `memory` null: the owner has no table, so nothing is greeted.
  Greeting(net::EventLoop& loop, GreetingOptions options, std::string known_run_id,
           BooksMemory* memory, Line& line);

  void SetEvents(LedgerEvents* events) { events_ = events; }
  void SetOwner(const Owner& owner) { owner_ = owner; }

  void OnConnected(const BooksRun& run);
  void OnLost();
  // Nothing: the answer is none that the books can have given.
  void OnAnswer(const std::optional<GreetingAnswer>& answer);
  // False: the books have lost something since the last reply, and the connection must be dropped.
  [[nodiscard]] bool Confirm(uint64_t number);
  void OnPurged(uint32_t epoch) { epoch_ = epoch; }
  void SayGone(std::function<void()> done);

  bool opened() const { return opened_; }
  bool can_claim() const;
  BooksStanding standing() const { return standing_; }
  const std::string& known_run_id() const { return known_run_id_; }
  // The era in which this connection was opened. Nothing of another era may be sent.
  uint64_t era() const { return era_; }
  std::optional<uint32_t> epoch() const { return epoch_; }  // of the books, as last heard

 private:
  std::string RunId() const;
  void Greet();
  void Send(GreetingNote note = GreetingNote::kNone);
  void Take(const GreetingAnswer& answer);
  void WaitWithoutId(bool empty);
  void OnOurs(const GreetingAnswer& answer);
  void OnBooksLost(const GreetingAnswer& answer);
  void OnFenced();
  void Refuse(BooksStanding why, const std::string& text);
  void Open();

  net::EventLoop& loop_;
  const GreetingOptions options_;
  std::string known_run_id_;
  BooksMemory* const memory_;
  Line& line_;
  LedgerEvents* events_ = nullptr;
  Owner owner_;
  BooksRun run_;
  BooksStanding standing_ = BooksStanding::kUnknown;
  bool opened_ = false;         // greeted, and known to be ours
  bool greeting_ = false;       // a greeting is open
  bool beyond_ = false;         // lost payments that the table cannot replay; to be noted
  bool without_grace_ = false;  // the books were made on this run of the server
  bool silent_ = false;         // SayGone was called: no more greetings
  std::function<void()> gone_;  // to call after that is said
  uint64_t last_number_ = 0;    // of the last reply on this connection
  uint64_t era_ = 0;
  uint64_t sent_era_ = 0;    // of the open greeting
  int64_t id_from_ns_ = -1;  // from then on it may make an id; negative: not wanted
  payments::Uuid fresh_id_;
  std::optional<uint32_t> epoch_;
  int64_t claims_from_ns_ = 0;
  net::Timer grace_timer_;
  net::Timer greeting_timer_;
};

}  // namespace tollgate::ledger
