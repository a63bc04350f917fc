#include "tollgate/forward/entry_index.h"

#include <gtest/gtest.h>

#include <type_traits>

#include "tollgate/forward/attempt_pool.h"
#include "tollgate/table/slot_index.h"

namespace tollgate::forward {
namespace {

// Neither an entry nor a slot is taken for the other, nor for a number.
template <typename From, typename To>
constexpr bool kStaysApart = !std::is_convertible_v<From, To> &&
                             !std::is_constructible_v<To, From> && !std::is_assignable_v<To&, From>;
static_assert(kStaysApart<table::SlotIndex, EntryIndex>);
static_assert(kStaysApart<EntryIndex, table::SlotIndex>);
static_assert(kStaysApart<EntryIndex, uint32_t> && kStaysApart<uint32_t, EntryIndex>);
static_assert(kStaysApart<EntryIndex, size_t> && kStaysApart<int, EntryIndex>);
static_assert(!std::is_invocable_v<decltype(&AttemptPool::Free), AttemptPool&, table::SlotIndex>);
static_assert(sizeof(EntryIndex) == sizeof(uint32_t));
static_assert(std::is_trivially_copyable_v<EntryIndex> && NumberOf(EntryIndex{7}) == 7);

TEST(EntryIndex, TheEntryThatWasFreedLastIsTakenFirst) {
  AttemptPool pool(3);
  const EntryIndex first = pool.Take();
  const EntryIndex second = pool.Take();
  EXPECT_NE(first, second);
  pool.Free(first);
  pool.Free(second);
  EXPECT_EQ(pool.Take(), second);
  EXPECT_EQ(pool.Take(), first);
  EXPECT_EQ(pool.Take(), EntryIndex{2});
}

}  // namespace
}  // namespace tollgate::forward
