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

}  // namespace tollgate::upstream
