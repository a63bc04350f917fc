// How to connect to Redis, and what the ledger keeps there.
//
// Thread: a value type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tollgate::ledger {

// The rights that a Redis user needs with access control lists and the default prefix.
// docs/REDIS.md says the same, and a test checks the scripts against it.
inline constexpr std::string_view kRedisRights =
    "~tollgate:* &tollgate:* +@read +@write +@scripting +@transaction +@connection -@dangerous "
    "+info "
    "+role +time +publish +subscribe";

// A bucket is a hash. Redis packs small hashes (docs/ARCHITECTURE.md has figures).
inline constexpr size_t kBucketsMin = 4'096;
inline constexpr size_t kBucketsMax = 4'194'304;

inline constexpr int64_t kSummaryWaitMsMax = 300;

struct RedisOptions {
  std::string unix_path;  // empty: TCP
  std::string host = "127.0.0.1";
  uint16_t port = 6379;
  std::string user;  // empty: the default user
  std::string password;
  int database = 0;
  std::string prefix = "tollgate:";  // of every key
  int64_t connect_timeout_ms = 2'000;
  int64_t command_timeout_ms = 5'000;
  int64_t dedup_window_s =
      86'400;  // how long a booked id is known, at least; never less than a day
  // The number of buckets of each new shelf of booked ids: a power of two.
  size_t buckets = 65'536;
  int64_t grace_ms = 2'000;  // without new claims, after Redis may have lost its tail
  // No books existed before, so an empty Redis needs no grace.
  bool new_fleet = false;
  // Books that have lost payments are used at once, as if the loss were accepted. For instances
  // that allow purging.
  bool accept_loss = false;
  // A summary is as of the moment it was asked for. So long it waits at most for records of what
  // was confirmed before, at all instances. 0: it does not wait.
  int64_t summary_wait_ms = 100;
  // So many workers must have heard a summary's question at least: those of this instance.
  size_t summary_workers_min = 1;
  int64_t role_interval_ms = 1'000;  // how often a connection checks that its server is a primary
  // What a lost connection means, for people.
  std::string while_away = "payments are kept until it is back";
  // Called with one line for people per connection gained or lost, and per problem.
  std::function<void(bool problem, std::string_view text)> report;
};

}  // namespace tollgate::ledger
