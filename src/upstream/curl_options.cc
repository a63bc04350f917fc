#include "upstream/curl_options.h"

#include <optional>

#include "tollgate/net/url.h"

namespace tollgate::upstream {
namespace {

// Processors answer in under 200 bytes. curl allocates this much per transfer; its minimum is 1
// KiB.
constexpr long kReadBufferBytes = 1024;
constexpr long kNameCacheSeconds = 60;

}  // namespace

void SetCommonOptions(CURL* easy, const std::string& url, int64_t connect_timeout_ms,
                      const std::string& ca_file) {
  SetOption(easy, CURLOPT_URL, url.c_str());
  SetOption(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout_ms));
  if (!ca_file.empty()) SetOption(easy, CURLOPT_CAINFO, ca_file.c_str());
  SetOption(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  SetOption(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  SetOption(easy, CURLOPT_FOLLOWLOCATION, 0L);
  SetOption(easy, CURLOPT_PROXY, "");  // nor one from the environment
  SetOption(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  SetOption(easy, CURLOPT_NOSIGNAL, 1L);
  SetOption(easy, CURLOPT_TCP_NODELAY, 1L);
  SetOption(easy, CURLOPT_BUFFERSIZE, kReadBufferBytes);
  SetOption(easy, CURLOPT_DNS_CACHE_TIMEOUT, kNameCacheSeconds);
  SetOption(easy, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);  // spreads load over several addresses
  // Without this option a transfer that times out during name resolution joins the resolver's
  // thread, which blocks the loop (lib/asyn-thread.c, Curl_resolver_kill).
  SetOption(easy, CURLOPT_QUICK_EXIT, 1L);
}

// CURLOPT_RESOLVE takes "-host:port" out of the cache (lib/hostip.c, Curl_loadhostpairs).
StaleName::StaleName(const std::string& url) {
  const std::optional<net::Url> parts = net::ReadUrl(url);
  // An address needs no look-up, and in brackets it would not be understood here.
  if (!parts || parts->host.starts_with('[') || parts->port_or_default.empty()) return;
  forget_ = curl_slist_append(nullptr, ("-" + parts->host + ":" + parts->port_or_default).c_str());
  TG_ASSERT(forget_ != nullptr);
}

StaleName::~StaleName() { curl_slist_free_all(forget_); }

void StaleName::SetStale(CURL* easy, bool stale) const {
  SetOption(easy, CURLOPT_RESOLVE, stale ? forget_ : nullptr);
}

}  // namespace tollgate::upstream
