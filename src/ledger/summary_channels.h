// The channels of questions about summaries, and their messages (docs/REDIS.md, "Channels").
//
// Thread: pure functions.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tollgate/ledger/record_barrier.h"
#include "tollgate/ledger/redis_options.h"

namespace tollgate::ledger {

// All workers of a fleet listen here. A channel belongs to no database, so its name says which.
inline std::string QuestionChannel(const RedisOptions& options) {
  return options.prefix + "summaries:" + std::to_string(options.database);
}
// Where one acceptor listens for answers.
inline std::string AnswerChannel(const RedisOptions& options, uint64_t asker) {
  return QuestionChannel(options) + ":" + std::to_string(asker);
}

struct QuestionMessage {
  enum class Kind : char { kAsked = 'a', kDone = 'd' };
  Kind kind = Kind::kAsked;
  QuestionId question;
  uint64_t wait_ms = 0;  // how long the asker waits
};
struct AnswerMessage {
  uint64_t number = 0;
  bool complete = false;
};

// "a" or "d", then the asker, the number and the wait, in decimal, with blanks between.
inline std::string TextOf(const QuestionMessage& message) {
  return std::string(1, static_cast<char>(message.kind)) + ' ' +
         std::to_string(message.question.asker) + ' ' + std::to_string(message.question.number) +
         ' ' + std::to_string(message.wait_ms);
}
// The number, a blank, and 1 or 0.
inline std::string TextOf(const AnswerMessage& message) {
  return std::to_string(message.number) + (message.complete ? " 1" : " 0");
}

// A decimal number from the beginning of `text`, which loses it and the blank behind it.
inline std::optional<uint64_t> TakeNumber(std::string_view& text) {
  uint64_t number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end.ec != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end.ptr - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  return number;
}

// Nothing: it is no such message.
inline std::optional<QuestionMessage> QuestionFrom(std::string_view text) {
  if (!text.starts_with("a ") && !text.starts_with("d ")) return std::nullopt;
  const auto kind = text[0] == 'a' ? QuestionMessage::Kind::kAsked : QuestionMessage::Kind::kDone;
  text.remove_prefix(2);
  const auto asker = TakeNumber(text);
  const auto number = TakeNumber(text);
  const auto wait_ms = TakeNumber(text);
  if (!asker || !number || !wait_ms || !text.empty()) return std::nullopt;
  return QuestionMessage{
      .kind = kind, .question = {.asker = *asker, .number = *number}, .wait_ms = *wait_ms};
}
inline std::optional<AnswerMessage> AnswerFrom(std::string_view text) {
  const auto number = TakeNumber(text);
  const auto complete = TakeNumber(text);
  if (!number || !complete || *complete > 1 || !text.empty()) return std::nullopt;
  return AnswerMessage{.number = *number, .complete = *complete == 1};
}

}  // namespace tollgate::ledger
