// RedisSummaryCut: runs an acceptor's SummaryQuestions in Redis (docs/REDIS.md, "Channels"). It
// asks on the connection that reads the books, and hears answers on one of its own.
//
// Thread: one acceptor's loop.
// Owns: one connection, opened by Start unless summaries do not wait.
#pragma once

#include <cstdint>
#include <string>

#include "ledger/redis_command.h"
#include "ledger/redis_connection.h"
#include "ledger/summary_channels.h"
#include "ledger/summary_questions.h"
#include "tollgate/ledger/redis_options.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::ledger {

class RedisSummaryCut {
 public:
  // REQUIRES: `books`, the connection that reads them, outlives it.
  RedisSummaryCut(net::EventLoop& loop, const RedisOptions& options, RedisConnection& books);
  void Start();
  // Calls `then` when the books can be read. What it sends on `books` inside the call is read from
  // the cut.
  void Ask(SummaryQuestions::Then then);
  void OnBooksLost();
  // Summaries that wait.
  size_t waiting() const { return questions_.size(); }

 private:
  void Publish(QuestionMessage::Kind kind, uint64_t number, RedisConnection::OnReply on_reply);
  void Send(uint64_t number);
  void OnMessage(std::string_view text);
  void Arm();

  net::EventLoop& loop_;
  const RedisOptions options_;
  RedisConnection& books_;
  const uint64_t asker_;  // random: other askers' answers are on other channels
  SummaryQuestions questions_;
  RedisConnection answers_;
  RedisCommand command_;
  net::Timer timer_;
};

}  // namespace tollgate::ledger
