#include "ledger/redis_connection.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <sys/epoll.h>

#include <charconv>
#include <utility>

#include "ledger/redis_refusal.h"
#include "ledger/redis_reply.h"
#include "tollgate/base/assert.h"

namespace tollgate::ledger {
namespace {

constexpr base::BackoffRange kReconnectWaits{.min_ms = 10, .max_ms = 1'000};

std::string Where(const RedisOptions& options) {
  return options.unix_path.empty() ? options.host + ":" + std::to_string(options.port)
                                   : options.unix_path;
}

// The value of "name:value" in an INFO text.
std::string InfoField(std::string_view text, std::string_view name) {
  const std::string key = "\n" + std::string(name) + ":";
  const size_t at = text.find(key);
  if (at == std::string_view::npos) return {};
  const size_t begin = at + key.size();
  return std::string(text.substr(begin, text.find_first_of("\r\n", begin) - begin));
}

}  // namespace

bool RedisConnection::IsNotNow(const redisReply& reply) {
  return reply.type == REDIS_REPLY_ERROR && SaysNotNow(TextOf(reply));
}

RedisConnection::RedisConnection(net::EventLoop& loop, const RedisOptions& options,
                                 std::vector<std::string_view> scripts, Events events)
    : loop_(loop),
      options_(options),
      scripts_(std::move(scripts)),
      events_(std::move(events)),
      shas_(scripts_.size()),
      lookup_(loop),
      deadline_timer_(loop, [this] { OnDeadline(); }),
      connect_timer_(loop, [this] { Connect(); }),
      role_timer_(loop, [this] { OnRoleTimer(); }),
      random_(static_cast<uint64_t>(loop.clock().MonotonicNanos()) ^
              reinterpret_cast<uintptr_t>(this)) {}

RedisConnection::~RedisConnection() {
  stopped_ = true;
  Close();
  for (Pending* pending : pool_) delete pending;
}

void RedisConnection::Report(bool problem, const std::string& text) {
  if (text == last_reported_) return;  // a server that stays away is reported once
  last_reported_ = text;
  if (options_.report) options_.report(problem, text);
}

void RedisConnection::ReportAway(const std::string& why) {
  Report(true, "redis: " + Where(options_) + " is away (" + why + "); " + options_.while_away +
                   ". " + Advice(why));
}

void RedisConnection::Start() { Connect(); }

void RedisConnection::Connect() {
  TG_ASSERT(context_ == nullptr);
  state_ = State::kConnecting;
  if (!options_.unix_path.empty() || net::NameLookup::IsNumeric(options_.host)) {
    return ConnectTo(options_.host);
  }
  // hiredis would resolve the name itself and block the loop.
  lookup_.Start(options_.host, [this](const auto& addresses, const std::string& problem) {
    if (addresses.empty()) return Retry(problem);
    ConnectTo(addresses[attempts_++ % addresses.size()]);
  });
  deadline_timer_.ArmIn(options_.connect_timeout_ms * base::kNanosPerMilli);
}

void RedisConnection::ConnectTo(const std::string& address) {
  closing_ = false;
  context_ = options_.unix_path.empty() ? redisAsyncConnect(address.c_str(), options_.port)
                                        : redisAsyncConnectUnix(options_.unix_path.c_str());
  if (context_ == nullptr) return Retry("out of memory");
  if (context_->err != 0) {
    const std::string why = context_->errstr;
    redisAsyncFree(std::exchange(context_, nullptr));
    return Retry(why);
  }
  fd_ = context_->c.fd;
  context_->data = this;
  replies_.Serve(*context_->c.reader);
  auto& hooks = context_->ev;
  hooks.data = this;
  hooks.addRead = [](void* data) {
    auto* it = static_cast<RedisConnection*>(data);
    it->Want(it->wanted_ | EPOLLIN);
  };
  hooks.delRead = [](void* data) {
    auto* it = static_cast<RedisConnection*>(data);
    it->Want(it->wanted_ & ~uint32_t{EPOLLIN});
  };
  hooks.addWrite = [](void* data) {
    auto* it = static_cast<RedisConnection*>(data);
    it->Want(it->wanted_ | EPOLLOUT);
  };
  hooks.delWrite = [](void* data) {
    auto* it = static_cast<RedisConnection*>(data);
    it->Want(it->wanted_ & ~uint32_t{EPOLLOUT});
  };
  hooks.cleanup = [](void* data) {
    auto* it = static_cast<RedisConnection*>(data);
    if (it->fd_ >= 0) it->loop_.Remove(std::exchange(it->fd_, -1));
  };
  wanted_ = 0;
  if (!loop_.Add(fd_, 0, this).ok()) {
    fd_ = -1;
    hooks.cleanup = nullptr;
    redisAsyncFree(std::exchange(context_, nullptr));
    return Retry("the kernel watches no more descriptors");
  }
  redisAsyncSetConnectCallback(context_, &RedisConnection::OnConnected);
  redisAsyncSetDisconnectCallback(context_, &RedisConnection::OnDisconnected);
  deadline_timer_.ArmIn(options_.connect_timeout_ms * base::kNanosPerMilli);
}

// During Send hiredis asks for EPOLLOUT, and usually no more once it has written. So the kernel is
// told at the end of Send.
void RedisConnection::Want(uint32_t events) {
  wanted_ = events;
  if (fd_ >= 0 && !in_send_) loop_.Modify(fd_, events);
}

void RedisConnection::OnEvents(uint32_t events) {
  if (context_ == nullptr) return;
  if (state_ == State::kListening) return ReadMessages();
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) events |= wanted_;
  if ((events & EPOLLIN) != 0) redisAsyncHandleRead(context_);
  if (context_ != nullptr && (events & EPOLLOUT) != 0) redisAsyncHandleWrite(context_);
}

void RedisConnection::OnConnected(const redisAsyncContext* context, int status) {
  auto* self = static_cast<RedisConnection*>(context->data);
  if (status == REDIS_OK) return self->ShakeHands();
  // hiredis frees the context after this call.
  const std::string why = context->errstr;
  self->context_ = nullptr;
  self->Retry(why);
}

void RedisConnection::OnDisconnected(const redisAsyncContext* context, int /*status*/) {
  auto* self = static_cast<RedisConnection*>(context->data);
  if (self->closing_) return;
  // All callbacks have run with null; hiredis frees the context after this call.
  const std::string why = context->err != 0 ? context->errstr : "the server closed the connection";
  self->context_ = nullptr;
  self->Retry(why);
}

void RedisConnection::HandshakeCall(RedisCommand& command,
                                    std::function<void(const redisReply&)> use) {
  ++handshake_left_;
  Send(command, [this, use = std::move(use)](const redisReply* reply) {
    if (reply == nullptr || state_ != State::kShakingHands) return;
    if (reply->type == REDIS_REPLY_ERROR) {
      if (handshake_error_.empty()) handshake_error_ = TextOf(*reply);
    } else {
      use(*reply);
    }
    if (--handshake_left_ == 0) CheckFacts();
  });
}

void RedisConnection::ShakeHands() {
  state_ = State::kShakingHands;
  handshake_left_ = 0;
  handshake_error_.clear();
  facts_ = {};
  if (!options_.password.empty()) {
    handshake_.Begin(options_.user.empty() ? 2 : 3).Add("AUTH");
    if (!options_.user.empty()) handshake_.Add(options_.user);
    HandshakeCall(handshake_.Add(options_.password), [](const redisReply&) {});
  }
  if (options_.database != 0) {
    handshake_.Begin(2).Add("SELECT").Add(std::to_string(options_.database));
    HandshakeCall(handshake_, [](const redisReply&) {});
  }
  HandshakeCall(handshake_.Begin(1).Add("ROLE"), [this](const redisReply& reply) {
    if (handshake_error_.empty()) handshake_error_ = RoleProblem(reply);
  });
  HandshakeCall(handshake_.Begin(2).Add("INFO").Add("server"), [this](const redisReply& reply) {
    facts_.run_id = InfoField(TextOf(reply), "run_id");
    const std::string uptime = InfoField(TextOf(reply), "uptime_in_seconds");
    std::from_chars(uptime.data(), uptime.data() + uptime.size(), facts_.uptime_s);
  });
  HandshakeCall(handshake_.Begin(2).Add("INFO").Add("replication"),
                [this](const redisReply& reply) {
                  facts_.replication_id = InfoField(TextOf(reply), "master_replid");
                });
  HandshakeCall(handshake_.Begin(2).Add("INFO").Add("memory"), [this](const redisReply& reply) {
    facts_.eviction_policy = InfoField(TextOf(reply), "maxmemory_policy");
  });
  for (size_t i = 0; i < scripts_.size(); ++i) {
    handshake_.Begin(3).Add("SCRIPT").Add("LOAD").Add(scripts_[i]);
    HandshakeCall(handshake_, [this, i](const redisReply& reply) { shas_[i] = TextOf(reply); });
  }
}

// Called after the last answer of the hand-shake.
void RedisConnection::CheckFacts() {
  std::string error = handshake_error_;
  if (error.empty() && facts_.run_id.empty()) error = "INFO shows no run_id";
  if (error.empty() && facts_.eviction_policy != "noeviction") {
    error = "its maxmemory-policy is " + facts_.eviction_policy +
            ", which throws books away; set it to noeviction. Payments wait until then";
  }
  if (!error.empty()) return GiveUp(error);
  state_ = State::kReady;
  role_timer_.ArmIn(options_.role_interval_ms * base::kNanosPerMilli);
  // A server that refused calls completes the hand-shake all the same. Then "connected" is reported
  // after the next successful call.
  if (!refused_) ReportConnected();
  events_.on_ready(facts_);
}

void RedisConnection::ReportConnected() { Report(false, "redis: connected to " + Where(options_)); }

void RedisConnection::OnSuccess() {
  reconnects_.Reset();
  if (!std::exchange(refused_, false)) return;
  ReportConnected();
}

void RedisConnection::AskRole() {
  Queue(role_command_, [this](const redisReply* reply) { TakeRole(reply); });
}

// ROLE has no deadline here. If the server hangs, the deadlines of the calls end the connection.
// Without calls it can wait.
void RedisConnection::OnRoleTimer() {
  if (!ready()) return;
  Queue(role_command_, [this](const redisReply* reply) {
    if (TakeRole(reply)) role_timer_.ArmIn(options_.role_interval_ms * base::kNanosPerMilli);
  });
}

// Ends the connection if the server is not a primary: all calls behind this one then fail.
bool RedisConnection::TakeRole(const redisReply* reply) {
  if (reply == nullptr) return false;
  const std::string problem = RoleProblem(*reply);
  if (!problem.empty()) GiveUp(problem);
  return problem.empty();
}

void RedisConnection::Call(const RedisCommand& command, OnReply on_reply) {
  TG_ASSERT(ready());
  Send(command, std::move(on_reply));
}

void RedisConnection::Queue(const RedisCommand& command, OnReply on_reply) {
  TG_ASSERT(ready());
  Append(command, std::move(on_reply), false);
}

void RedisConnection::Append(const RedisCommand& command, OnReply on_reply, bool timed) {
  Pending* pending = nullptr;
  if (pool_.empty()) {
    pending = new Pending{this, nullptr, false};
  } else {
    pending = pool_.back();
    pool_.pop_back();
  }
  pending->on_reply = std::move(on_reply);
  pending->timed = timed;
  const std::string_view text = command.text();
  const int status = redisAsyncFormattedCommand(context_, &RedisConnection::OnCommandReply, pending,
                                                text.data(), text.size());
  TG_ASSERT(status == REDIS_OK);  // fails only during a graceful disconnect, which is never used
}

void RedisConnection::Send(const RedisCommand& command, OnReply on_reply) {
  deadlines_.push_back(loop_.now_ns() + options_.command_timeout_ms * base::kNanosPerMilli);
  ArmDeadline();
  if (state_ != State::kReady) return Append(command, std::move(on_reply), true);
  // Write at once: usually everything fits, and no epoll event is needed.
  in_send_ = true;
  Append(command, std::move(on_reply), true);
  redisAsyncHandleWrite(context_);
  in_send_ = false;
  Want(wanted_);
}

void RedisConnection::OnCommandReply(redisAsyncContext* /*context*/, void* reply, void* pending) {
  auto* it = static_cast<Pending*>(pending);
  RedisConnection& self = *it->connection;
  if (it->timed && !self.deadlines_.empty()) self.deadlines_.pop_front();
  OnReply on_reply = std::exchange(it->on_reply, nullptr);
  self.pool_.push_back(it);
  if (self.deadlines_.empty()) self.deadline_timer_.Disarm();
  if (self.stopped_) return;
  const auto* const answer = static_cast<const redisReply*>(reply);
  // Only the answer to a call proves that the server works: a server that refuses every write still
  // completes the hand-shake and answers ROLE.
  if (answer != nullptr && it->timed && self.ready() && answer->type != REDIS_REPLY_ERROR) {
    self.OnSuccess();
  }
  if (reply == nullptr && self.in_send_) {
    // The write failed inside Call: run the callback after Call has returned.
    self.loop_.Post(self.life_.Guard([on_reply = std::move(on_reply)] { on_reply(nullptr); }));
    return;
  }
  on_reply(answer);
}

// One timer for all calls. It is due at the oldest one's deadline or earlier.
void RedisConnection::ArmDeadline() {
  if (deadlines_.size() == 1 || !deadline_timer_.armed()) deadline_timer_.Arm(deadlines_.front());
}

void RedisConnection::OnDeadline() {
  if (lookup_.busy()) return ReportAway("its name is still being looked up");
  if (state_ == State::kConnecting) return GiveUp("no connection in time");
  if (state_ == State::kListening) return GiveUp("no answer to SUBSCRIBE");
  if (deadlines_.empty()) return;
  if (deadlines_.front() > loop_.now_ns()) return deadline_timer_.Arm(deadlines_.front());
  GiveUp("no answer within " + std::to_string(options_.command_timeout_ms) + " ms");
}

void RedisConnection::Drop(const std::string& why) {
  refused_ = true;
  GiveUp(why);
}

void RedisConnection::GiveUp(const std::string& why) {
  Close();
  Retry(why);
}

// Frees the context. Inside one of its callbacks hiredis defers this until the callback returns.
void RedisConnection::Close() {
  if (context_ == nullptr) return;
  state_ = State::kIdle;
  closing_ = true;
  redisAsyncContext* const context = std::exchange(context_, nullptr);
  if (fd_ >= 0) loop_.Remove(std::exchange(fd_, -1));
  context->ev.addRead = context->ev.delRead = nullptr;
  context->ev.addWrite = context->ev.delWrite = context->ev.cleanup = nullptr;
  redisAsyncFree(context);
  deadlines_.clear();
}

void RedisConnection::Retry(const std::string& why) {
  state_ = State::kIdle;
  deadline_timer_.Disarm();
  deadlines_.clear();
  if (stopped_) return;
  ReportAway(why);
  events_.on_lost();
  const int64_t wait_ms = base::WithJitter(reconnects_.NextMs(kReconnectWaits), random_);
  connect_timer_.ArmIn(wait_ms * base::kNanosPerMilli);
}

}  // namespace tollgate::ledger
