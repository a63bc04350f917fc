// Address: where a server listens: a TCP address or the path of a Unix socket.
//
// Thread: a value type and pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tollgate/base/result.h"

namespace tollgate::net {

struct Address {
  std::string host;       // empty: all addresses
  uint16_t port = 0;      // 0: the kernel chooses
  std::string unix_path;  // not empty: a Unix socket
  bool is_unix() const { return !unix_path.empty(); }
};

// Parses the configuration's form: "0.0.0.0:9999", "[::]:9999", ":9999" or "host:9999" for TCP. A
// text with a slash, or after "unix:" or "unix://", is the path of a Unix socket. The error says
// what is wrong with the text.
base::Result<Address> ParseAddress(std::string_view text);
std::string ToString(const Address& address);

}  // namespace tollgate::net
