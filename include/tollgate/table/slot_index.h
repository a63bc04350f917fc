// SlotIndex: which slot of a payment table. A type of its own, so that it is not taken for another
// number, as a place in the attempt pool or a generation. It costs nothing: it is the number.
//
// Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tollgate::table {

enum class SlotIndex : uint32_t {};

// As the ledger and the table file have it.
constexpr uint32_t NumberOf(SlotIndex slot) { return static_cast<uint32_t>(slot); }

// Every slot of a table, in order, for a range-based for loop. (Clang 14 cannot compile the views
// of the standard library of GCC 12.)
class AllSlots {
 public:
  class Iterator {
   public:
    explicit Iterator(uint32_t number) : number_(number) {}
    SlotIndex operator*() const { return SlotIndex{number_}; }
    Iterator& operator++() {
      ++number_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return number_ != other.number_; }

   private:
    uint32_t number_;
  };

  // REQUIRES: slot_count < 2^32.
  explicit AllSlots(size_t slot_count) : count_(static_cast<uint32_t>(slot_count)) {}
  Iterator begin() const { return Iterator(0); }
  Iterator end() const { return Iterator(count_); }

 private:
  const uint32_t count_;
};

}  // namespace tollgate::table
