// ReplyArena: the memory in which hiredis builds the replies of one connection. The next reply
// reuses it; hiredis itself would allocate and free two blocks for every element.
//
// Thread: the connection's.
// Owns: the reply that is being read or used.
// Invariants: one reply at a time, as in hiredis' asynchronous interface: a reply is freed before
// the reader begins the next one. Its parts are never freed one by one.
#pragma once

#include <hiredis/hiredis.h>

#include <array>
#include <cstddef>
#include <memory_resource>

namespace tollgate::ledger {

class ReplyArena {
 public:
  ReplyArena() = default;
  ReplyArena(const ReplyArena&) = delete;
  ReplyArena& operator=(const ReplyArena&) = delete;

  // Lets `reader` build its replies here. REQUIRES: the arena outlives it.
  void Serve(redisReader& reader);

 private:
  struct Node;
  static Node* Make(const redisReadTask* task, size_t more_bytes);
  static void* CreateText(const redisReadTask* task, char* text, size_t bytes);
  static void* CreateArray(const redisReadTask* task, int elements);
  static void* CreateInteger(const redisReadTask* task, long long value);  // NOLINT: hiredis' type
  static void* CreateNil(const redisReadTask* task);
  static void Free(void* reply);

  // Enough for the reply to a batch of claims or to a query. Longer replies also use the heap.
  static constexpr size_t kFirstBytes = 16'384;
  alignas(std::max_align_t) std::array<std::byte, kFirstBytes> first_;
  std::pmr::monotonic_buffer_resource memory_{first_.data(), first_.size()};
};

}  // namespace tollgate::ledger
