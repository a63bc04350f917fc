#include "tollgate/table/slot_index.h"

#include <gtest/gtest.h>

#include <type_traits>
#include <vector>

namespace tollgate::table {
namespace {

// No number is taken for a slot, nor a slot for a number.
static_assert(!std::is_convertible_v<uint32_t, SlotIndex>);
static_assert(!std::is_convertible_v<int, SlotIndex>);
static_assert(!std::is_convertible_v<SlotIndex, uint32_t>);
static_assert(!std::is_convertible_v<SlotIndex, size_t>);
static_assert(!std::is_assignable_v<SlotIndex&, uint32_t>);
// It is stored in rings and queues as the number that it is.
static_assert(sizeof(SlotIndex) == sizeof(uint32_t) && std::is_trivially_copyable_v<SlotIndex>);
static_assert(NumberOf(SlotIndex{7}) == 7);

TEST(SlotIndex, AllSlotsAreThoseOfTheTableInOrder) {
  std::vector<uint32_t> numbers;
  for (const SlotIndex slot : AllSlots(3)) numbers.push_back(NumberOf(slot));
  EXPECT_EQ(numbers, (std::vector<uint32_t>{0, 1, 2}));
  for (const SlotIndex slot : AllSlots(0)) ADD_FAILURE() << NumberOf(slot);
}

}  // namespace
}  // namespace tollgate::table
