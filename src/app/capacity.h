// Capacity: what a process with so many descriptors and so much memory can hold of what is
// configured. Clients get what is left by those who serve them, so that however many come, payments
// are forwarded, the books are kept, and the people who run the gateway get in.
//
// Thread: pure functions, and one at start-up.
#pragma once

#include <cstddef>

#include "tollgate/config/config.h"

namespace tollgate::app {

// What the kernel may hold of a connection's answers: asked for, of which it takes twice as much.
inline constexpr int kSendBufferBytes = 6 * 1024;
// A connection beside half-read requests and unsent answers: what we know of it, the kernel's
// socket, and what the kernel holds of its answers.
inline constexpr size_t kConnectionBytes = 16 * 1024;
inline constexpr size_t kAdminConnectionsMax = 32;
inline constexpr size_t kAdminBytesMax = 1024 * 1024;

struct Descriptors {
  size_t clients = 0;    // of all acceptors together
  size_t in_flight = 0;  // payments, of all processors together
};
// Divides `allowed` descriptors. With too few for all, three quarters of what the gateway itself
// does not need are for payments in flight.
Descriptors Divide(size_t allowed, const config::Config& config);

// `config` with the bounds that this process has: connections_max, in_flight_max. Says in the log
// where that is less than was asked for.
config::Config WithinCapacity(config::Config config);
// The admin listener's: few connections, which are kept apart from the clients'.
server::ServerOptions MakeAdminServerOptions(const config::Config& config);

}  // namespace tollgate::app
