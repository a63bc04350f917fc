// Answers at every split point: the same end, the same meaning, and never a byte too much.
#include "upstream/answer_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tollgate::upstream {
namespace {

using State = AnswerReader::State;

struct Row {
  const char* name;
  std::string bytes;
  State state;        // once all of it is there, or at its end
  size_t behind = 0;  // bytes that do not belong to this answer
  int status = 0;
  std::string body;
  bool keeps_alive = false;
  bool at_end = false;  // the other side closes after it
};

struct Ending {
  State state = State::kMore;
  size_t taken = 0;
};

// Feeds `bytes` in two pieces, or byte by byte.
Ending Feed(AnswerReader& reader, std::string_view bytes, size_t split, bool at_end) {
  std::vector<std::string> pieces;
  if (split == 0) {
    for (const char c : bytes) pieces.emplace_back(1, c);
  } else {
    pieces = {std::string(bytes.substr(0, split)), std::string(bytes.substr(split))};
  }
  Ending ending;
  for (const std::string& piece : pieces) {
    size_t taken = 0;
    ending.state = reader.Feed(piece, taken);
    ending.taken += taken;
    if (ending.state != State::kMore) return ending;
    EXPECT_EQ(taken, piece.size());
  }
  if (at_end) ending.state = reader.OnEnd();
  return ending;
}

class AnswerReaderTable : public ::testing::TestWithParam<Row> {};

TEST_P(AnswerReaderTable, EndsAlikeHoweverItIsSplit) {
  const Row& row = GetParam();
  AnswerReader reader;
  for (size_t split = 0; split <= row.bytes.size(); ++split) {
    reader.Reset();
    const Ending ending = Feed(reader, row.bytes, split, row.at_end);
    ASSERT_EQ(static_cast<int>(ending.state), static_cast<int>(row.state)) << "split " << split;
    ASSERT_EQ(reader.answer().status(), row.status) << "split " << split;
    if (row.state != State::kDone) continue;
    ASSERT_EQ(ending.taken, row.bytes.size() - row.behind) << "split " << split;
    ASSERT_EQ(reader.answer().body(), row.body) << "split " << split;
    ASSERT_EQ(reader.keeps_alive(), row.keeps_alive) << "split " << split;
  }
}

const std::string kOk = "HTTP/1.1 200 OK\r\n";

const Row kRows[] = {
    {.name = "Length",
     .bytes = kOk + "Content-Length: 2\r\n\r\nhi",
     .state = State::kDone,
     .status = 200,
     .body = "hi",
     .keeps_alive = true},
    {.name = "LengthInAnyCaseAndSpaces",
     .bytes = kOk + "cOnTeNt-LENGTH:   2  \r\n\r\nhi",
     .state = State::kDone,
     .status = 200,
     .body = "hi",
     .keeps_alive = true},
    {.name = "BareLineFeeds",
     .bytes = "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi",
     .state = State::kDone,
     .status = 200,
     .body = "hi",
     .keeps_alive = true},
    {.name = "BytesBehindAreLeft",
     .bytes = kOk + "Content-Length: 2\r\n\r\nhi" + kOk,
     .state = State::kDone,
     .behind = kOk.size(),
     .status = 200,
     .body = "hi",
     .keeps_alive = true},
    {.name = "LengthTwiceTheSame",
     .bytes = kOk + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
     .state = State::kDone,
     .status = 200,
     .body = "hi",
     .keeps_alive = true},
    {.name = "LengthTwice",
     .bytes = kOk + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
     .state = State::kBad,
     .status = 200},
    {.name = "LengthNegative",
     .bytes = kOk + "Content-Length: -2\r\n\r\nhi",
     .state = State::kBad,
     .status = 200},
    {.name = "LengthWithPlus",
     .bytes = kOk + "Content-Length: +2\r\n\r\nhi",
     .state = State::kBad,
     .status = 200},
    {.name = "LengthList",
     .bytes = kOk + "Content-Length: 2, 2\r\n\r\nhi",
     .state = State::kBad,
     .status = 200},
    {.name = "LengthHuge",
     .bytes = kOk + "Content-Length: 99999999999999999999999\r\n\r\nhi",
     .state = State::kBad,
     .status = 200},
    {.name = "LengthFolded",
     .bytes = kOk + "X: a\r\n Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
     .state = State::kBad,
     .status = 200},
    {.name = "LengthAndChunks",
     .bytes = kOk + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     .state = State::kBad,
     .status = 200},
    {.name = "OtherCoding",
     .bytes = kOk + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
     .state = State::kBad,
     .status = 200},
    {.name = "Chunks",
     .bytes = kOk + "Transfer-Encoding: Chunked\r\n\r\n2;x=y\r\nhi\r\nA\r\n0123456789\r\n0\r\n\r\n",
     .state = State::kDone,
     .status = 200,
     .body = "hi0123456789",
     .keeps_alive = true},
    {.name = "ChunksWithTrailers",
     .bytes = kOk + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nContent-Length: 9\r\n\r\nX",
     .state = State::kDone,
     .behind = 1,
     .status = 200,
     .body = "hi",
     .keeps_alive = true},
    {.name = "ChunkSizeNoNumber",
     .bytes = kOk + "Transfer-Encoding: chunked\r\n\r\nx\r\n",
     .state = State::kBad,
     .status = 200},
    {.name = "ChunkLongerThanItsSize",
     .bytes = kOk + "Transfer-Encoding: chunked\r\n\r\n2\r\nhip\r\n0\r\n\r\n",
     .state = State::kBad,
     .status = 200},
    {.name = "ChunksCut",
     .bytes = kOk + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
     .state = State::kBad,
     .status = 200,
     .at_end = true},
    {.name = "NoContent",
     .bytes = "HTTP/1.1 204 No Content\r\n\r\n",
     .state = State::kDone,
     .status = 204,
     .keeps_alive = true},
    {.name = "InterimFirst",
     .bytes = "HTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\nConnection: close\r\n\r\n" + kOk +
              "Content-Length: 2\r\n\r\nhi",
     .state = State::kDone,
     .status = 200,
     .body = "hi",
     .keeps_alive = true},
    {.name = "SwitchingProtocols",
     .bytes = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
     .state = State::kBad},
    {.name = "ToTheEnd",
     .bytes = kOk + "\r\nhi",
     .state = State::kDone,
     .status = 200,
     .body = "hi",
     .at_end = true},
    {.name = "BodyCut",
     .bytes = kOk + "Content-Length: 3\r\n\r\nhi",
     .state = State::kBad,
     .status = 200,
     .at_end = true},
    {.name = "HeadCut",
     .bytes = kOk + "Content-Le",
     .state = State::kBad,
     .status = 200,
     .at_end = true},
    {.name = "CloseAsked",
     .bytes = kOk + "Connection: x, Close\r\nContent-Length: 0\r\n\r\n",
     .state = State::kDone,
     .status = 200},
    {.name = "CloseAskedAndThenNot",
     .bytes = kOk + "Connection: close\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
     .state = State::kDone,
     .status = 200},
    {.name = "OldVersionCloses",
     .bytes = "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
     .state = State::kDone,
     .status = 200},
    {.name = "OldVersionKeepsAlive",
     .bytes = "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n",
     .state = State::kDone,
     .status = 200,
     .keeps_alive = true},
    {.name = "LongHeaderIsPassedOver",
     .bytes = kOk + "X-Long: " + std::string(3000, 'x') + "\r\nContent-Length: 2\r\n\r\nhi",
     .state = State::kDone,
     .status = 200,
     .body = "hi",
     .keeps_alive = true},
    {.name = "LengthBehindManySpaces",
     .bytes = kOk + "Content-Length: 2" + std::string(3000, ' ') + "2\r\n\r\nhi",
     .state = State::kBad,
     .status = 200},
    {.name = "NoStatus", .bytes = "HTTP/1.1 OK\r\n", .state = State::kBad},
    {.name = "Garbage", .bytes = "\x01\x02\x03\n", .state = State::kBad},
};

INSTANTIATE_TEST_SUITE_P(Answers, AnswerReaderTable, ::testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(AnswerReader, AHeadThatNeverEndsIsGivenUp) {
  AnswerReader reader;
  reader.Reset();
  size_t taken = 0;
  ASSERT_EQ(reader.Feed("HTTP/1.1 200 OK\r\n", taken), State::kMore);
  const std::string line = "X: " + std::string(1000, 'x') + "\r\n";
  int lines = 0;
  while (reader.Feed(line, taken) == State::kMore) ASSERT_LT(++lines, 100);
}

TEST(AnswerReader, InterimAnswersWithoutEndAreGivenUp) {
  AnswerReader reader;
  reader.Reset();
  size_t taken = 0;
  int answers = 0;
  while (reader.Feed("HTTP/1.1 100 Continue\r\n\r\n", taken) == State::kMore) {
    ASSERT_LT(++answers, 10'000);
  }
}

TEST(AnswerReader, ABodyBeyondAnyAnswerOfAProcessorIsGivenUp) {
  AnswerReader reader;
  reader.Reset();
  size_t taken = 0;
  EXPECT_EQ(reader.Feed(kOk + "Content-Length: 2000\r\n\r\n" + std::string(2000, 'x'), taken),
            State::kBad);
  EXPECT_EQ(reader.answer().status(), 200);
}

}  // namespace
}  // namespace tollgate::upstream
