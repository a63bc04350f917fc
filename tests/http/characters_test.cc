// The checks of eight characters at once say what the tables say, for every character at every
// place.
#include "http/characters.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <string_view>

namespace tollgate::http {
namespace {

template <uint8_t kClass>
void ExpectAsByTable(std::string_view text) {
  ASSERT_EQ(AllOf<kClass>(text), AllOfByTable(text, kClass)) << testing::PrintToString(text);
}

void ExpectAllClassesAsByTable(std::string_view text) {
  ASSERT_NO_FATAL_FAILURE(ExpectAsByTable<kToken>(text));
  ASSERT_NO_FATAL_FAILURE(ExpectAsByTable<kField>(text));
  ASSERT_NO_FATAL_FAILURE(ExpectAsByTable<kTarget>(text));
  ASSERT_NO_FATAL_FAILURE(ExpectAsByTable<kHost>(text));
}

// A copy of its own size, so that AddressSanitizer sees a read beyond it.
std::string Tight(std::string_view text) {
  std::string copy(text);
  copy.shrink_to_fit();
  return copy;
}

TEST(Characters, EveryCharacterAtEveryPlaceIsJudgedAsByTheTable) {
  for (size_t size = 0; size <= 20; ++size) {
    for (size_t place = 0; place < size; ++place) {
      for (int character = 0; character < 256; ++character) {
        std::string text(size, 'a');
        text[place] = static_cast<char>(character);
        ASSERT_NO_FATAL_FAILURE(ExpectAllClassesAsByTable(Tight(text)));
      }
    }
  }
}

TEST(Characters, EveryPairOfCharactersIsJudgedAsByTheTable) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      std::string text("Aa0-Zz9.");
      text[2] = static_cast<char>(first);
      text[3] = static_cast<char>(second);
      ASSERT_NO_FATAL_FAILURE(ExpectAllClassesAsByTable(text));
    }
  }
}

RC_GTEST_PROP(Characters, AnyTextIsJudgedAsByTheTable, (const std::string& text)) {
  RC_ASSERT(AllOf<kToken>(text) == AllOfByTable(text, kToken));
  RC_ASSERT(AllOf<kField>(text) == AllOfByTable(text, kField));
  RC_ASSERT(AllOf<kTarget>(text) == AllOfByTable(text, kTarget));
  RC_ASSERT(AllOf<kHost>(text) == AllOfByTable(text, kHost));
}

TEST(Characters, AFieldIsNamedInEitherCase) {
  for (const std::string_view lower :
       {"host", "expect", "connection", "content-length", "transfer-encoding"}) {
    std::string name(lower);
    EXPECT_TRUE(IsNamed(name, lower));
    for (char& c : name) {
      if (c != '-') c = static_cast<char>(c - 0x20);
    }
    EXPECT_TRUE(IsNamed(name, lower)) << name;
    EXPECT_FALSE(IsNamed(name + "x", lower));
    for (size_t place = 0; place < lower.size(); ++place) {
      for (int character = 0; character < 256; ++character) {
        std::string other(lower);
        other[place] = static_cast<char>(character);
        if (!AllOfByTable(other, kToken)) continue;
        ASSERT_EQ(IsNamed(other, lower), EqualsIgnoringCase(other, lower)) << other;
      }
    }
  }
}

}  // namespace
}  // namespace tollgate::http
