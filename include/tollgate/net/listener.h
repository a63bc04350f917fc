// Listening sockets, TCP and Unix.
//
// Thread: pure functions over descriptors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tollgate/base/result.h"
#include "tollgate/base/unique_fd.h"
#include "tollgate/net/address.h"

namespace tollgate::net {

// Non-blocking, close-on-exec, SO_REUSEADDR, backlog 4096. `reuse_port` lets further sockets of
// this process share the port. The error names the address and says what to do (EADDRINUSE …).
base::Result<base::UniqueFd> ListenTcp(const Address& address, bool reuse_port);

// `count` listeners that share the port among themselves (SO_REUSEPORT), and with no other process
// that came before, were it at the same moment. Whoever opens a port with SO_REUSEPORT from the
// first (with ListenTcp and `reuse_port`) has no such promise.
base::Result<std::vector<base::UniqueFd>> ListenTcpTogether(Address address, size_t count);

// True if somebody listens on `address` already (SO_REUSEPORT would let a second start in).
bool IsTaken(const Address& address);

// The file by which clients find a listening Unix socket. It is known by its inode: by the time
// that it is removed, another server's may bear its name.
//
// Thread: a value type; none.
class SocketFile {
 public:
  SocketFile() = default;  // none
  // Removes it if it still is this socket's, under the folder's lock, as ListenUnix replaces it.
  // False: it is another server's by now, or one has had the lock for a second.
  // REQUIRES: the listening descriptor is open. So long no other file gets the same inode.
  bool Remove();

 private:
  friend base::Result<base::UniqueFd> ListenUnix(const std::string& path, SocketFile* file);
  std::string path_;
  uint64_t device_ = 0;
  uint64_t inode_ = 0;
};

// Mode 0666. A socket file whose server is dead is replaced, a live one's never: a second start
// is an error that says so, were it at the same moment (the folder is locked meanwhile). Bound to a
// temporary name and renamed, so that there is no moment without a socket that answers. `file`
// (unless null) is set to what is to be removed at the end.
base::Result<base::UniqueFd> ListenUnix(const std::string& path, SocketFile* file = nullptr);

// The port a TCP listener got.
uint16_t LocalPort(int fd);

}  // namespace tollgate::net
