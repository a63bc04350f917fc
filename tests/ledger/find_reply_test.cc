#include "ledger/find_reply.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <string>

namespace tollgate::ledger {
namespace {

redisReply Integer(int64_t number) {
  redisReply reply{};
  reply.type = REDIS_REPLY_INTEGER;
  reply.integer = number;
  return reply;
}

redisReply Text(std::string& text) {
  redisReply reply{};
  reply.type = REDIS_REPLY_STRING;
  reply.str = text.data();
  reply.len = text.size();
  return reply;
}

class FindReplyTest : public ::testing::Test {
 protected:
  // What find.lua answers for this state.
  std::optional<std::optional<BookEntry>> Read(int64_t state, size_t elements = 8) {
    return Read(Integer(state), elements);
  }
  std::optional<std::optional<BookEntry>> Read(const redisReply& state, size_t elements = 8) {
    std::array<redisReply, 8> parts{state,        Integer(3), Text(name_), Text(at_),
                                    Text(cents_), Integer(1), Integer(1),  Integer(9)};
    std::array<redisReply*, 8> pointers{};
    for (size_t i = 0; i < parts.size(); ++i) pointers[i] = &parts[i];
    redisReply reply{};
    reply.type = REDIS_REPLY_ARRAY;
    reply.elements = elements;
    reply.element = pointers.data();
    return ReadFindReply(reply, directory_);
  }

  payments::ProcessorDirectory directory_{{"default"}};
  std::string name_ = "fallback", at_ = "1752582896123", cents_ = "1990";
};

TEST_F(FindReplyTest, AnEntryHasEachOfItsFields) {
  const auto answer = Read(2);
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ(**answer, (BookEntry{.state = EntryState::kRejected,
                                 .amount_cents = 1990,
                                 .processor = 1,
                                 .requested_at_ms = 1'752'582'896'123,
                                 .attempt = 3,
                                 .reason = payments::RejectReason::kConflict,
                                 .counted = true,
                                 .epoch = 9}));
  EXPECT_EQ(directory_.Name(1), "fallback");
}

TEST_F(FindReplyTest, AStateThatThereIsNotIsNoAnswer) {
  for (const int64_t state : {0, 1, 2}) {
    const auto answer = Read(state);
    ASSERT_TRUE(answer && *answer) << state;
    EXPECT_EQ(static_cast<int64_t>((*answer)->state), state);
  }
  for (const int64_t state :
       {int64_t{-1}, int64_t{3}, int64_t{256}, int64_t{257}, std::numeric_limits<int64_t>::min(),
        std::numeric_limits<int64_t>::max()}) {
    EXPECT_FALSE(EntryStateFrom(state)) << state;
    EXPECT_FALSE(Read(state)) << state;
  }
  std::string text = "booked";
  EXPECT_FALSE(Read(Text(text))) << "no number, which would read as 0";
}

// The difference is one between 404 and 503 for a client.
TEST_F(FindReplyTest, OnlyNilMeansThatTheBooksDoNotKnowTheId) {
  redisReply nil{};
  nil.type = REDIS_REPLY_NIL;
  const auto answer = ReadFindReply(nil, directory_);
  ASSERT_TRUE(answer);
  EXPECT_FALSE(*answer);
  EXPECT_FALSE(Read(0, 7));
  EXPECT_FALSE(ReadFindReply(Integer(0), directory_));
}

}  // namespace
}  // namespace tollgate::ledger
