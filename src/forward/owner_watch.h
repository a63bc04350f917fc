// OwnerWatch: which owners of claims are alive, by how their numbers on the books move. An owner is
// silent if the same number was read for `silent_after` of our own monotonic time, in reads at most
// five seconds apart. No other clock is used.
//
// Thread: one worker's.
// Owns: a bounded list of the owners read last; one that falls out is watched from the beginning.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tollgate/ledger/ledger.h"

namespace tollgate::forward {

enum class OwnerLife : uint8_t {
  kUnknown,  // not watched for long enough
  kAlive,    // its number has moved recently
  kSilent,   // its number has not moved for `silent_after`, or it said that it is gone
};

class OwnerWatch {
 public:
  explicit OwnerWatch(int64_t silent_after_ns) : silent_after_ns_(silent_after_ns) {}

  // `holder`: what the books have just reported of it. `news` is set only when it becomes silent.
  OwnerLife Observe(const ledger::Holder& holder, int64_t now_ns, bool* news) {
    Seen& seen = Find(holder.table);
    *news = false;
    if (holder.sign == ledger::Holder::Sign::kGone) return Silent(seen, now_ns, news);
    if (seen.read_ns == kNever || now_ns - seen.read_ns > kGapNsMax) {
      seen.number = holder.number;  // changes in the gap were not seen
      seen.since_ns = now_ns;
      seen.moved_ns = kNever;
    } else if (seen.number != holder.number) {
      seen.number = holder.number;
      seen.since_ns = seen.moved_ns = now_ns;
      seen.reported = false;
    }
    seen.read_ns = now_ns;
    if (seen.moved_ns != kNever && now_ns - seen.moved_ns <= kAliveNs) return OwnerLife::kAlive;
    if (now_ns - seen.since_ns < silent_after_ns_) return OwnerLife::kUnknown;
    return Silent(seen, now_ns, news);
  }

  // The books have lost something, or are on another server: all begins anew.
  void Forget() { seen_ = {}; }

 private:
  static constexpr int64_t kNever = INT64_MIN;
  static constexpr int64_t kGapNsMax = 5'000'000'000;
  static constexpr int64_t kAliveNs = 1'500'000'000;  // an owner greets twice a second
  static constexpr size_t kOwnersMax = 64;

  struct Seen {
    payments::Uuid table;
    uint64_t number = 0;
    int64_t read_ns = kNever;
    int64_t since_ns = 0;       // since when the number is this one
    int64_t moved_ns = kNever;  // when it was last seen to move
    bool reported = false;
  };

  static OwnerLife Silent(Seen& seen, int64_t now_ns, bool* news) {
    *news = !seen.reported;
    seen.reported = true;
    seen.read_ns = now_ns;
    return OwnerLife::kSilent;
  }

  // The owner's entry; else the entry of the owner that was read longest ago.
  Seen& Find(const payments::Uuid& table) {
    Seen* oldest = &seen_.front();
    for (Seen& seen : seen_) {
      if (seen.table == table && seen.read_ns != kNever) return seen;
      if (seen.read_ns < oldest->read_ns) oldest = &seen;
    }
    *oldest = {.table = table};
    return *oldest;
  }

  const int64_t silent_after_ns_;
  std::array<Seen, kOwnersMax> seen_{};
};

}  // namespace tollgate::forward
