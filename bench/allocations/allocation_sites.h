// Where memory is allocated: the layout of the file that tollgate-counted writes its counts to
// (bench/figures/allocations.py reads it as well). TOLLGATE_ALLOCATIONS names the file.
//
// Thread: any; a site is published by its address.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tollgate::bench {

// One place that allocates, on one thread. `library` is the file that the caller of malloc or
// operator new is in, `offset` the caller's place in it.
struct AllocationSite {
  std::atomic<uint64_t> address{0};  // 0: unused; kBusy: being written
  std::atomic<uint64_t> count{0};
  uint64_t offset = 0;
  std::array<char, 24> library{};
  std::array<char, 16> thread{};
};
static_assert(sizeof(AllocationSite) == 64);

inline constexpr uint64_t kBusy = 1;
inline constexpr size_t kSites = 8192;
inline constexpr const char* kSitesVariable = "TOLLGATE_ALLOCATIONS";

using AllocationSites = std::array<AllocationSite, kSites>;

}  // namespace tollgate::bench
