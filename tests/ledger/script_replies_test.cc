#include "ledger/script_replies.h"

#include <gtest/gtest.h>

#include <string>

#include "tollgate/base/random.h"

namespace tollgate::ledger {
namespace {

std::string ClaimReply(uint8_t verdict, uint8_t processor) {
  std::string reply(kClaimReplyBytes, '\0');
  reply[0] = static_cast<char>(verdict);
  reply[3] = static_cast<char>(processor);
  return reply;
}
std::string ElsewhereReply(uint8_t sign) {
  std::string reply = ClaimReply(3, 0);
  reply[14] = static_cast<char>(sign);
  reply.resize(kElsewhereReplyBytes);
  return reply;
}
std::string RecordReply(uint8_t verdict, uint8_t processor) {
  return {static_cast<char>(verdict), static_cast<char>(processor)};
}

TEST(ScriptReplies, AVerdictThatThereIsNotIsNoReply) {
  for (unsigned verdict = 0; verdict < 256; ++verdict) {
    if (verdict == kAsAsked || verdict == 3) continue;  // these have other lengths
    const auto byte = static_cast<uint8_t>(verdict);
    EXPECT_EQ(AreClaimReplies(ClaimReply(byte, 0), 1, 2), verdict < 7) << verdict;
    EXPECT_EQ(AreRecordReplies(RecordReply(byte, 0), 1, 2), verdict < 4) << verdict;
  }
}

TEST(ScriptReplies, WhoHasAClaimIsSaidInFull) {
  EXPECT_FALSE(AreClaimReplies(ClaimReply(3, 0), 1, 2));
  EXPECT_FALSE(AreClaimReplies(ElsewhereReply(0).substr(1), 1, 2));
  for (unsigned sign = 0; sign < 256; ++sign) {
    EXPECT_EQ(AreClaimReplies(ElsewhereReply(static_cast<uint8_t>(sign)), 1, 2), sign < 3) << sign;
  }
}

TEST(ScriptReplies, AProcessorThatTheCallerHasNotNamedIsNoReply) {
  for (unsigned code = 0; code < 256; ++code) {
    const auto byte = static_cast<uint8_t>(code);
    const bool there_is = code < 2 || code >= 31;  // one of two, none, or of the ledger's own
    EXPECT_EQ(AreClaimReplies(ClaimReply(0, byte), 1, 2), there_is) << code;
    EXPECT_EQ(AreRecordReplies(RecordReply(0, byte), 1, 2), there_is) << code;
  }
}

TEST(ScriptReplies, AreAsManyAsTheEntriesAndNotAByteMore) {
  const std::string one(1, static_cast<char>(kAsAsked));
  EXPECT_TRUE(AreClaimReplies(one + ClaimReply(1, 0) + one, 3, 1));
  EXPECT_FALSE(AreClaimReplies(one + ClaimReply(1, 0) + one, 2, 1));
  EXPECT_FALSE(AreClaimReplies(one + ClaimReply(1, 0) + one, 4, 1));
  EXPECT_FALSE(AreClaimReplies(one + ClaimReply(1, 0).substr(1), 2, 1));
  EXPECT_FALSE(AreRecordReplies(RecordReply(0, 0) + "x", 1, 1));
  EXPECT_FALSE(AreRecordReplies(RecordReply(0, 0), 2, 1));
}

TEST(ScriptReplies, AnyBytesAreJudgedWithoutReadingPastTheirEnd) {
  base::Random random(1);
  for (int i = 0; i < 100'000; ++i) {
    std::string bytes(random.Below(64), '\0');
    const uint64_t mask = random.OneIn(2) ? 7 : 255;
    for (char& byte : bytes) byte = static_cast<char>(random.Next() & mask);
    const size_t entries = random.Below(8);
    const size_t names = random.Below(32);
    EXPECT_TRUE(!AreClaimReplies(bytes, entries, names) || bytes.size() >= entries);
    EXPECT_TRUE(!AreRecordReplies(bytes, entries, names) || bytes.size() == 2 * entries);
    EXPECT_LE(LedgerName(static_cast<uint8_t>(random.Below(256)), bytes).size(), bytes.size());
  }
}

TEST(ScriptReplies, ACodeWithoutANameHasNone) {
  EXPECT_EQ(LedgerName(32, "a\nb"), "a");
  EXPECT_EQ(LedgerName(33, "a\nb"), "b");
  EXPECT_EQ(LedgerName(34, "a\nb"), "");
  EXPECT_EQ(LedgerName(255, "a\nb"), "");
  EXPECT_EQ(LedgerName(32, ""), "");
}

}  // namespace
}  // namespace tollgate::ledger
