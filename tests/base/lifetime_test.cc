#include "tollgate/base/lifetime.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>

namespace tollgate::base {
namespace {

TEST(Lifetime, AGuardedCallbackRunsWhileItsOwnerLives) {
  std::optional<Lifetime> life;
  life.emplace();
  int sum = 0;
  const std::function<void(int)> add = life->Guard([&sum](int number) { sum += number; });
  add(1);
  add(2);
  EXPECT_EQ(sum, 3);
  life.reset();
  add(4);
  EXPECT_EQ(sum, 3);
}

TEST(Lifetime, CallbacksOfOneOwnerDoNotEndWithAnothers) {
  Lifetime life;
  int calls = 0;
  const std::function<void()> call = life.Guard([&calls] { ++calls; });
  { const Lifetime other; }
  call();
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace tollgate::base
