// Capacity: how much of the configured load fits the process's descriptors and memory. What the
// gateway itself needs is reserved first, and clients get the rest. So with any number of clients,
// payments are forwarded, the books are kept, and the admin listener is reachable.
//
// Thread: pure functions. WithinCapacity is called once at start-up.
#pragma once

#include <cstddef>

#include "tollgate/config/config.h"

namespace tollgate::app {

// SO_SNDBUF of a client's connection. The kernel allocates twice as much.
inline constexpr int kSendBufferBytes = 6 * 1024;
// Memory of a connection without incomplete requests and unsent answers: the server's data, the
// kernel's socket, and the kernel's send buffer.
inline constexpr size_t kConnectionBytes = 16 * 1024;
inline constexpr size_t kAdminConnectionsMax = 32;
inline constexpr size_t kAdminBytesMax = 1024 * 1024;

struct Descriptors {
  size_t clients = 0;    // over all acceptors
  size_t in_flight = 0;  // payments, over all processors
};
// Divides `allowed` descriptors. If they do not suffice, three quarters of those that the gateway
// itself does not need are for payments in flight.
Descriptors Divide(size_t allowed, const config::Config& config);

// Returns `config` with the process's bounds: connections_max, in_flight_max. Logs each bound that
// is lower than configured.
config::Config WithinCapacity(config::Config config);
// The admin listener's options: few connections, apart from those of clients.
server::ServerOptions MakeAdminServerOptions(const config::Config& config);

}  // namespace tollgate::app
