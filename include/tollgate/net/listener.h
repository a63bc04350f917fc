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

// The socket is non-blocking and close-on-exec, with SO_REUSEADDR and a backlog of 4096. With
// `reuse_port` further sockets of this process can share the port. The error names the address and
// says what to do (EADDRINUSE …).
base::Result<base::UniqueFd> ListenTcp(const Address& address, bool reuse_port);

// Returns `count` listeners that share the port among themselves (SO_REUSEPORT). Fails if another
// process already listens there, even one that starts at the same moment. ListenTcp with
// `reuse_port` does not guarantee this.
base::Result<std::vector<base::UniqueFd>> ListenTcpTogether(Address address, size_t count);

// True if a process already listens on `address`. SO_REUSEPORT alone would let a second one in.
bool IsTaken(const Address& address);

// The file by which clients find a listening Unix socket. It is identified by its inode, because
// another server may have replaced the file before this one removes it.
//
// Thread: a value type.
class SocketFile {
 public:
  SocketFile() = default;  // no file
  // Removes the file if it is still this socket's. Holds the folder's lock, as ListenUnix does.
  // Returns false if it is another server's file, or if another process held the lock for a second.
  // REQUIRES: the listening descriptor is open, so that no other file can get the same inode.
  bool Remove();

 private:
  friend base::Result<base::UniqueFd> ListenUnix(const std::string& path, SocketFile* file);
  std::string path_;
  uint64_t device_ = 0;
  uint64_t inode_ = 0;
};

// The socket has mode 0666. The file of a dead server is replaced. If another server is alive, the
// error says so, even if both start at the same moment (the folder is locked meanwhile). The socket
// is bound to a temporary name and renamed, so the path always names a socket that answers. Sets
// `file`, unless null, to the file to remove at the end.
base::Result<base::UniqueFd> ListenUnix(const std::string& path, SocketFile* file = nullptr);

// The port of a TCP listener.
uint16_t LocalPort(int fd);

}  // namespace tollgate::net
