// NameLookup: resolves a host's name to its addresses. It uses a thread of its own, because the C
// library's resolver blocks for seconds when no name server answers.
//
// Thread: the loop's.
// Owns: one thread while a look-up runs. The thread may safely outlive this object.
// Invariants: one look-up at a time. Its callback runs on the loop, never inside Start, and never
// after the destructor.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tollgate/net/event_loop.h"

namespace tollgate::net {

class NameLookup {
 public:
  // Takes numeric addresses in the resolver's order. If there are none, `problem` says why.
  using OnFound =
      std::function<void(const std::vector<std::string>& addresses, const std::string& problem)>;

  explicit NameLookup(EventLoop& loop);
  ~NameLookup();
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;

  // REQUIRES: !busy().
  void Start(const std::string& host, OnFound done);
  bool busy() const { return busy_; }

  // True for a numeric address, which needs no look-up.
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
