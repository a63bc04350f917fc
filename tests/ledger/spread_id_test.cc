#include "ledger/spread_id.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tollgate/base/random.h"

namespace tollgate::ledger {
namespace {

struct Kind {
  std::string name;
  std::function<payments::Uuid(uint64_t number, base::Random& random)> make;
};

// Ids as the gateways' clients make them, a few per millisecond (RFC 9562, section 5).
const std::vector<Kind>& Kinds() {
  static constexpr uint64_t kMs = 1'752'583'000'000;
  static constexpr uint64_t kTicks = 0x1EC9414C232AB00U;  // of 100 ns, since 1582
  static constexpr uint64_t kNode = 0x9E6BDECED846U;
  static const std::vector<Kind> kinds{
      {"v4",
       [](uint64_t, auto& random) {
         return payments::Uuid{random.Next(), random.Next()};
       }},
      {"v1",
       [](uint64_t n, auto&) {
         const uint64_t t = kTicks + n * 3'000;
         return payments::Uuid{t << 32U | (t >> 32U & 0xFFFFU) << 16U | 0x1000U | t >> 48U, kNode};
       }},
      {"v6",
       [](uint64_t n, auto&) {
         const uint64_t t = kTicks + n * 3'000;
         return payments::Uuid{(t >> 12U) << 16U | 0x6000U | (t & 0xFFFU), kNode};
       }},
      {"v7",
       [](uint64_t n, auto& random) {
         return payments::Uuid{(kMs + n / 3) << 16U | 0x7000U | random.Below(4'096), random.Next()};
       }},
      {"v7 with a counter",
       [](uint64_t n, auto&) {
         return payments::Uuid{(kMs + n / 3) << 16U | 0x7000U | n % 3, 0x8000'0000'0000'0001U};
       }},
      {"counting in front",
       [](uint64_t n, auto&) {
         return payments::Uuid{n, 0};
       }},
      {"counting at the end",
       [](uint64_t n, auto&) {
         return payments::Uuid{0, n};
       }},
      {"counting in both",
       [](uint64_t n, auto&) {
         return payments::Uuid{n, n};
       }},
      {"counting in steps", [](uint64_t n, auto&) {
         return payments::Uuid{n << 40U, n << 40U};
       }}};
  return kinds;
}

TEST(SpreadId, IdsOfEveryKindFillTheBucketsAlike) {
  base::Random random(3);
  for (const Kind& kind : Kinds()) {
    SCOPED_TRACE(kind.name);
    std::vector<int> buckets(4'096);
    for (uint64_t n = 0; n < 16 * buckets.size(); ++n) {
      ++buckets[Spread(kind.make(n, random)).high >> 52U];
    }
    // The mean is 16: it is very unlikely that a bucket has more than 40, or none.
    for (const int held : buckets) {
      EXPECT_GT(held, 0);
      EXPECT_LT(held, 45);
    }
  }
}

TEST(SpreadId, ItCanBeUndone) {
  base::Random random(4);
  for (const Kind& kind : Kinds()) {
    for (uint64_t n = 0; n < 1'000; ++n) {
      const payments::Uuid id = kind.make(n, random);
      EXPECT_EQ(Unspread(Spread(id)), id);
    }
  }
}

// Every later version must find what is on the books.
TEST(SpreadId, ItIsAlwaysTheSame) {
  EXPECT_EQ(Spread({0x0123'4567'89AB'CDEF, 0xFEDC'BA98'7654'3210}),
            (payments::Uuid{0x13432EA648FACC27, 0xEBA6829FD2DB988D}));
}

}  // namespace
}  // namespace tollgate::ledger
