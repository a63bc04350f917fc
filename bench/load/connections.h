// Connections: kept-alive connections to one server, each with at most one request under way.
//
// Thread: one.
// Owns: the descriptors and the epoll instance that watches them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tollgate/base/result.h"
#include "tollgate/base/unique_fd.h"
#include "tollgate/net/listener.h"

namespace tollgate::bench {

struct Connection {
  base::UniqueFd fd;
  int64_t began_ns = 0;  // when its request was due; 0: none is under way
  std::string input;     // of an answer that came in pieces
};

class Connections {
 public:
  static base::Result<Connections> Open(const net::Address& address, size_t count);

  size_t size() const { return all_.size(); }
  Connection& operator[](size_t index) { return all_[index]; }

  // Fills `ready` with the indexes of connections that have something to read; waits at most
  // `timeout_ns` (-1: for ever).
  base::Status Wait(int64_t timeout_ns, std::vector<size_t>& ready);
  // Opens it again: the server closed it.
  base::Status Reopen(size_t index);

 private:
  base::Status Connect(size_t index);

  net::Address address_;
  base::UniqueFd epoll_;
  std::vector<Connection> all_;
};

}  // namespace tollgate::bench
