// Deadlines: the time limits of all connections with one timer. All limits of a kind are equal, so
// a list per kind is always in order, and renewing a limit changes a few pointers.
//
// Thread: the server's loop.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "server/connection.h"

namespace tollgate::server {

class Deadlines {
 public:
  explicit Deadlines(const std::array<int64_t, kWaitingKinds>& limits_ms) : limits_ms_(limits_ms) {}

  // Puts the connection under the limit of `kind`, starting now.
  void Set(Connection& connection, Waiting kind, int64_t now_ns) {
    Clear(connection);
    if (kind == Waiting::kNone) return;
    connection.waiting = kind;
    connection.deadline_ns = now_ns + limits_ms_[Index(kind)] * base::kNanosPerMilli;
    List& list = lists_[Index(kind)];
    connection.previous = list.last;
    connection.next = nullptr;
    (list.last == nullptr ? list.first : list.last->next) = &connection;
    list.last = &connection;
  }
  void Clear(Connection& connection) {
    if (connection.waiting == Waiting::kNone) return;
    List& list = lists_[Index(connection.waiting)];
    (connection.previous == nullptr ? list.first : connection.previous->next) = connection.next;
    (connection.next == nullptr ? list.last : connection.next->previous) = connection.previous;
    connection.previous = connection.next = nullptr;
    connection.waiting = Waiting::kNone;
  }
  int64_t NextNs() const {
    int64_t next = std::numeric_limits<int64_t>::max();
    for (const List& list : lists_) {
      if (list.first != nullptr) next = std::min(next, list.first->deadline_ns);
    }
    return next;
  }
  // The connection that has waited for longest, if it has waited since `since_ns` or before. Else
  // null.
  Connection* Longest(Waiting kind, int64_t since_ns) const {
    Connection* const first = lists_[Index(kind)].first;
    const int64_t limit_ns = limits_ms_[Index(kind)] * base::kNanosPerMilli;
    return first != nullptr && first->deadline_ns - limit_ns <= since_ns ? first : nullptr;
  }
  // A connection whose limit has passed, or null.
  Connection* Expired(int64_t now_ns) const {
    for (const List& list : lists_) {
      if (list.first != nullptr && list.first->deadline_ns <= now_ns) return list.first;
    }
    return nullptr;
  }

 private:
  struct List {
    Connection* first = nullptr;
    Connection* last = nullptr;
  };
  static size_t Index(Waiting kind) { return static_cast<size_t>(kind); }

  const std::array<int64_t, kWaitingKinds> limits_ms_;
  std::array<List, kWaitingKinds> lists_;
};

}  // namespace tollgate::server
