// ProcessorDirectory: the names of all processors that this instance has ever to tell apart, each
// with its ProcessorId. Configured ones come first, in the order of configuration; names found in
// tables (of processors no longer configured, or of adopted tables) are appended. Append-only.
//
// Thread: Find and Add take a lock (start-up and adoption only); Name and size are lock-free, any.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tollgate/payments/limits.h"
#include "tollgate/payments/payment.h"

namespace tollgate::payments {

// 1 .. kProcessorNameBytesMax bytes of UTF-8 without control characters, quotes and backslashes:
// one that every page, line and label can carry as it is. The one rule for names from
// configuration, files and Redis.
bool IsProcessorName(std::string_view name);

class ProcessorDirectory {
 public:
  // REQUIRES: at most kProcessorsMax distinct names, for each of which IsProcessorName holds.
  explicit ProcessorDirectory(const std::vector<std::string>& configured);

  // How many of the ids, from 0, are configured processors that may be sent to.
  size_t configured_count() const { return configured_count_; }
  size_t size() const { return size_.load(std::memory_order_acquire); }  // partner: Add
  // REQUIRES: id < size().
  const std::string& Name(ProcessorId id) const;
  std::optional<ProcessorId> Find(std::string_view name) const;
  // The id of `name`, appended if new; nothing when the directory is full or it is no name.
  std::optional<ProcessorId> Add(std::string_view name);

 private:
  const size_t configured_count_;
  mutable std::mutex mutex_;
  std::array<std::string, kProcessorsMax> names_;
  std::atomic<size_t> size_{0};
};

}  // namespace tollgate::payments
