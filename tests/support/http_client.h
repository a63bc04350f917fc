// HttpClient: a blocking HTTP/1.1 client for tests: one kept-alive connection, TCP or Unix. It is
// our own, so that a test sees every byte and every connection that breaks.
//
// Thread: one at a time.
#pragma once

#include <string>
#include <string_view>

namespace tollgate::testing {

struct HttpAnswer {
  int status = 0;  // 0: no answer came (refused, reset, closed, timed out)
  std::string headers;
  std::string body;
};

class HttpClient {
 public:
  // "127.0.0.1:9999" or the path of a Unix socket.
  explicit HttpClient(std::string address, int timeout_ms = 10'000);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  HttpAnswer Get(std::string_view target, std::string_view headers = {});
  HttpAnswer Post(std::string_view target, std::string_view body, std::string_view headers = {});
  HttpAnswer Put(std::string_view target, std::string_view body, std::string_view headers = {});
  void Disconnect();

  // A request in parts: sends the bytes as they are; then reads its answer.
  bool SendPart(std::string_view bytes);
  HttpAnswer AwaitAnswer();

 private:
  HttpAnswer Exchange(std::string_view method, std::string_view target, std::string_view body,
                      std::string_view headers);
  bool Connect();
  bool SendAll(std::string_view bytes) const;
  bool ReadMore(std::string* input) const;
  HttpAnswer ReadAnswer();

  const std::string address_;
  const int timeout_ms_;
  int fd_ = -1;
};

}  // namespace tollgate::testing
