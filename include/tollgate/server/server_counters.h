// What an HttpServer counts.
//
// Thread: the server's loop writes, any reads (relaxed, because they are only counters).
#pragma once

#include <atomic>
#include <cstdint>

namespace tollgate::server {

class ServerCounter {
 public:
  void Add() {
    value_.store(value_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct ServerCounters {
  ServerCounter connections;    // accepted
  ServerCounter closed;         // accepted connections that have ended
  ServerCounter requests;       // complete and well-formed
  ServerCounter bad_requests;   // answered by the server itself: 400, 413, 431, …
  ServerCounter timeouts;       // of any kind
  ServerCounter accept_pauses;  // no descriptors, or connections_max reached
  ServerCounter evicted;        // connections ended to make room for a new one
  ServerCounter memory_full;    // requests refused and connections ended because memory was used up
};

}  // namespace tollgate::server
