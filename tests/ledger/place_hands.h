// PlaceHands: what a test does to the books behind the back of those who use them, wherever the
// books are.
//
// Thread: one test's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "tests/support/child_process.h"
#include "tollgate/ledger/books_place.h"

namespace tollgate::ledger {

enum class Where { kRedis, kFile };
inline std::string NameOf(Where where) { return where == Where::kRedis ? "Redis" : "File"; }

struct PlaceOptions {
  int64_t grace_ms = 2'000;
  int64_t timeout_ms = 20'000;
  int64_t dedup_window_s = 86'400;
  int64_t summary_wait_ms = 0;  // usually no worker is there to be asked
  size_t summary_workers_min = 1;
  bool new_fleet = false;
  bool accept_loss = false;
};

class PlaceHands {
 public:
  using Report = std::function<void(bool problem, std::string_view text)>;
  static std::unique_ptr<PlaceHands> Make(Where where, const testing::TemporaryFolder& folder);
  virtual ~PlaceHands() = default;

  virtual std::unique_ptr<BooksPlace> Place(const PlaceOptions& options, Report report) = 0;

  // Moves the beginning of the present shelf back.
  virtual void MakeShelfOlder(int64_t seconds) = 0;
  virtual int64_t ShelfNumber() = 0;
  // A table's number on the books; negative: gone.
  virtual void SetNumber(const payments::Uuid& table, int64_t number) = 0;
  virtual int64_t Number(const payments::Uuid& table) = 0;
  // Keep saves the numbers of all tables. RollBack restores them; connections stay.
  virtual void Keep() = 0;
  virtual void RollBack() = 0;
  // Gives the books another id. PutBack restores their own.
  virtual void SwapBooks() = 0;
  virtual void PutBack() = 0;
  // Everything is gone.
  virtual void Empty() = 0;
  virtual int64_t PendingClaims() = 0;
  // True: nothing of the first epoch is left.
  virtual bool IsSwept() = 0;
};

}  // namespace tollgate::ledger
