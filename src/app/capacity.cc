#include "app/capacity.h"

#include <algorithm>
#include <string>
#include <utility>

#include "tollgate/base/logging.h"
#include "tollgate/base/open_files.h"

namespace tollgate::app {
namespace {

// The least number of clients. Beyond it, payments in flight take precedence.
constexpr size_t kClientsWanted = 256;
// Descriptors for name look-ups and parallel connection attempts, besides the connections.
constexpr size_t kConnectingBeside = 24;
constexpr size_t kLookupsPerProcessor = 32;  // as upstream::HttpClientOptions::lookups_max
constexpr size_t kAdoptedInFlight = 64;      // of one adopted table; several tables share them

// The descriptors for everything except clients and payments in flight.
size_t Own(const config::Config& config) {
  const size_t processors = config.processors.size();
  const size_t loops = config.acceptors + config.workers + 1;
  const size_t loop = 2 + 1 + 2;                        // epoll and eventfd, Redis, curl
  const size_t listening = 2 * (config.acceptors + 1);  // a listener and a spare descriptor each
  const bool in_file = config.books == ledger::PlaceKind::kFile;
  const size_t books = in_file ? 12 : 0;    // SQLite's files, twice, and the lock
  const size_t files = 3 + 4 + 32 + books;  // standard streams, the table, files opened briefly
  const size_t connecting =
      config.workers * processors * (kConnectingBeside + kLookupsPerProcessor);
  const size_t health = processors * 4 + 1;  // and the count of silent gateways' claims
  const size_t adopted = 4 + processors * (kAdoptedInFlight + 1);
  return loops * loop + listening + files + connecting + health + adopted + kAdminConnectionsMax;
}

size_t InFlightMax(const config::Config& config) {
  size_t sum = 0;
  for (const auto& processor : config.processors) {
    sum += processor.in_flight_max + config.workers;  // each worker's part is rounded up
  }
  return sum;
}

}  // namespace

Descriptors Divide(size_t allowed, const config::Config& config) {
  const size_t own = Own(config);
  const size_t wanted = InFlightMax(config);
  // `own` is an upper bound. With fewer descriptors than that, half of them are divided.
  const size_t left = allowed > own ? allowed - own : allowed / 2;
  if (left >= wanted + kClientsWanted) return {.clients = left - wanted, .in_flight = wanted};
  const size_t in_flight = std::min(wanted, left - left / 4);
  return {.clients = std::max<size_t>(left - in_flight, 1), .in_flight = in_flight};
}

config::Config WithinCapacity(config::Config config) {
  const size_t allowed = base::RaiseOpenFilesLimit();
  const size_t wanted = InFlightMax(config);
  const Descriptors divided = Divide(allowed, config);
  if (divided.in_flight < wanted) {
    for (auto& processor : config.processors) {
      const size_t fewer = processor.in_flight_max * divided.in_flight / wanted;
      processor.in_flight_max = std::max<size_t>(fewer, 1);
    }
    base::LogWarning("only " + std::to_string(allowed) + " open files are allowed: at most " +
                     std::to_string(divided.in_flight) + " payments are in flight, not " +
                     std::to_string(wanted) +
                     "; raise the limit (ulimit -n), or lower IN_FLIGHT_MAX");
  }
  // connections_max is per acceptor.
  const size_t by_memory = config.client_bytes_max / 2 / kConnectionBytes;
  const size_t clients = std::min(divided.clients, by_memory);
  const size_t each = std::max<size_t>(clients / std::max<size_t>(config.acceptors, 1), 1);
  if (each < config.server.connections_max) {
    config.server.connections_max = each;
    base::LogInfo("at most " + std::to_string(each * config.acceptors) +
                  " connections of clients, by the limit of " +
                  (divided.clients < by_memory ? "open files" : "memory for clients"));
  }
  config.server.send_buffer_bytes = kSendBufferBytes;
  return config;
}

server::ServerOptions MakeAdminServerOptions(const config::Config& config) {
  server::ServerOptions options = config.server;
  options.connections_max = kAdminConnectionsMax;
  options.memory_bytes_max = kAdminBytesMax;
  return options;
}

}  // namespace tollgate::app
