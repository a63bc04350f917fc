// What an HttpServer counts.
//
// Thread: written by the server's loop, read by any (relaxed: only counters).
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
  ServerCounter closed;         // of these, ended
  ServerCounter requests;       // whole and well-formed
  ServerCounter bad_requests;   // answered by the server itself: 400, 413, 431, …
  ServerCounter timeouts;       // of any kind
  ServerCounter accept_pauses;  // out of descriptors, or connections_max reached
  ServerCounter evicted;        // connections ended to let another in
  ServerCounter memory_full;    // requests refused and connections ended for want of memory
};

}  // namespace tollgate::server
