// AnswerReader: where an HTTP/1.1 answer ends, and its status. Cheap for a server that gives the
// same answer again and again, which is then one comparison.
//
// Thread: one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tollgate::bench {

struct Answer {
  int status = 0;    // 0: not complete yet; -1: not an answer that this reads
  size_t bytes = 0;  // of head and body
};

class AnswerReader {
 public:
  // `input` begins with an answer. Bodies by Content-Length only.
  Answer Read(std::string_view input);

 private:
  std::string last_;
  int last_status_ = 0;
};

}  // namespace tollgate::bench
