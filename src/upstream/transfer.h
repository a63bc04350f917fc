// Transfer: a small GET by curl that is sent repeatedly, and its answer.
//
// Thread: the loop's.
// Owns: the easy handle.
// Invariants: the answer does not move while the handle is started.
#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "upstream/answer.h"
#include "upstream/curl_driver.h"
#include "upstream/curl_options.h"
#include "upstream/outcome.h"

namespace tollgate::upstream {

// A curl_slist, built once.
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
  std::string ca_file;
  curl_slist* headers = nullptr;
};

class Transfer {
 public:
  Transfer(CurlDriver& driver, const TransferOptions& options);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // The Transfer of a started or finished handle of any driver.
  static Transfer& Of(CURL* easy);

  CURL* easy() const { return easy_; }
  // Called before each start. `stale_name`: do not use the cached addresses.
  void Begin(bool stale_name) {
    answer_.Reset();
    name_.SetStale(easy_, stale_name);
  }
  Evidence Collect(CURLcode result) const;
  const Answer& answer() const { return answer_; }

  // For the owner.
  uint64_t cookie = 0;
  bool in_use = false;

 private:
  static size_t OnHeader(char* data, size_t size, size_t count, void* self);
  static size_t OnBody(char* data, size_t size, size_t count, void* self);

  const StaleName name_;
  CURL* const easy_;
  Answer answer_;
};

}  // namespace tollgate::upstream
