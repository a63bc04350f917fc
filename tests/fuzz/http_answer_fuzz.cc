// Any bytes as a processor's answer: no crash, never a byte beyond the answer's end, and the same
// end for every split.
#include <algorithm>
#include <cstdint>
#include <string>

#include "tollgate/base/assert.h"
#include "upstream/answer_reader.h"

namespace {

using tollgate::upstream::AnswerReader;

struct Ending {
  AnswerReader::State state = AnswerReader::State::kMore;
  size_t taken = 0;
  int status = 0;
  std::string body;
  bool keeps_alive = false;
  bool operator==(const Ending&) const = default;
};

Ending Run(const std::string& input, size_t step) {
  AnswerReader reader;
  reader.Reset();
  Ending ending;
  while (ending.taken < input.size() && ending.state == AnswerReader::State::kMore) {
    const std::string piece = input.substr(ending.taken, step);
    size_t taken = 0;
    ending.state = reader.Feed(piece, taken);
    TG_ASSERT(taken <= piece.size());
    TG_ASSERT(ending.state != AnswerReader::State::kMore || taken == piece.size());
    ending.taken += taken;
  }
  ending.status = reader.answer().status();
  if (ending.state == AnswerReader::State::kDone) {
    ending.body = reader.answer().body();
    ending.keeps_alive = reader.keeps_alive();
  } else {
    ending.taken = 0;  // where a bad answer is given up depends on the pieces
  }
  return ending;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const Ending whole = Run(input, std::max<size_t>(size, 1));
  for (const size_t step : {1U, 2U, 7U, 300U}) TG_ASSERT(Run(input, step) == whole);
  return 0;
}
