// ProcessorDirectory: the names of all processors that this instance must distinguish, each with
// its ProcessorId. Configured ones come first, in the order of configuration. Names found in tables
// (of processors no longer configured, or of adopted tables) are appended. Names are never removed.
//
// A name alone does not identify a processor, because its URL can be changed. So each processor
// also has an identity: `identity` in the configuration, or else its URL.
//
// Thread: any. Add takes a lock and is called only at start-up and for adoption. All else is
// lock-free.
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

// True for 1 to kProcessorNameBytesMax bytes of UTF-8 without control characters, quotes and
// backslashes. Such a name needs no escaping in pages, log lines and labels. The same rule applies
// to names from configuration, files and Redis.
bool IsProcessorName(std::string_view name);

// The hash of an identity, as a table stores it. Never 0.
uint64_t IdentityHash(std::string_view identity);

class ProcessorDirectory {
 public:
  // REQUIRES: at most kProcessorsMax distinct names, and IsProcessorName for each. `identities`:
  // per configured processor the IdentityHash of its identity, then those of its former ones.
  // Empty: not known, so any identity matches.
  explicit ProcessorDirectory(const std::vector<std::string>& configured,
                              std::vector<std::vector<uint64_t>> identities = {});

  // The ids below this number are configured processors, which may be sent payments.
  size_t configured_count() const { return configured_count_; }
  size_t size() const { return size_.load(std::memory_order_acquire); }  // partner: Add
  // REQUIRES: id < size().
  const std::string& Name(ProcessorId id) const;
  std::optional<ProcessorId> Find(std::string_view name) const;
  // The id of `name`, appended if it is new. Empty if the directory is full or `name` is not valid.
  std::optional<ProcessorId> Add(std::string_view name);
  // The id of the processor with this name and identity from a table. If the known one of this name
  // has another identity, the processor gets an id of its own. That id is not configured, so
  // nothing is sent to it. Identity 0: not known.
  std::optional<ProcessorId> Add(std::string_view name, uint64_t identity);
  // The hash of its present identity. 0: not known. REQUIRES: id < size().
  uint64_t Identity(ProcessorId id) const;
  // The hashes of its present identity and of its former ones. Empty: not known. REQUIRES: id <
  // size().
  std::vector<uint64_t> Identities(ProcessorId id) const;
  // The configured processor of the same name, or kNoProcessor. REQUIRES: id < size() or
  // kNoProcessor.
  ProcessorId ConfiguredId(ProcessorId id) const;
  // A unique name for people and metrics. REQUIRES: id < size().
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
