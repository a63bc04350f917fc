// Transfer: one pooled easy handle with its request and what comes back. Everything that does not
// change from request to request is set once.
//
// Thread: the loop's.
// Owns: the easy handle, its header list, the request's body.
// Invariants: the body and the answer do not move while the handle is started.
#pragma once

#include <curl/curl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tollgate/payments/payment.h"
#include "tollgate/payments/processor_json.h"
#include "upstream/answer.h"
#include "upstream/curl_driver.h"
#include "upstream/outcome.h"

namespace tollgate::upstream {

// A curl_slist, built once and shared by the handles of one processor.
class HeaderList {
 public:
  explicit HeaderList(const std::vector<std::string>& lines);
  ~HeaderList();
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

struct TransferOptions {
  std::string url;
  int64_t connect_timeout_ms = 0;
  int64_t total_timeout_ms = 0;
  curl_slist* headers = nullptr;
  // A request begun a second time within one transfer is not sent but ends the transfer.
  bool send_once = false;
};

class Transfer {
 public:
  Transfer(CurlDriver& driver, const TransferOptions& options);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // Of a finished or started handle of any driver: its Transfer.
  static Transfer& Of(CURL* easy);

  CURL* easy() const { return easy_; }
  // The URL of a GET whose path changes. False: curl is out of memory.
  [[nodiscard]] bool SetUrl(const char* url);
  // Makes it a POST of body(), once; the size is set per request.
  void MakePost();
  char* body_buffer() { return body_.data(); }
  void SetBodySize(size_t bytes);

  // Called before each start.
  void Begin(int64_t now_ns);
  Evidence Collect(CURLcode result) const;
  const Answer& answer() const { return answer_; }
  int64_t begun_ns() const { return begun_ns_; }

  // For the owner's bookkeeping.
  uint64_t cookie = 0;
  payments::ProcessorId processor = payments::kNoProcessor;
  payments::Uuid id;  // of a look-up
  bool in_use = false;
  bool is_lookup = false;

 private:
  void SetFixedOptions(const TransferOptions& options);
  static int OnRequestBegins(void* self, char* remote_ip, char* local_ip, int remote_port,
                             int local_port);
  static size_t OnHeader(char* data, size_t size, size_t count, void* self);
  static size_t OnBody(char* data, size_t size, size_t count, void* self);

  CURL* const easy_;
  const bool send_once_;
  int requests_begun_ = 0;
  int64_t begun_ns_ = 0;
  Answer answer_;
  std::array<char, payments::kProcessorBodyBytesMax> body_;
};

}  // namespace tollgate::upstream
