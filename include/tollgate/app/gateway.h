// Gateway: the daemon: its parts, its threads, its start, drain and stop.
//
// Thread: the main thread's.
// Owns: the payment table, the ring, all threads.
#pragma once

#include <memory>

#include "tollgate/base/result.h"
#include "tollgate/config/config.h"

namespace tollgate::app {

class Gateway {
 public:
  // Opens the table, recovers it and listens. Waits neither for Redis nor for a processor.
  static base::Result<std::unique_ptr<Gateway>> Create(const config::Config& config);
  ~Gateway();

  void Start();
  // Stops accepting payments, answers the requests that have arrived, and finishes what it can
  // within DRAIN_TIMEOUT. Returns how many payments stay in the table.
  size_t DrainAndStop();

 private:
  struct Impl;
  explicit Gateway(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::app
