#include "upstream/transfer.h"

#include "tollgate/base/assert.h"

namespace tollgate::upstream {
HeaderList::HeaderList(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    curl_slist* const longer = curl_slist_append(list_, line.c_str());
    TG_ASSERT(longer != nullptr);
    list_ = longer;
  }
}

HeaderList::~HeaderList() { curl_slist_free_all(list_); }

Transfer::Transfer(CurlDriver& driver, const TransferOptions& options)
    : name_(options.url), easy_(curl_easy_init()) {
  TG_ASSERT(easy_ != nullptr);
  SetCommonOptions(easy_, options.url, options.connect_timeout_ms, options.ca_file);
  SetOption(easy_, CURLOPT_PRIVATE, this);
  SetOption(easy_, CURLOPT_HTTPHEADER, options.headers);
  SetOption(easy_, CURLOPT_TIMEOUT_MS, static_cast<long>(options.total_timeout_ms));
  SetOption(easy_, CURLOPT_HTTP09_ALLOWED, 0L);
  SetOption(easy_, CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
  SetOption(easy_, CURLOPT_HEADERDATA, this);
  SetOption(easy_, CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
  SetOption(easy_, CURLOPT_WRITEDATA, this);
  driver.Adopt(easy_);
}

Transfer::~Transfer() { curl_easy_cleanup(easy_); }

Transfer& Transfer::Of(CURL* easy) {
  char* self = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &self);
  return *static_cast<Transfer*>(static_cast<void*>(self));
}

Evidence Transfer::Collect(CURLcode result) const {
  Evidence evidence;
  evidence.ended_well = result == CURLE_OK && !answer_.body_too_large();
  evidence.status = answer_.status();
  evidence.headers_whole = answer_.headers_whole();
  evidence.framed = answer_.framed();
  evidence.has_body = answer_.has_body();
  return evidence;
}

size_t Transfer::OnHeader(char* data, size_t size, size_t count, void* self) {
  const size_t bytes = size * count;
  return static_cast<Transfer*>(self)->answer_.OnLine({data, bytes}) ? bytes : 0;
}

size_t Transfer::OnBody(char* data, size_t size, size_t count, void* self) {
  const size_t bytes = size * count;
  return static_cast<Transfer*>(self)->answer_.OnBody({data, bytes}) ? bytes : 0;
}

}  // namespace tollgate::upstream
