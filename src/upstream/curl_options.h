// What every easy handle of ours has in common.
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

// HTTP alone, nothing from the environment, no signals, names that a loop never waits for.
// `ca_file` empty: the system's certificates.
void SetCommonOptions(CURL* easy, const std::string& url, int64_t connect_timeout_ms,
                      const std::string& ca_file);

// StaleName: makes curl forget the addresses that it keeps of a URL's name, so that the name is
// asked again: whoever does not answer at an address may have moved to another one. curl alone
// would go on with the old one until its cache's time is over.
//
// Thread: the handle's.
// Owns: what it tells curl; outlives the handle's transfers.
class StaleName {
 public:
  explicit StaleName(const std::string& url);
  ~StaleName();
  StaleName(const StaleName&) = delete;
  StaleName& operator=(const StaleName&) = delete;

  // Of the next transfer of `easy`, which is of this URL. False: what is kept will do.
  void SetStale(CURL* easy, bool stale) const;

 private:
  curl_slist* forget_ = nullptr;  // null: an address, or no URL at all
};

}  // namespace tollgate::upstream
