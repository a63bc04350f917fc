// ReplyArena: where hiredis builds the replies of one connection: in memory that the next reply
// uses again, where it would allocate two pieces for every element and free each.
//
// Thread: the connection's.
// Owns: the reply that is being read or looked at.
// Invariants: there is one reply at a time, as in hiredis' asynchronous interface: a reply is freed
// before the next one of the reader is begun. Its parts are never freed one by one.
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

  // From now on `reader` builds its replies here. It must not outlive this.
  void Serve(redisReader& reader);

 private:
  struct Node;
  static Node* Make(const redisReadTask* task, size_t more_bytes);
  static void* CreateText(const redisReadTask* task, char* text, size_t bytes);
  static void* CreateArray(const redisReadTask* task, int elements);
  static void* CreateInteger(const redisReadTask* task, long long value);  // NOLINT: hiredis' type
  static void* CreateNil(const redisReadTask* task);
  static void Free(void* reply);

  // What a batch of claims or a question is answered with; longer ones take more from the heap.
  static constexpr size_t kFirstBytes = 16'384;
  alignas(std::max_align_t) std::array<std::byte, kFirstBytes> first_;
  std::pmr::monotonic_buffer_resource memory_{first_.data(), first_.size()};
};

}  // namespace tollgate::ledger
