// RedisSession: a connection to Redis for a command that waits for its answers.
//
// Thread: one.
// Owns: its loop and connection.
#pragma once

#include <hiredis/hiredis.h>

#include <functional>
#include <string>

#include "ledger/redis_command.h"
#include "ledger/redis_connection.h"
#include "tollgate/base/result.h"
#include "tollgate/ledger/redis_options.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::ledger::copy {

class RedisSession {
 public:
  explicit RedisSession(const RedisOptions& options);

  // Waits for the connection, and completes a change that an error cut off. Later calls do nothing.
  base::Status Open();
  using OnReply = std::function<void(const redisReply& reply)>;
  // Sends a command; `use` is called inside a later call, unless it fails. A command after the
  // first failure is not sent.
  void Send(const RedisCommand& command, OnReply use);
  // Waits for all answers. An error: one command failed.
  base::Status Wait();

  std::string Key(std::string_view rest) const { return options_.prefix + std::string(rest); }
  const RedisOptions& options() const { return options_; }
  RedisCommand& command() { return command_; }

 private:
  void Fail(const std::string& why);

  const base::SystemClock clock_;
  net::EventLoop loop_{clock_};
  RedisOptions options_;
  std::string told_;     // the last problem of the connection
  std::string problem_;  // of the first command that failed
  RedisConnection connection_;
  RedisCommand command_;
  bool opened_ = false;
};

}  // namespace tollgate::ledger::copy
