#include "upstream/request_writer.h"

#include <strings.h>

#include <vector>

#include "tollgate/base/assert.h"
#include "tollgate/net/url.h"
#include "tollgate/payments/processor_json.h"
#include "tollgate/upstream/processor_protocol.h"

namespace tollgate::upstream {
namespace {

constexpr size_t kLengthDigits = 3;
static_assert(payments::kProcessorBodyBytesMax < 1000);

// RFC 4648 section 4.
std::string Base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8U | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      text += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63U] : '=';
    }
  }
  return text;
}

bool Names(const std::vector<std::string>& lines, std::string_view name) {
  for (const std::string& line : lines) {
    if (line.size() > name.size() && line[name.size()] == ':' &&
        ::strncasecmp(line.data(), name.data(), name.size()) == 0) {
      return true;
    }
  }
  return false;
}

struct Place {
  std::string path;       // without a slash at its end
  std::string authority;  // of the Host header
  std::string login;      // "user:password", or empty
};

Place PlaceOf(const std::string& text) {
  // A URL that libcurl refuses never gets a connection; what is rendered for it is never sent.
  const net::Url url = net::ReadUrl(text).value_or(net::Url{});
  Place place{.path = url.path, .authority = url.host, .login = {}};
  while (place.path.ends_with('/')) place.path.pop_back();
  if (!url.port.empty()) place.authority += ":" + url.port;
  if (!url.user.empty()) place.login = url.user + ":" + url.password;
  return place;
}

}  // namespace

RequestWriter::RequestWriter(const ProcessorOptions& options) {
  const Place place = PlaceOf(options.url);
  std::string lines;
  if (!Names(options.headers, "Host")) lines += "Host: " + place.authority + "\r\n";
  if (!place.login.empty() && !Names(options.headers, "Authorization")) {
    lines += "Authorization: Basic " + Base64(place.login) + "\r\n";
  }
  for (const std::string& header : options.headers) {
    TG_ASSERT(header.find_first_of("\r\n") == std::string::npos);  // the configuration refuses it
    lines += header + "\r\n";
  }
  post_ = "POST " + place.path + std::string(kPaymentsPath) + " HTTP/1.1\r\n" + lines;
  if (!Names(options.headers, "Content-Type")) post_ += "Content-Type: application/json\r\n";
  post_ += "Content-Length: ";
  post_fixed_ = post_.size();
  post_.resize(post_fixed_ + kLengthDigits + 4 + payments::kProcessorBodyBytesMax);
  lookup_ = "GET " + place.path + std::string(kPaymentsPath) + "/";
  lookup_id_at_ = lookup_.size();
  lookup_ += std::string(payments::kUuidTextBytes, '0') + " HTTP/1.1\r\n" + lines + "\r\n";
}

std::string_view RequestWriter::Post(const payments::Payment& payment, int64_t requested_at_ms) {
  char* const length = post_.data() + post_fixed_;
  char* const body = length + kLengthDigits + 4;
  const size_t bytes = payments::FormatProcessorPayment(payment, requested_at_ms, body);
  TG_ASSERT(bytes >= 100);  // an id and a time are longer, so the length has three digits
  length[0] = static_cast<char>('0' + bytes / 100);
  length[1] = static_cast<char>('0' + bytes / 10 % 10);
  length[2] = static_cast<char>('0' + bytes % 10);
  std::string_view("\r\n\r\n").copy(length + kLengthDigits, 4);
  return {post_.data(), post_fixed_ + kLengthDigits + 4 + bytes};
}

std::string_view RequestWriter::Lookup(const payments::Uuid& id) {
  payments::FormatUuid(id, lookup_.data() + lookup_id_at_);
  return lookup_;
}

}  // namespace tollgate::upstream
