// Listening sockets, TCP and Unix.
//
// Thread: pure functions over descriptors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tollgate/base/result.h"
#include "tollgate/base/unique_fd.h"

namespace tollgate::net {

// An address as the configuration writes it: "0.0.0.0:9999", "[::]:9999", ":9999", "host:9999",
// or a path (it has a slash, or stands behind "unix:" or "unix://") for a Unix socket.
struct Address {
  std::string host;       // empty: all
  uint16_t port = 0;      // 0: the kernel chooses
  std::string unix_path;  // not empty: a Unix socket
  bool is_unix() const { return !unix_path.empty(); }
};
base::Result<Address> ParseAddress(std::string_view text);
std::string ToString(const Address& address);

// Non-blocking, close-on-exec, SO_REUSEADDR, backlog 4096. `reuse_port` lets further sockets of
// this process share the port. The error names the address and says what to do (EADDRINUSE …).
base::Result<base::UniqueFd> ListenTcp(const Address& address, bool reuse_port);

// `count` listeners that share the port among themselves (SO_REUSEPORT), and with no other process
// that came before, were it at the same moment. Whoever opens a port with SO_REUSEPORT from the
// first (with ListenTcp and `reuse_port`) has no such promise.
base::Result<std::vector<base::UniqueFd>> ListenTcpTogether(Address address, size_t count);

// True if somebody listens on `address` already (SO_REUSEPORT would let a second start in).
bool IsTaken(const Address& address);

// Mode 0666. A socket file whose server is dead is replaced, a live one's never: a second start
// is an error that says so, were it at the same moment (the folder is locked meanwhile). Bound to a
// temporary name and renamed, so that there is no moment without a socket that answers.
base::Result<base::UniqueFd> ListenUnix(const std::string& path);

// The port a TCP listener got.
uint16_t LocalPort(int fd);

}  // namespace tollgate::net
