// Where books in a file are, and how they are kept.
//
// Thread: a value type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tollgate::ledger {

// The file's name in its folder. SQLite keeps "-wal" and "-shm" beside it, and the writers ".lock".
inline constexpr std::string_view kBooksFileName = "books.db";

// The places of books.
enum class PlaceKind : uint8_t { kRedis, kFile };

struct FileOptions {
  std::string path;
  // Every commit is on the disk before it is answered. Else one commit a second is, and what a
  // power loss takes with it is told again by the tables.
  bool sync_always = false;
  int64_t dedup_window_s =
      86'400;                // how long a booked id is known, at least; never less than a day
  int64_t grace_ms = 2'000;  // without new claims, after the books may have lost their tail
  int64_t call_timeout_ms = 5'000;  // after it a call counts as lost
  // No books existed before, so an empty file needs no grace.
  bool new_fleet = false;
  // Books that have lost payments are used at once, as if the loss were accepted.
  bool accept_loss = false;
  // As in RedisOptions: how long a summary waits for what is being recorded, and how many workers
  // of this process must have heard its question.
  int64_t summary_wait_ms = 100;
  size_t summary_workers_min = 1;
  // Called with one line for people per problem and its end. Thread: any.
  std::function<void(bool problem, std::string_view text)> report;
};

}  // namespace tollgate::ledger
