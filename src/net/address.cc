#include "tollgate/net/address.h"

#include <charconv>

namespace tollgate::net {

base::Result<Address> ParseAddress(std::string_view text) {
  Address address;
  for (const std::string_view scheme : {"unix://", "unix:"}) {
    if (text.starts_with(scheme)) {
      address.unix_path = text.substr(scheme.size());
      if (address.unix_path.empty()) return base::Error{"a path is missing behind unix:"};
      return address;
    }
  }
  if (text.find('/') != std::string_view::npos) {
    address.unix_path = text;
    return address;
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return base::Error{"'" + std::string(text) + "' is neither HOST:PORT nor a path"};
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return base::Error{"an IPv6 address stands in brackets: [::1]:9999"};
  }
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc{} || end != port.data() + port.size() || port.empty()) {
    return base::Error{"'" + std::string(port) + "' is no port between 0 and 65535"};
  }
  address.host = host;
  return address;
}

std::string ToString(const Address& address) {
  if (address.is_unix()) return address.unix_path;
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace tollgate::net
