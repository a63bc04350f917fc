#include "ledger/reply_arena.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::ledger {
namespace {

// A reply in one line: [a [1 nil] ERR!]
std::string Show(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      return std::string(reply.str, reply.len);
    case REDIS_REPLY_ERROR:
      return std::string(reply.str, reply.len) + "!";
    case REDIS_REPLY_INTEGER:
      return std::to_string(reply.integer);
    case REDIS_REPLY_NIL:
      return "nil";
    default: {
      std::string text = "[";
      for (size_t i = 0; i < reply.elements; ++i) {
        text += (i == 0 ? "" : " ") + Show(*reply.element[i]);
      }
      return text + "]";
    }
  }
}

class ReplyArenaTest : public ::testing::Test {
 protected:
  ReplyArenaTest() { arena_.Serve(*reader_); }
  ~ReplyArenaTest() override { redisReaderFree(reader_); }

  // Feeds `input` and returns the replies that are complete then.
  std::vector<std::string> Feed(std::string_view input) {
    EXPECT_EQ(redisReaderFeed(reader_, input.data(), input.size()), REDIS_OK);
    std::vector<std::string> replies;
    for (;;) {
      void* reply = nullptr;
      EXPECT_EQ(redisReaderGetReply(reader_, &reply), REDIS_OK);
      if (reply == nullptr) return replies;
      replies.push_back(Show(*static_cast<redisReply*>(reply)));
      places_.insert(reply);
      reader_->fn->freeObject(reply);
    }
  }

  ReplyArena arena_;
  redisReader* reader_ = redisReaderCreate();
  std::set<void*> places_;  // of the replies
};

TEST_F(ReplyArenaTest, BuildsWhatHiredisWouldAtAnySplit) {
  using std::string_view_literals::operator""sv;  // a text contains a zero
  constexpr std::string_view input =
      "+OK\r\n$4\r\na\0bc\r\n*4\r\n:-7\r\n*2\r\n$-1\r\n$0\r\n\r\n-ERR no\r\n*0\r\n*-1\r\n"sv;
  const std::vector<std::string> expected{"OK", std::string("a\0bc"sv), "[-7 [nil ] ERR no! []]",
                                          "nil"};
  for (size_t split = 0; split <= input.size(); ++split) {
    std::vector<std::string> replies = Feed(input.substr(0, split));
    for (std::string& reply : Feed(input.substr(split))) replies.push_back(std::move(reply));
    ASSERT_EQ(replies, expected) << "split at " << split;
  }
}

TEST_F(ReplyArenaTest, LongRepliesAndShortOnesTakeTurns) {
  for (size_t elements : {3U, 1'500U, 1U, 500U}) {
    std::string input = "*" + std::to_string(elements) + "\r\n";
    std::string expected = "[";
    for (size_t i = 0; i < elements; ++i) {
      const std::string text(i % 50, static_cast<char>('a' + i % 26));
      input += "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
      expected += (i == 0 ? "" : " ") + text;
    }
    ASSERT_EQ(Feed(input), std::vector<std::string>{expected + "]"});
  }
  EXPECT_EQ(places_.size(), 1U) << "each takes the place of the one before";
}

TEST_F(ReplyArenaTest, AReplyThatNeverEndsIsFreedWithItsReader) {
  EXPECT_TRUE(Feed("*3\r\n$5\r\nabcde\r\n*2\r\n:1\r\n").empty());
}

}  // namespace
}  // namespace tollgate::ledger
