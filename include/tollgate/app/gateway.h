// Gateway: the daemon: its parts, its threads, its start, drain and stop.
//
// Thread: the main thread's.
// Owns: the payment table, the ring, all threads.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "tollgate/base/result.h"
#include "tollgate/base/unique_fd.h"
#include "tollgate/config/config.h"
#include "tollgate/net/listener.h"

namespace tollgate::app {

// The parts of a gateway (src/app).
class AcceptorThread;
class HealthThread;
class RunIdKeeper;
class WorkerThread;
struct GatewayContext;

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
  explicit Gateway(const config::Config& config);

  base::Status Build();
  base::Status OpenTable();
  base::Status Listen();
  std::string Metrics();

  // Members are destroyed in reverse order, also if they were not started. The health thread comes
  // first, because its pages read workers and acceptors. Then come acceptors, then workers. The
  // table and its syncing thread are last and wake no loop by then. Each thread ends before the
  // objects on its loop are destroyed. The log stops after all of them (RunGateway).
  const std::unique_ptr<GatewayContext> context_;
  std::vector<base::UniqueFd> listeners_;
  net::SocketFile socket_file_;  // removed before its listener is closed
  std::unique_ptr<RunIdKeeper> run_ids_;
  std::vector<std::unique_ptr<WorkerThread>> workers_;
  std::vector<std::unique_ptr<AcceptorThread>> acceptors_;
  std::unique_ptr<HealthThread> health_;
};

}  // namespace tollgate::app
