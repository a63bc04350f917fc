// The calls of the protocol on a file of books: what the Lua scripts do on Redis
// (docs/REDIS.md, src/ledger/lua), with the same answers. Each runs inside a transaction that its
// caller begins and ends. If the transaction fails, its answers mean nothing.
//
// Processors stand in requests and replies by the caller's numbers and, in replies, by ledger
// numbers: `names` of the result says which name a ledger number stands for.
//
// Thread: the writer's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledger/file/book_file.h"
#include "ledger/greeting.h"
#include "tollgate/ledger/ledger.h"
#include "tollgate/ledger/table_ledger.h"

namespace tollgate::ledger::file {

struct Caller {
  Owner owner;
  std::optional<uint64_t> confirmed;      // the highest number confirmed; empty: it has no table
  std::shared_ptr<const NameList> names;  // of its processors, by its numbers
};

enum class CallVerdict : uint8_t {
  kDone,
  kLost,          // the books know a lower number: nothing was done
  kPurged,        // they are in another epoch: nothing was done
  kTooManyNames,  // nothing was done
};

struct CallResult {
  CallVerdict verdict = CallVerdict::kDone;
  uint64_t number = 0;
  uint32_t epoch = 0;
  std::string run;  // of the books
  std::shared_ptr<const NameList> names;
};

struct ClaimCall {
  Caller caller;
  std::vector<ClaimRequest> requests;
  std::vector<uint64_t> identities;     // of the requests' processors
  std::vector<Holder> holders;          // of the claims that are taken over, or empty
  std::vector<uint16_t> held_attempts;  // the same
  std::optional<uint32_t> known_epoch;
  CallResult result;
  std::vector<ClaimReply> replies;
};

struct RecordCall {
  Caller caller;
  std::vector<RecordRequest> requests;
  int64_t window_s = 0;  // how long ids are known, at least
  CallResult result;
  std::vector<RecordReply> replies;
  size_t forgotten = 0;  // booked and not counted, as they may have been counted before
};

struct HelloCall {
  Caller caller;
  GreetingCall greeting;
  // The table may have been told to books in another place, so books that are empty are not its.
  bool told_elsewhere = false;
  std::string run;
  GreetingAnswer answer;
};

void Claim(BookFile& file, ClaimCall& call);
void Record(BookFile& file, RecordCall& call, int64_t now_s);
void Hello(BookFile& file, HelloCall& call, int64_t now_s);

// --- for the calls above

// Raises the caller's number. False: it is lost, and the result says so.
bool RaiseNumber(BookFile& file, const Caller& caller, CallResult& result);
// Registers the caller. False: a newer opening of its table is known.
bool Enter(BookFile& file, const Caller& caller);
bool IsNotNewest(const OwnerRow& known, const Owner& owner);
// The ledger numbers of its names. Empty: there are too many over all time.
std::optional<std::vector<uint8_t>> NumbersOf(BookFile& file, const Caller& caller);
// True if the same slot claimed it when its table had another id.
bool IsInherited(const PendingClaim& claim, const Owner& owner, const ClaimRequest& request);
inline bool IsSameClaim(const PendingClaim& claim, const Owner& owner,
                        const ClaimRequest& request) {
  return claim.table == owner.table && claim.slot == request.slot &&
         claim.generation == request.generation;
}

}  // namespace tollgate::ledger::file
