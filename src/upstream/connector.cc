#include "upstream/connector.h"

#include "tollgate/base/assert.h"

namespace tollgate::upstream {

Connector::Connector(CurlDriver& driver, Endpoint& endpoint, const ProcessorOptions& options)
    : driver_(driver), endpoint_(endpoint), name_(options.url), easy_(curl_easy_init()) {
  TG_ASSERT(easy_ != nullptr);
  SetCommonOptions(easy_, options.url, options.connect_timeout_ms, options.ca_file);
  SetOption(easy_, CURLOPT_PRIVATE, this);
  SetOption(easy_, CURLOPT_CONNECT_ONLY, 1L);
  SetOption(easy_, CURLOPT_FRESH_CONNECT, 1L);
  driver.Adopt(easy_);
}

Connector::~Connector() {
  Stop();
  curl_easy_cleanup(easy_);
}

Connector& Connector::Of(CURL* easy) {
  char* self = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &self);
  return *static_cast<Connector*>(static_cast<void*>(self));
}

bool Connector::Start(bool stale_name) {
  TG_ASSERT(!started_);
  name_.SetStale(easy_, stale_name);
  started_ = driver_.Start(easy_);
  return started_;
}

int64_t Connector::ConnectUs() const {
  curl_off_t name_us = 0;
  curl_off_t all_us = 0;
  curl_easy_getinfo(easy_, CURLINFO_NAMELOOKUP_TIME_T, &name_us);
  curl_easy_getinfo(easy_, CURLINFO_CONNECT_TIME_T, &all_us);
  return all_us - name_us;
}

void Connector::Stop() {
  if (!started_) return;
  started_ = false;
  driver_.Remove(easy_);
}

}  // namespace tollgate::upstream
