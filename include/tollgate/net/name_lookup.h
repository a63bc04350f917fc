// NameLookup: from a host's name to its addresses, in a thread of its own: the C library's resolver
// blocks for seconds when no name server answers.
//
// Thread: the loop's.
// Owns: one thread while a look-up is under way; it may outlive this object, harmlessly.
// Invariants: one look-up at a time; its callback runs on the loop, never from inside Start, and
// not at all after this object's end.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tollgate/net/event_loop.h"

namespace tollgate::net {

class NameLookup {
 public:
  // Numeric addresses in the resolver's order. None: `problem` says why.
  using OnFound =
      std::function<void(const std::vector<std::string>& addresses, const std::string& problem)>;

  explicit NameLookup(EventLoop& loop);
  ~NameLookup();
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;

  // REQUIRES: !busy().
  void Start(const std::string& host, OnFound done);
  bool busy() const { return busy_; }

  // An address in digits needs no look-up.
  static bool IsNumeric(const std::string& host);

 private:
  struct Shared;
  void Deliver(const std::vector<std::string>& addresses, const std::string& problem);

  EventLoop& loop_;
  const std::shared_ptr<Shared> shared_;
  OnFound done_;
  bool busy_ = false;
};

}  // namespace tollgate::net
