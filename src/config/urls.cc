#include "config/urls.h"

#include <strings.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <string_view>

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

std::optional<std::string> PercentDecoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    unsigned byte = 0;
    if (i + 2 >= text.size()) return std::nullopt;
    const char* const end = text.data() + i + 3;
    if (std::from_chars(text.data() + i + 1, end, byte, 16).ptr != end) return std::nullopt;
    decoded += static_cast<char>(byte);
    i += 2;
  }
  return decoded;
}

struct Authority {
  std::string user_info;  // before the @, percent-encoded
  std::string host;       // in lower case; an IPv6 address without its brackets
  int port = 0;           // 0: not given
};

// RFC 3986 section 3.2, for the usual hosts: names, IPv4, IPv6 in brackets.
std::optional<Authority> ReadAuthority(std::string_view text) {
  Authority authority;
  if (const size_t at = text.rfind('@'); at != std::string_view::npos) {
    authority.user_info = text.substr(0, at);
    text.remove_prefix(at + 1);
  }
  const bool bracketed = text.starts_with('[');
  const size_t host_end = bracketed ? text.find(']') : text.find(':');
  if (bracketed && host_end == std::string_view::npos) return std::nullopt;
  authority.host = InLowerCase(text.substr(bracketed ? 1 : 0, host_end - (bracketed ? 1 : 0)));
  std::string_view rest;
  if (host_end != std::string_view::npos) rest = text.substr(host_end + (bracketed ? 1 : 0));
  const bool plain = std::all_of(authority.host.begin(), authority.host.end(), [&](char c) {
    return IsAlphanumeric(c) || c == '.' || c == '-' || c == '_' || (bracketed && c == ':');
  });
  if (authority.host.empty() || !plain) return std::nullopt;
  if (rest.empty()) return authority;
  if (rest.front() != ':' || !ReadNumber(rest.substr(1), 1, 65'535, authority.port)) {
    return std::nullopt;
  }
  return authority;
}

}  // namespace

Problem ReadProcessorUrl(const std::string& text, std::string& url) {
  std::string_view rest = text;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!HasScheme(text, scheme)) continue;
    rest.remove_prefix(scheme.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
    const bool printable =
        std::all_of(rest.begin(), rest.end(), [](unsigned char c) { return c > 0x20 && c < 0x7F; });
    if (!printable || rest.find_first_of("/?#") != std::string_view::npos) break;
    if (!ReadAuthority(rest)) break;
    const size_t at = rest.rfind('@');
    const size_t host = at == std::string_view::npos ? 0 : at + 1;
    url = std::string(scheme) + std::string(rest.substr(0, host)) + InLowerCase(rest.substr(host));
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
  std::string_view rest = std::string_view(text).substr(kTcp.size());
  const size_t at = rest.rfind('@');  // a slash before it belongs to the password
  const size_t slash = rest.find('/', at == std::string_view::npos ? 0 : at);
  if (slash != std::string_view::npos) {
    const std::string_view database = rest.substr(slash + 1);
    if (!database.empty() && !ReadNumber(database, 0, 1'000'000, redis.database)) return kRedisForm;
    rest = rest.substr(0, slash);
  }
  const auto authority = ReadAuthority(rest);
  if (!authority) return kRedisForm;
  const size_t colon = authority->user_info.find(':');
  const auto user = PercentDecoded(std::string_view(authority->user_info).substr(0, colon));
  const auto password = PercentDecoded(
      colon == std::string::npos ? std::string_view{}
                                 : std::string_view(authority->user_info).substr(colon + 1));
  if (!user || !password) return kRedisForm;
  redis.unix_path.clear();
  redis.host = authority->host;
  if (authority->port != 0) redis.port = static_cast<uint16_t>(authority->port);
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
