#include "tollgate/http/response.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "tollgate/base/json_writer.h"

namespace tollgate::http {

namespace {

struct Phrase {
  int status;
  std::string_view text;
};

// RFC 9110 section 15; RFC 6585 for 428 to 431.
constexpr std::array kPhrases = {
    Phrase{100, "Continue"},
    Phrase{200, "OK"},
    Phrase{201, "Created"},
    Phrase{202, "Accepted"},
    Phrase{204, "No Content"},
    Phrase{304, "Not Modified"},
    Phrase{400, "Bad Request"},
    Phrase{401, "Unauthorized"},
    Phrase{403, "Forbidden"},
    Phrase{404, "Not Found"},
    Phrase{405, "Method Not Allowed"},
    Phrase{408, "Request Timeout"},
    Phrase{409, "Conflict"},
    Phrase{411, "Length Required"},
    Phrase{413, "Content Too Large"},
    Phrase{414, "URI Too Long"},
    Phrase{415, "Unsupported Media Type"},
    Phrase{417, "Expectation Failed"},
    Phrase{422, "Unprocessable Content"},
    Phrase{429, "Too Many Requests"},
    Phrase{431, "Request Header Fields Too Large"},
    Phrase{500, "Internal Server Error"},
    Phrase{501, "Not Implemented"},
    Phrase{502, "Bad Gateway"},
    Phrase{503, "Service Unavailable"},
    Phrase{504, "Gateway Timeout"},
    Phrase{505, "HTTP Version Not Supported"},
};
static_assert(std::is_sorted(kPhrases.begin(), kPhrases.end(),
                             [](const Phrase& a, const Phrase& b) { return a.status < b.status; }));

template <typename Number>
void AppendNumber(std::string& out, Number number) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

// RFC 9110 sections 6.4.1 and 8.6: these statuses have no content and no Content-Length.
bool HasNoContent(int status) { return status < 200 || status == 204 || status == 304; }

}  // namespace

std::string_view ReasonPhrase(int status) {
  const auto found =
      std::lower_bound(kPhrases.begin(), kPhrases.end(), status,
                       [](const Phrase& phrase, int wanted) { return phrase.status < wanted; });
  // RFC 9112 section 4: an unknown status is sent with an empty phrase.
  if (found == kPhrases.end() || found->status != status) return {};
  return found->text;
}

void AppendResponse(std::string& out, const ResponseHead& head, std::string_view body,
                    bool head_only) {
  out += "HTTP/1.1 ";
  AppendNumber(out, head.status);
  out += ' ';
  out += ReasonPhrase(head.status);
  out += "\r\n";
  if (!head.content_type.empty()) {
    out += "Content-Type: ";
    out += head.content_type;
    out += "\r\n";
  }
  out += head.extra_headers;
  const bool no_content = HasNoContent(head.status);
  if (!no_content) {
    out += "Content-Length: ";
    AppendNumber(out, body.size());
    out += "\r\n";
  }
  if (head.close) {
    out += "Connection: close\r\n";
  } else if (head.keep_alive_http10) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
  if (!head_only && !no_content) out += body;
}

std::string ProblemBody(int status, std::string_view detail) {
  std::string body;
  base::JsonWriter json(body);
  json.BeginObject().Key("type").String("about:blank");
  json.Key("title").String(ReasonPhrase(status)).Key("status").Number(status);
  if (!detail.empty()) json.Key("detail").String(detail);
  json.EndObject();
  return body;
}

StaticResponse::StaticResponse(int status, std::string_view content_type, std::string_view body,
                               std::string_view extra_headers)
    : status_(status), content_type_(content_type), extra_headers_(extra_headers), body_(body) {
  ResponseHead form = head();
  AppendResponse(keep_alive_, form, body_);
  form.close = true;
  AppendResponse(closing_, form, body_);
}

StaticResponse StaticResponse::Problem(int status, std::string_view detail,
                                       std::string_view extra_headers) {
  return StaticResponse(status, kProblemType, ProblemBody(status, detail), extra_headers);
}

ResponseHead StaticResponse::head() const {
  ResponseHead head;
  head.status = status_;
  head.content_type = content_type_;
  head.extra_headers = extra_headers_;
  return head;
}

}  // namespace tollgate::http
