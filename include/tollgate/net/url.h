// Url: the parts of a URL (RFC 3986), read by libcurl, so that a URL means the same here as to the
// connections that libcurl makes.
//
// Thread: pure functions over values.
#pragma once

#include <optional>
#include <string>

namespace tollgate::net {

struct Url {
  std::string scheme;           // in lower case
  std::string user;             // percent-decoded
  std::string password;         // percent-decoded
  std::string host;             // an IPv6 address within its brackets
  std::string port;             // decimal; empty: not given
  std::string port_or_default;  // else the usual one of the scheme, if libcurl knows it
  std::string path;             // as given; "/" if none was
};

// Nothing if libcurl refuses the URL. Takes any scheme.
std::optional<Url> ReadUrl(const std::string& text);

}  // namespace tollgate::net
