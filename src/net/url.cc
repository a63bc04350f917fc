#include "tollgate/net/url.h"

#include <curl/curl.h>

#include <memory>

#include "tollgate/base/assert.h"

namespace tollgate::net {
namespace {

// Empty if the URL has no such part.
std::string Part(CURLU* url, CURLUPart part, unsigned flags) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string result = text;
  curl_free(text);
  return result;
}

}  // namespace

std::optional<Url> ReadUrl(const std::string& text) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), &curl_url_cleanup);
  TG_ASSERT(url != nullptr);
  constexpr unsigned kFlags = CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS;
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), kFlags) != CURLUE_OK) {
    return std::nullopt;
  }
  return Url{.scheme = Part(url.get(), CURLUPART_SCHEME, 0),
             .user = Part(url.get(), CURLUPART_USER, CURLU_URLDECODE),
             .password = Part(url.get(), CURLUPART_PASSWORD, CURLU_URLDECODE),
             .host = Part(url.get(), CURLUPART_HOST, 0),
             .port = Part(url.get(), CURLUPART_PORT, CURLU_NO_DEFAULT_PORT),
             .port_or_default = Part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT),
             .path = Part(url.get(), CURLUPART_PATH, 0)};
}

}  // namespace tollgate::net
