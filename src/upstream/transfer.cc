#include "upstream/transfer.h"

#include "tollgate/base/assert.h"

namespace tollgate::upstream {
namespace {

// Processors answer in under 200 bytes; curl allocates this much per transfer (its least is 1 KiB).
constexpr long kReadBufferBytes = 1024;
constexpr long kNameCacheSeconds = 60;

template <typename T>
void Set(CURL* easy, CURLoption option, T value) {
  const CURLcode result = curl_easy_setopt(easy, option, value);
  TG_ASSERT(result == CURLE_OK);
}

}  // namespace

HeaderList::HeaderList(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    curl_slist* const longer = curl_slist_append(list_, line.c_str());
    TG_ASSERT(longer != nullptr);
    list_ = longer;
  }
}

HeaderList::~HeaderList() { curl_slist_free_all(list_); }

Transfer::Transfer(CurlDriver& driver, const TransferOptions& options)
    : easy_(curl_easy_init()), send_once_(options.send_once) {
  TG_ASSERT(easy_ != nullptr);
  SetFixedOptions(options);
  driver.Adopt(easy_);
}

Transfer::~Transfer() { curl_easy_cleanup(easy_); }

Transfer& Transfer::Of(CURL* easy) {
  char* self = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &self);
  return *static_cast<Transfer*>(static_cast<void*>(self));
}

void Transfer::SetFixedOptions(const TransferOptions& options) {
  Set(easy_, CURLOPT_URL, options.url.c_str());
  Set(easy_, CURLOPT_PRIVATE, this);
  Set(easy_, CURLOPT_HTTPHEADER, options.headers);
  Set(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout_ms));
  Set(easy_, CURLOPT_TIMEOUT_MS, static_cast<long>(options.total_timeout_ms));
  Set(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  Set(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  Set(easy_, CURLOPT_HTTP09_ALLOWED, 0L);
  Set(easy_, CURLOPT_FOLLOWLOCATION, 0L);
  Set(easy_, CURLOPT_PROXY, "");  // also not one from the environment
  Set(easy_, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  Set(easy_, CURLOPT_NOSIGNAL, 1L);
  Set(easy_, CURLOPT_TCP_NODELAY, 1L);
  Set(easy_, CURLOPT_BUFFERSIZE, kReadBufferBytes);
  Set(easy_, CURLOPT_DNS_CACHE_TIMEOUT, kNameCacheSeconds);
  // Without it a transfer that times out while its name is being resolved joins the resolver's
  // thread, and so blocks the loop (lib/asyn-thread.c, Curl_resolver_kill).
  Set(easy_, CURLOPT_QUICK_EXIT, 1L);
  Set(easy_, CURLOPT_PREREQFUNCTION, &Transfer::OnRequestBegins);
  Set(easy_, CURLOPT_PREREQDATA, this);
  Set(easy_, CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
  Set(easy_, CURLOPT_HEADERDATA, this);
  Set(easy_, CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
  Set(easy_, CURLOPT_WRITEDATA, this);
}

bool Transfer::SetUrl(const char* url) {
  return curl_easy_setopt(easy_, CURLOPT_URL, url) == CURLE_OK;
}

void Transfer::MakePost() {
  Set(easy_, CURLOPT_POST, 1L);
  Set(easy_, CURLOPT_POSTFIELDS, body_.data());  // not copied
}

void Transfer::SetBodySize(size_t bytes) {
  Set(easy_, CURLOPT_POSTFIELDSIZE, static_cast<long>(bytes));
}

void Transfer::Begin(int64_t now_ns) {
  requests_begun_ = 0;
  begun_ns_ = now_ns;
  answer_.Reset();
}

Evidence Transfer::Collect(CURLcode result) const {
  Evidence evidence;
  evidence.ended_well = result == CURLE_OK && !answer_.body_too_large();
  evidence.requests_begun = requests_begun_;
  curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &evidence.request_bytes);
  evidence.status = answer_.status();
  evidence.headers_whole = answer_.headers_whole();
  evidence.framed = answer_.framed();
  evidence.has_body = answer_.has_body();
  return evidence;
}

// When a reused connection drops before an answer, curl sends the request again on another one by
// itself, up to five times (lib/transfer.c, Curl_retry_request; no option turns it off).
int Transfer::OnRequestBegins(void* self, char* /*remote_ip*/, char* /*local_ip*/,
                              int /*remote_port*/, int /*local_port*/) {
  auto& transfer = *static_cast<Transfer*>(self);
  ++transfer.requests_begun_;
  const bool again = transfer.requests_begun_ > 1;
  return again && transfer.send_once_ ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
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
