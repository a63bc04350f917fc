// ProcessorDirectory: the names of all processors that this instance has ever to tell apart, each
// with its ProcessorId. Configured ones come first, in the order of configuration; names found in
// tables (of processors no longer configured, or of adopted tables) are appended. Append-only.
//
// A name alone does not say which processor it is: people move one. So each has an identity as
// well, which `identity` in the configuration gives, or else its URL.
//
// Thread: Find and Add take a lock (start-up and adoption only); Name and size are lock-free, any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
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

// What stands for an identity in a table: never 0.
uint64_t IdentityHash(std::string_view identity);

class ProcessorDirectory {
 public:
  // REQUIRES: at most kProcessorsMax distinct names, for each of which IsProcessorName holds.
  // `identities`: per configured processor the hashes of what it is and of what it was called
  // before (IdentityHash), the present one first; none: not known, and any is taken for it.
  explicit ProcessorDirectory(const std::vector<std::string>& configured,
                              std::vector<std::vector<uint64_t>> identities = {});

  // How many of the ids, from 0, are configured processors that may be sent to.
  size_t configured_count() const { return configured_count_; }
  size_t size() const { return size_.load(std::memory_order_acquire); }  // partner: Add
  // REQUIRES: id < size().
  const std::string& Name(ProcessorId id) const;
  std::optional<ProcessorId> Find(std::string_view name) const;
  // The id of `name`, appended if new; nothing when the directory is full or it is no name.
  std::optional<ProcessorId> Add(std::string_view name);
  // The id of the processor of this name and identity, as a table has them. One that has the name
  // and is known to be another gets an id of its own, which is not configured: nothing is sent to
  // it. Identity 0: not known.
  std::optional<ProcessorId> Add(std::string_view name, uint64_t identity);
  // The hash of what it is now; 0: not known. REQUIRES: id < size().
  uint64_t Identity(ProcessorId id) const;
  // Of what it is now, and then of what it was called before; empty: not known. REQUIRES: id <
  // size().
  std::vector<uint64_t> Identities(ProcessorId id) const;
  // The configured processor of that name; none: there is no such. REQUIRES: id < size(), or none.
  ProcessorId ConfiguredId(ProcessorId id) const;
  // Its name for people and metrics: no two have the same. REQUIRES: id < size().
  std::string Label(ProcessorId id) const;

 private:
  bool Is(size_t index, uint64_t identity) const;
  std::optional<ProcessorId> Append(std::string_view name, uint64_t identity);

  const size_t configured_count_;
  const std::vector<std::vector<uint64_t>> configured_identities_;
  mutable std::mutex mutex_;
  std::array<std::string, kProcessorsMax> names_;
  std::array<uint64_t, kProcessorsMax> identities_{};
  std::atomic<size_t> size_{0};
};

}  // namespace tollgate::payments
