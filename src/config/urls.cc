#include "config/urls.h"

#include <strings.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <string_view>

#include "tollgate/base/text.h"
#include "tollgate/net/url.h"

namespace tollgate::config {
namespace {

constexpr const char* kRedisForm =
    "must be redis://[user:password@]host:port/db or unix:///path, with %40 for an @ in a password";

bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// RFC 3986 sections 3.1 and 3.2.2: schemes and hosts are case-insensitive.
bool HasScheme(std::string_view url, std::string_view scheme) {
  return url.size() >= scheme.size() &&
         ::strncasecmp(url.data(), scheme.data(), scheme.size()) == 0;
}
std::string InLowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

bool ReadNumber(std::string_view text, int least, int most, int& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && number >= least &&
         number <= most;
}

// libcurl would take more than a configuration may say: percent-encoded hosts, up to three slashes,
// a port that is empty or 0, a path, a query. These are refused, as a processor's URL is part of
// its identity and has one form. What libcurl refuses itself could not be connected to.
bool IsPlainAuthority(std::string_view text) {
  return !text.ends_with(':') && std::all_of(text.begin(), text.end(), [](char c) {
    return IsAlphanumeric(c) || std::string_view(".-_:[]").find(c) != std::string_view::npos;
  });
}

struct Server {
  std::string host;  // in lower case, an IPv6 address without its brackets
  int port = 0;      // 0: not given
};

// `authority`: host[:port], behind the user's name and password.
std::optional<Server> ReadServer(std::string_view scheme, std::string_view authority) {
  if (!IsPlainAuthority(authority)) return std::nullopt;
  const auto url = net::ReadUrl(std::string(scheme) + std::string(authority));
  if (!url) return std::nullopt;
  Server server;
  if (!url->port.empty() && !ReadNumber(url->port, 1, 65'535, server.port)) return std::nullopt;
  server.host = InLowerCase(url->host);
  if (server.host.starts_with('[')) server.host = server.host.substr(1, server.host.size() - 2);
  return server;
}

// User and password, and what is behind them. They are taken off before libcurl reads the rest: a
// password may hold a slash, a question mark or an @, where libcurl would end the authority.
struct Split {
  std::string_view user_info;  // percent-encoded
  std::string_view rest;
};
Split SplitUserInfo(std::string_view text) {
  const size_t at = text.rfind('@');
  if (at == std::string_view::npos) return {.user_info = {}, .rest = text};
  return {.user_info = text.substr(0, at), .rest = text.substr(at + 1)};
}

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c > 0x20 && c < 0x7F; });
}

}  // namespace

Problem ReadProcessorUrl(const std::string& text, std::string& url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!HasScheme(text, scheme)) continue;
    std::string_view all = std::string_view(text).substr(scheme.size());
    if (all.ends_with('/')) all.remove_suffix(1);
    // A processor's password is no exception: libcurl gets the URL as a whole to connect to.
    if (!IsPrintable(all) || all.find_first_of("/?#") != std::string_view::npos) break;
    const std::string_view authority = SplitUserInfo(all).rest;
    if (!ReadServer(scheme, authority)) break;
    url = std::string(scheme) + std::string(all.substr(0, all.size() - authority.size())) +
          InLowerCase(authority);
    return std::nullopt;
  }
  return "must be http://HOST:PORT or https://HOST:PORT, without a path";
}

Problem ReadRedisUrl(const std::string& text, ledger::RedisOptions& redis) {
  constexpr std::string_view kUnix = "unix://";
  constexpr std::string_view kTcp = "redis://";
  if (HasScheme(text, kUnix)) {
    redis.unix_path = text.substr(kUnix.size());
    if (redis.unix_path.starts_with('/')) return std::nullopt;
    return kRedisForm;
  }
  if (!HasScheme(text, kTcp)) return kRedisForm;
  const Split split = SplitUserInfo(std::string_view(text).substr(kTcp.size()));
  const size_t slash = split.rest.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view database = split.rest.substr(slash + 1);
    if (!database.empty() && !ReadNumber(database, 0, 1'000'000, redis.database)) return kRedisForm;
  }
  const auto server = ReadServer(kTcp, split.rest.substr(0, slash));
  if (!server) return kRedisForm;
  const size_t colon = split.user_info.find(':');
  // Not by libcurl, which lets a percent sign pass that is not followed by two digits.
  const auto user = base::PercentDecoded(split.user_info.substr(0, colon));
  const auto password = base::PercentDecoded(
      colon == std::string_view::npos ? std::string_view{} : split.user_info.substr(colon + 1));
  if (!user || !password) return kRedisForm;
  redis.unix_path.clear();
  redis.host = server->host;
  if (server->port != 0) redis.port = static_cast<uint16_t>(server->port);
  redis.user = *user;
  redis.password = *password;
  return std::nullopt;
}

std::string WithoutSecrets(const std::string& url) {
  const size_t at = url.rfind('@');
  if (at == std::string::npos) return url;
  const size_t scheme = url.find("://");
  const size_t begin = scheme == std::string::npos || scheme > at ? 0 : scheme + 3;
  return url.substr(0, begin) + "(hidden)" + url.substr(at);
}

}  // namespace tollgate::config
