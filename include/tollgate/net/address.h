// Address: where a server listens, TCP or a Unix socket's path.
//
// Thread: a value type and pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tollgate/base/result.h"

namespace tollgate::net {

struct Address {
  std::string host;       // empty: all
  uint16_t port = 0;      // 0: the kernel chooses
  std::string unix_path;  // not empty: a Unix socket
  bool is_unix() const { return !unix_path.empty(); }
};

// As the configuration writes it: "0.0.0.0:9999", "[::]:9999", ":9999", "host:9999", or a path (it
// has a slash, or stands behind "unix:" or "unix://") for a Unix socket. The error tells what is
// wrong with the text.
base::Result<Address> ParseAddress(std::string_view text);
std::string ToString(const Address& address);

}  // namespace tollgate::net
