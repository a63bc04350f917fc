// RedisCommand: one command in the wire format of the Redis protocol (RESP 2), built in a buffer
// that is reused.
//
// Thread: one at a time.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>

namespace tollgate::ledger {

class RedisCommand {
 public:
  // Begins a command of `arguments` arguments, including its name.
  RedisCommand& Begin(size_t arguments) {
    text_.clear();
    Number('*', arguments);
    return *this;
  }
  RedisCommand& Add(std::string_view argument) {
    Number('$', argument.size());
    text_ += argument;
    text_ += "\r\n";
    return *this;
  }
  std::string_view text() const { return text_; }

 private:
  void Number(char kind, size_t number) {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    text_ += kind;
    text_.append(digits.data(), end);
    text_ += "\r\n";
  }
  std::string text_;
};

}  // namespace tollgate::ledger
