// RedisConnection: one connection to Redis on an event loop. It adds what hiredis 0.14 lacks:
// deadlines, reconnects with back-off and jitter, and a hand-shake. It is ready only if the server
// is a primary that evicts no keys (noeviction). Its role is checked again every role_interval_ms.
//
// Thread: the loop's.
// Owns: the hiredis context.
// Invariants: every call's callback runs exactly once, with null if the connection was lost first
// (the command may or may not have been executed).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/deadline_queue.h"
#include "ledger/redis_command.h"
#include "ledger/reply_arena.h"
#include "tollgate/base/backoff.h"
#include "tollgate/base/lifetime.h"
#include "tollgate/base/random.h"
#include "tollgate/ledger/redis_options.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/net/name_lookup.h"

struct redisAsyncContext;
struct redisReply;

namespace tollgate::ledger {

// What the hand-shake found out.
struct RedisFacts {
  std::string run_id;
  std::string replication_id;  // changes when a replica is promoted
  int64_t uptime_s = 0;
  std::string eviction_policy;
};

// Members: one connection's life in one place: address, hand-shake, time-outs, reconnecting,
// reports.
class RedisConnection final : public net::EventHandler {
 public:
  using OnReply = std::function<void(const redisReply* reply)>;
  using OnMessage = std::function<void(std::string_view text)>;

  struct Events {
    std::function<void(const RedisFacts& facts)> on_ready;
    std::function<void()> on_lost;  // after the callbacks of all calls
  };

  // `scripts` are loaded at each connect; Begin takes the index of one.
  RedisConnection(net::EventLoop& loop, const RedisOptions& options,
                  std::vector<std::string_view> scripts, Events events);
  ~RedisConnection() override;
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  void Start();
  bool ready() const { return state_ == State::kReady; }
  bool listening() const { return state_ == State::kListening; }
  // Calls without an answer yet.
  size_t outstanding() const { return deadlines_.size(); }
  // Begins `command` as a call of script number `script` with `arguments` arguments, which the
  // caller adds. Its key is the prefix.
  RedisCommand& Begin(RedisCommand& command, size_t script, size_t arguments) const {
    return command.Begin(4 + arguments)
        .Add("EVALSHA")
        .Add(shas_[script])
        .Add("1")
        .Add(options_.prefix);
  }

  // REQUIRES: ready().
  void Call(const RedisCommand& command, OnReply on_reply);
  // Queues a command that is written together with the next Call(), whose deadline covers it. Used
  // for the commands of a transaction before its EXEC.
  // REQUIRES: ready().
  void Queue(const RedisCommand& command, OnReply on_reply);
  // Queues ROLE before a call that reads, in the same write. The call is answered only if the
  // server was a primary at that moment; else the connection is lost first. Calls that write need
  // it less, because a replica refuses them.
  // REQUIRES: ready().
  void AskRole();
  // Subscribes to `channel`, whose messages come to `on_message` until the connection is lost. From
  // now on it is not ready(), for a subscribed connection takes no calls (RESP 2). `on_subscribed`
  // is called once the server hears of it. REQUIRES: ready(), no call without an answer.
  void Listen(const std::string& channel, std::function<void()> on_subscribed,
              OnMessage on_message);
  // Ends the connection as if it had been lost, for a server that refuses calls or sends invalid
  // answers. It reconnects by itself, with a longer delay each time until a call succeeds.
  void Drop(const std::string& why);

  // True for an error of the server's present state ("not now"), not of the command: NOSCRIPT,
  // LOADING, OOM, MISCONF, READONLY, BUSY, missing rights and similar ones.
  static bool IsNotNow(const redisReply& reply);

 private:
  enum class State : uint8_t { kIdle, kConnecting, kShakingHands, kReady, kListening };
  struct Pending {
    RedisConnection* connection;
    OnReply on_reply;
    bool timed;  // has its own deadline
  };

  // What a server sends to a listener. A copy: a receiver may end the connection.
  struct Message {
    explicit Message(const redisReply& reply);
    std::string kind, text;
    std::string refusal = "it sent what is no message";
  };

  void OnEvents(uint32_t events) override;
  void Connect();
  void ConnectTo(const std::string& address);
  void ShakeHands();
  void HandshakeCall(RedisCommand& command, std::function<void(const redisReply&)> use);
  void CheckFacts();
  void Send(const RedisCommand& command, OnReply on_reply);
  void Append(const RedisCommand& command, OnReply on_reply, bool timed);
  void Retry(const std::string& why);
  void GiveUp(const std::string& why);
  void Close();
  void OnSuccess();
  void OnRoleTimer();
  void ReadMessages();
  // False: it is none that a server sends to a listener.
  bool TakeMessage(const Message& message);
  bool TakeRole(const redisReply* reply);
  void ReportConnected();
  void Want(uint32_t events);
  void ArmDeadline();
  void OnDeadline();
  void Report(bool problem, const std::string& text);
  void ReportAway(const std::string& why);
  static void OnCommandReply(redisAsyncContext* context, void* reply, void* pending);
  static void OnConnected(const redisAsyncContext* context, int status);
  static void OnDisconnected(const redisAsyncContext* context, int status);

  net::EventLoop& loop_;
  const RedisOptions options_;
  const std::vector<std::string_view> scripts_;
  const Events events_;
  std::vector<std::string> shas_;
  State state_ = State::kIdle;
  ReplyArena replies_;  // of the context
  redisAsyncContext* context_ = nullptr;
  int fd_ = -1;
  uint32_t wanted_ = 0;
  bool closing_ = false;
  bool stopped_ = false;
  bool in_send_ = false;
  base::Lifetime life_;
  RedisFacts facts_;
  size_t handshake_left_ = 0;
  std::string handshake_error_;
  DeadlineQueue deadlines_;  // of the open calls, in their order
  std::vector<Pending*> pool_;
  RedisCommand handshake_;
  const RedisCommand role_command_ = RedisCommand().Begin(1).Add("ROLE");
  net::NameLookup lookup_;
  size_t attempts_ = 0;  // rotates through a name's addresses
  net::Timer deadline_timer_;
  net::Timer connect_timer_;
  net::Timer role_timer_;
  base::Random random_;
  base::Backoff reconnects_;             // reset by a successful call
  std::function<void()> on_subscribed_;  // empty once called
  OnMessage on_message_;
  bool refused_ = false;  // it was dropped, and no call has succeeded since
  std::string last_reported_;
};

}  // namespace tollgate::ledger
