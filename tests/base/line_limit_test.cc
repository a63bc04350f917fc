#include "tollgate/base/line_limit.h"

#include <gtest/gtest.h>

#include <vector>

namespace tollgate::base {
namespace {

class LineLimitTest : public ::testing::Test {
 protected:
  using Lines = std::vector<std::string>;
  Lines Told() { return std::exchange(lines_, {}); }

  ManualClock clock_;
  Lines lines_;
  LineLimit limit_{clock_, [this](int level, std::string_view line) {
                     lines_.push_back(std::to_string(level) + " " + std::string(line));
                   }};
};

TEST_F(LineLimitTest, OneLineOfAKindInAnIntervalAndThenTheCount) {
  for (int i = 0; i < 317; ++i) {
    limit_.Report(2, "payment " + std::to_string(i) + " of p1 is refused");
    clock_.AdvanceMillis(10);
    limit_.ReportHeldBack();
  }
  EXPECT_EQ(Told(), (Lines{"2 payment 0 of p1 is refused"}));
  clock_.AdvanceMillis(10'000 - 3'170);
  limit_.ReportHeldBack();
  EXPECT_EQ(Told(), (Lines{"2 payment 316 of p1 is refused (317 times in the last 10 s)"}));
  // The line with the count belongs to its interval.
  limit_.Report(2, "payment 400 of p1 is refused");
  EXPECT_EQ(Told(), Lines{});
  clock_.AdvanceMillis(10'000);
  limit_.ReportHeldBack();
  EXPECT_EQ(Told(), (Lines{"2 payment 400 of p1 is refused"}));
  clock_.AdvanceMillis(10'000);
  limit_.ReportHeldBack();
  EXPECT_EQ(Told(), Lines{});
  limit_.Report(2, "payment 500 of p1 is refused");
  EXPECT_EQ(Told(), (Lines{"2 payment 500 of p1 is refused"}));
}

TEST_F(LineLimitTest, OtherKindsPassAndTheLastWordIsTheLastOne) {
  for (int i = 0; i < 3; ++i) {
    limit_.Report(1, "p1 is used");
    limit_.Report(2, "p1 is passed over");
    limit_.Report(1, "p2 is used");
  }
  limit_.Report(1, "p1 is used");
  EXPECT_EQ(Told(), (Lines{"1 p1 is used", "2 p1 is passed over", "1 p2 is used"}));
  clock_.AdvanceMillis(20'000);
  // Also if nothing is reported meanwhile.
  limit_.Report(1, "p2 is used");
  EXPECT_EQ(Told(), (Lines{"1 p2 is used (3 times in the last 20 s)"}));
  limit_.ReportHeldBack();
  EXPECT_EQ(Told(), (Lines{"2 p1 is passed over (3 times in the last 20 s)",
                           "1 p1 is used (4 times in the last 20 s)"}));
}

TEST_F(LineLimitTest, WhoeverMayTellMoreOfAKindDoes) {
  for (int i = 0; i < 5; ++i) limit_.Report(2, "double charge: " + std::to_string(i), 3);
  EXPECT_EQ(Told(), (Lines{"2 double charge: 0", "2 double charge: 1", "2 double charge: 2"}));
  limit_.ReportHeldBack(true);
  EXPECT_EQ(Told(), (Lines{"2 double charge: 4 (5 times in the last 1 s)"}));
}

// With any lines that clients can cause.
TEST_F(LineLimitTest, KindsAreBoundedAndRoomIsMadeByThoseThatAreSilent) {
  const auto word = [](int i) {
    std::string text = "x";
    for (; i != 0; i /= 20) text += static_cast<char>('g' + i % 20);
    return text;
  };
  for (int i = 0; i < 20'000; ++i) limit_.Report(2, word(i));
  EXPECT_EQ(Told().size(), 65U);
  clock_.AdvanceMillis(10'000);
  limit_.ReportHeldBack();
  EXPECT_EQ(Told(), (Lines{"2 " + word(19'999) + " (19936 times in the last 10 s)"}));
  for (int i = 0; i < 64; ++i) limit_.Report(2, "new" + word(i));
  EXPECT_EQ(Told().size(), 63U);
}

TEST(KindOf, IsWhatLinesOfOneProblemHaveInCommon) {
  const std::pair<const char*, const char*> kinds[] = {
      {"rejected: 4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3 at p1, attempt 12",
       "rejected: # at p1, attempt #"},
      {"rejected: abcdefab-cdef-abcd-efab-cdefabcdefab at p1, attempt 1",
       "rejected: # at p1, attempt #"},
      {"redis: 127.0.0.1:6379 is away (no answer within 900ms)",
       "redis: #.#.#.#:# is away (no answer within #)"},
      {"script deadbeefdeadbeefdeadbeefdeadbeefdeadbeef", "script #"},
      {"the health of default is bad", "the health of default is bad"},
      {"", ""},
      {"4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3", "#"},
  };
  for (const auto& [text, kind] : kinds) EXPECT_EQ(KindOf(text), kind);
  EXPECT_EQ(KindOf(std::string(10'000, 'x')).size(), 200U);
  EXPECT_EQ(KindOf(std::string(10'000, '-')).size(), 200U);
}

}  // namespace
}  // namespace tollgate::base
