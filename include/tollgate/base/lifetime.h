// Lifetime: makes callbacks that do nothing once their owner is gone. The owner has one as a member
// and guards its callbacks with it.
//
//     loop.Post(life_.Guard([this] { … }));
//
// Thread: the owner's. The callbacks run on it too.
#pragma once

#include <memory>
#include <utility>

namespace tollgate::base {

class Lifetime {
 public:
  Lifetime() = default;
  Lifetime(const Lifetime&) = delete;
  Lifetime& operator=(const Lifetime&) = delete;

  // `function` returns nothing.
  template <typename Function>
  auto Guard(Function function) const {
    return [function = std::move(function),
            alive = std::weak_ptr<const bool>(alive_)](auto&&... arguments) mutable {
      if (!alive.expired()) function(std::forward<decltype(arguments)>(arguments)...);
    };
  }

 private:
  const std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace tollgate::base
