#include "bench/load/answer.h"

#include <gtest/gtest.h>

#include <string>

namespace tollgate::bench {
namespace {

TEST(AnswerReader, ReadsStatusAndLength) {
  AnswerReader reader;
  const std::string empty = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
  const std::string body = "HTTP/1.1 400 Bad Request\r\nX: y\r\ncontent-length:  3\r\n\r\nabc";
  const std::string bare = "HTTP/1.1 204 No Content\r\n\r\n";
  for (int i = 0; i < 2; ++i) {  // the second time from its memory
    EXPECT_EQ(reader.Read(empty).status, 202);
    EXPECT_EQ(reader.Read(empty).bytes, empty.size());
    EXPECT_EQ(reader.Read(body).status, 400);
    EXPECT_EQ(reader.Read(body).bytes, body.size());
    EXPECT_EQ(reader.Read(bare).status, 204);
  }
}

TEST(AnswerReader, WaitsForTheRestAtEverySplit) {
  const std::string whole = "HTTP/1.1 503 Full\r\nContent-Length: 5\r\n\r\nlater";
  AnswerReader reader;
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(reader.Read(std::string_view(whole).substr(0, size)).status, 0) << size;
  }
  EXPECT_EQ(reader.Read(whole + "HTTP/1.1").bytes, whole.size());
}

TEST(AnswerReader, RefusesWhatIsNone) {
  AnswerReader reader;
  EXPECT_EQ(reader.Read("SSH-2.0-x\r\n\r\n").status, -1);
  EXPECT_EQ(reader.Read("HTTP/1.1 202 A\r\nContent-Length: x\r\n\r\n").status, -1);
}

}  // namespace
}  // namespace tollgate::bench
