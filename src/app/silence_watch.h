// SilenceWatch: counts the payments on the books whose gateways are silent, for the metrics and the
// log. It counts every 30 s, or every TAKEOVER_AFTER if that is shorter.
//
// Thread: constructed and started before its loop runs. claims() and owners() any.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "tollgate/ledger/books_place.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::app {

class SilenceWatch {
 public:
  using Report = std::function<void(bool problem, std::string_view text)>;
  SilenceWatch(net::EventLoop& loop, ledger::BooksPlace& place, int64_t silent_after_ms,
               Report report);
  void Start();

  uint64_t claims() const { return claims_.load(std::memory_order_relaxed); }
  uint64_t owners() const { return owners_.load(std::memory_order_relaxed); }

 private:
  void Count();
  void OnCounted(const std::vector<ledger::SilentOwner>& silent);

  const std::unique_ptr<ledger::SilentClaims> reader_;
  const int64_t silent_after_s_;
  const int64_t interval_ns_;
  const Report report_;
  net::Timer timer_;
  std::atomic<uint64_t> claims_ = 0;  // the admin listener's thread reads it
  std::atomic<uint64_t> owners_ = 0;
  uint64_t reported_ = 0;  // claims in the last report
};

}  // namespace tollgate::app
