#include "processor_sim/rounding.h"

#include <gtest/gtest.h>

namespace tollgate::sim {
namespace {

TEST(RoundToCents, HalfGoesToTheEvenCent) {
  struct Case {
    const char* text;
    int64_t cents;
  };
  for (const Case& c : {Case{"19.90", 1990},
                        Case{"20", 2000},
                        Case{"1e2", 10'000},
                        Case{"1.5E-1", 15},
                        Case{"19.985", 1998},
                        Case{"19.975", 1998},
                        Case{"0.125", 12},
                        Case{"0.135", 14},
                        Case{"0.1350000", 14},
                        Case{"0.13500001", 14},
                        Case{"0.12500001", 13},
                        Case{"0.124999", 12},
                        Case{"0.005", 0},
                        Case{"0.015", 2},
                        Case{"0.0051", 1},
                        Case{"0.001", 0},
                        Case{"0", 0},
                        Case{"12345e-3", 1234},
                        Case{"12355e-3", 1236},
                        Case{"5e-3", 0},
                        Case{"50e-4", 0},
                        Case{"6e-3", 1},
                        Case{"1e-9", 0},
                        Case{"9999999999.99", 999'999'999'999},
                        Case{"9999999999.985", 999'999'999'998}}) {
    EXPECT_EQ(RoundToCents(c.text), c.cents) << c.text;
  }
}

TEST(RoundToCents, WhatIsNoAmountIsRefused) {
  for (const char* text :
       {"", "x", "-1", "01", "1.", ".5", "1e", "10000000000", "1e400", "1e-4000"}) {
    EXPECT_FALSE(RoundToCents(text)) << text;
  }
}

}  // namespace
}  // namespace tollgate::sim
