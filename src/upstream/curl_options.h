// The options that all our easy handles share.
//
// Thread: the handle's.
#pragma once

#include <curl/curl.h>

#include <cstdint>
#include <string>

#include "tollgate/base/assert.h"

namespace tollgate::upstream {

template <typename T>
void SetOption(CURL* easy, CURLoption option, T value) {
  const CURLcode result = curl_easy_setopt(easy, option, value);
  TG_ASSERT(result == CURLE_OK);
}

// Only HTTP and HTTPS, nothing from the environment, no signals, name resolution that does not
// block the loop. Empty `ca_file`: the system's certificates.
void SetCommonOptions(CURL* easy, const std::string& url, int64_t connect_timeout_ms,
                      const std::string& ca_file);

// StaleName makes curl drop the cached addresses of a URL's host and resolve the name again: a
// processor that does not answer at an address may have moved. curl alone would use the old address
// until its cache entry expires.
//
// Thread: the handle's.
// Owns: the list that it passes to curl; outlives the handle's transfers.
class StaleName {
 public:
  explicit StaleName(const std::string& url);
  ~StaleName();
  StaleName(const StaleName&) = delete;
  StaleName& operator=(const StaleName&) = delete;

  // For the next transfer of `easy`, which must be to this URL. False: use the cache.
  void SetStale(CURL* easy, bool stale) const;

 private:
  curl_slist* forget_ = nullptr;  // null: the host is an IPv6 address, or the URL is not valid
};

}  // namespace tollgate::upstream
