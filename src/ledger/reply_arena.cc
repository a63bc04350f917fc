#include "ledger/reply_arena.h"

#include <algorithm>
#include <new>

namespace tollgate::ledger {

// A reply and its arena: hiredis passes only the reply to Free.
struct ReplyArena::Node {
  redisReply reply;
  ReplyArena* arena;
};

void ReplyArena::Serve(redisReader& reader) {
  static redisReplyObjectFunctions functions = {.createString = &CreateText,
                                                .createArray = &CreateArray,
                                                .createInteger = &CreateInteger,
                                                .createNil = &CreateNil,
                                                .freeObject = &Free};
  reader.fn = &functions;
  reader.privdata = this;
}

// Makes a reply of the task's type with `more_bytes` behind it, and links it into its parent.
ReplyArena::Node* ReplyArena::Make(const redisReadTask* task, size_t more_bytes) {
  auto* const arena = static_cast<ReplyArena*>(task->privdata);
  void* const memory = arena->memory_.allocate(sizeof(Node) + more_bytes, alignof(Node));
  Node* const node = new (memory) Node{.reply = {}, .arena = arena};
  node->reply.type = task->type;
  if (task->parent != nullptr) {
    static_cast<Node*>(task->parent->obj)->reply.element[task->idx] = &node->reply;
  }
  return node;
}

void* ReplyArena::CreateText(const redisReadTask* task, char* text, size_t bytes) {
  Node* const node = Make(task, bytes + 1);
  char* const copy = reinterpret_cast<char*>(node + 1);
  std::copy_n(text, bytes, copy);
  copy[bytes] = '\0';
  node->reply.str = copy;
  node->reply.len = bytes;
  return node;
}

void* ReplyArena::CreateArray(const redisReadTask* task, int elements) {
  const auto count = static_cast<size_t>(std::max(elements, 0));
  Node* const node = Make(task, count * sizeof(redisReply*));
  auto** const element = reinterpret_cast<redisReply**>(node + 1);
  std::fill_n(element, count, nullptr);
  node->reply.elements = count;
  node->reply.element = element;
  return node;
}

void* ReplyArena::CreateInteger(const redisReadTask* task, long long value) {  // NOLINT: hiredis
  Node* const node = Make(task, 0);
  node->reply.integer = value;
  return node;
}

void* ReplyArena::CreateNil(const redisReadTask* task) {
  Node* const node = Make(task, 0);
  node->reply.type = REDIS_REPLY_NIL;
  return node;
}

void ReplyArena::Free(void* reply) { static_cast<Node*>(reply)->arena->memory_.release(); }

}  // namespace tollgate::ledger
