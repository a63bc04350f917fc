// HttpGetter: small GETs to a few fixed URLs, on connections that are kept. Used for
// service-health.
//
// Thread: the loop's.
// Owns: its connections and one transfer handle per target.
// Invariants: at most one call is in flight to a target. Each call that returned true gets one
// answer, never inside the call. After destruction there are none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tollgate/net/event_loop.h"

namespace tollgate::upstream {

struct GetTarget {
  std::string url;  // complete, with its path
  int64_t connect_timeout_ms = 1'000;
  int64_t answer_timeout_ms = 15'000;
  std::vector<std::string> headers;  // "Name: value"
  std::string ca_file;               // as in ProcessorOptions
};

struct GetAnswer {
  int status = 0;          // 0: no complete status line arrived
  bool complete = false;   // the whole answer has arrived
  std::string_view body;   // at most 1 KiB; valid during the call
  const char* error = "";  // curl's message if not complete
};

class HttpGetter {
 public:
  using OnAnswer = std::function<void(size_t target, const GetAnswer& answer)>;

  // The loop outlives the getter.
  HttpGetter(net::EventLoop& loop, const std::vector<GetTarget>& targets, OnAnswer on_answer);
  ~HttpGetter();
  HttpGetter(const HttpGetter&) = delete;
  HttpGetter& operator=(const HttpGetter&) = delete;

  // Returns false if a call to this target is in flight, or curl is out of memory.
  [[nodiscard]] bool Get(size_t target);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::upstream
