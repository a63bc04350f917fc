// A connection to Redis that listens to a channel.
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <sys/socket.h>

#include <utility>

#include "ledger/redis_connection.h"
#include "ledger/redis_reply.h"
#include "tollgate/base/assert.h"

namespace tollgate::ledger {

// hiredis' own subscriptions assert the form of what the server sends, so messages are read here.
void RedisConnection::Listen(const std::string& channel, std::function<void()> on_subscribed,
                             OnMessage on_message) {
  TG_ASSERT(ready() && deadlines_.empty());
  on_subscribed_ = std::move(on_subscribed);
  on_message_ = std::move(on_message);
  role_timer_.Disarm();
  state_ = State::kListening;
  RedisCommand command;
  const std::string_view text = command.Begin(2).Add("SUBSCRIBE").Add(channel).text();
  // The socket is empty, so it takes this whole, unless something is wrong with it.
  const ssize_t written = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
  if (written != static_cast<ssize_t>(text.size())) return GiveUp("it takes no subscription");
  // No call shows that a listener's peer is gone, so the kernel asks (Unix sockets need it not).
  if (options_.unix_path.empty()) redisEnableKeepAlive(&context_->c);
  deadline_timer_.ArmIn(options_.command_timeout_ms * base::kNanosPerMilli);
}

void RedisConnection::ReadMessages() {
  redisContext& context = context_->c;
  if (redisBufferRead(&context) != REDIS_OK) return GiveUp(std::string(context.errstr));
  // A message may make its receiver end this connection.
  while (context_ != nullptr) {
    void* read = nullptr;
    if (redisReaderGetReply(context.reader, &read) != REDIS_OK) {
      return GiveUp(std::string(context.reader->errstr));
    }
    if (read == nullptr) return;
    const Message message(*static_cast<const redisReply*>(read));
    context.reader->fn->freeObject(read);
    if (!TakeMessage(message)) return Drop(message.refusal);
  }
}

RedisConnection::Message::Message(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_ERROR) {
    refusal = TextOf(reply);
  } else if (reply.type == REDIS_REPLY_ARRAY && reply.elements == 3) {
    kind = TextOf(*reply.element[0]);
    text = TextOf(*reply.element[2]);
  }
}

bool RedisConnection::TakeMessage(const Message& message) {
  if (message.kind == "message") {
    on_message_(message.text);
    return true;
  }
  if (message.kind != "subscribe" || !on_subscribed_) return false;
  deadline_timer_.Disarm();
  OnSuccess();
  std::exchange(on_subscribed_, nullptr)();
  return true;
}

}  // namespace tollgate::ledger
