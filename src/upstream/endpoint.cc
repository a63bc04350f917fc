#include "upstream/endpoint.h"

#include <algorithm>
#include <utility>

#include "tollgate/base/assert.h"
#include "tollgate/base/clock.h"

namespace tollgate::upstream {
namespace {

// A NAT or firewall may have dropped a connection that was idle for longer.
constexpr int64_t kIdleNsMax = 60 * base::kNanosPerSecond;

Evidence EvidenceOf(const Exchange& exchange, const Answer& answer, bool whole) {
  return {.ended_well = whole,
          .sent = exchange.sent,
          .status = answer.status(),
          .headers_whole = answer.headers_whole(),
          .framed = answer.framed(),
          .has_body = answer.has_body()};
}

}  // namespace

Endpoint::Endpoint(net::EventLoop& loop, CurlDriver& driver, Events& events,
                   const ProcessorOptions& options, size_t lookups_max, std::span<char> scratch)
    : loop_(loop),
      driver_(driver),
      events_(events),
      scratch_(scratch),
      options_(options),
      tls_(options.url.starts_with("https://")),
      // The time for connecting is added: a shorter time for the answer would make more unknown
      // outcomes.
      total_timeout_ns_((options.connect_timeout_ms + options.answer_timeout_ms) *
                        base::kNanosPerMilli),
      writer_(options),
      exchanges_(options.in_flight_max + lookups_max),
      posts_left_(options.in_flight_max),
      lookups_left_(lookups_max),
      deadline_(loop, [this] { OnDeadline(); }) {
  for (Exchange& exchange : exchanges_) exchange.behind = std::exchange(free_, &exchange);
  free_count_ = exchanges_.size();
  connections_.reserve(exchanges_.size());
  idle_.reserve(exchanges_.size());
  closed_.reserve(exchanges_.size());
}

Endpoint::~Endpoint() {
  for (Exchange* it = first_; it != nullptr; it = it->later) {
    if (it->connection != nullptr) it->connection->Release();
  }
  for (const auto& connection : connections_) connection->Close();
}

Exchange* Endpoint::NewExchange(bool is_lookup) {
  size_t& left = is_lookup ? lookups_left_ : posts_left_;
  if (left == 0) return nullptr;
  --left;
  --free_count_;
  Exchange* const exchange = std::exchange(free_, free_->behind);
  *exchange = {};
  exchange->is_lookup = is_lookup;
  return exchange;
}

void Endpoint::Begin(Exchange& exchange) {
  exchange.begun_ns = loop_.clock().MonotonicNanos();
  exchange.earlier = last_;
  (last_ == nullptr ? first_ : last_->later) = &exchange;
  last_ = &exchange;
  ArmDeadline();
  while (!idle_.empty()) {
    Connection& connection = *idle_.back();
    idle_.pop_back();
    const bool fresh = exchange.begun_ns - connection.idle_since_ns < kIdleNsMax;
    if (fresh && connection.quiet() && SendOn(connection, exchange)) return;
    Retire(connection);
  }
  PushWaiting(exchange);
  OpenMore();
}

bool Endpoint::SendOn(Connection& connection, Exchange& exchange) {
  return connection.Send(exchange, exchange.is_lookup
                                       ? writer_.Lookup(exchange.payment.id)
                                       : writer_.Post(exchange.payment, exchange.requested_at_ms));
}

// Gives the connection to the oldest waiting exchange; else it becomes idle.
void Endpoint::Serve(Connection& connection) {
  if (waiting_first_ == nullptr) {
    connection.idle_since_ns = loop_.now_ns();
    idle_.push_back(&connection);
    return;
  }
  if (SendOn(connection, *waiting_first_)) {
    PopWaiting();
  } else {
    Retire(connection);
  }
}

void Endpoint::Retire(Connection& connection) {
  Connector* const connector = connection.Close();
  if (connector != nullptr) connectors_free_.push_back(connector);
  closed_.push_back(&connection);
  --open_;
}

void Endpoint::OnAnswerEnd(Connection& connection, bool whole) {
  Exchange& exchange = connection.Release();
  // A copy, because the connection may carry the next request before the event.
  const Answer answer = connection.reader().answer();
  const Evidence evidence = EvidenceOf(exchange, answer, whole);
  if (connection.reusable()) {
    Serve(connection);
  } else {
    Retire(connection);
  }
  OpenMore();
  Finish(exchange, evidence, answer);
}

void Endpoint::OnIdleEnd(Connection& connection) {
  idle_.erase(std::find(idle_.begin(), idle_.end(), &connection));
  Retire(connection);
}

void Endpoint::OpenMore() {
  const size_t most = connect_failed_ ? 1 : kConnectingMax;
  while (connecting_ < std::min(waiting_, most) && open_ + connecting_ < exchanges_.size()) {
    if (connectors_free_.empty()) {
      connectors_.push_back(std::make_unique<Connector>(driver_, *this, options_));
      connectors_free_.push_back(connectors_.back().get());
    }
    // Out of memory: the waiting exchanges end by their deadline.
    if (!connectors_free_.back()->Start(stale_name_)) return;
    stale_name_ = false;
    connectors_free_.pop_back();
    ++connecting_;
  }
}

void Endpoint::OnConnectEnd(Connector& connector, CURLcode result) {
  --connecting_;
  connect_failed_ = result != CURLE_OK;
  // The processor may have moved. The name server may still have the old address, so every failure
  // resolves the name again.
  stale_name_ |= connect_failed_ ||
                 connector.ConnectUs() * kSlowConnectPart > options_.connect_timeout_ms * 1000;
  if (result == CURLE_OK && Adopt(connector)) return OpenMore();
  connector.Stop();
  connectors_free_.push_back(&connector);
  FailWaiting();
  OpenMore();
}

bool Endpoint::Adopt(Connector& connector) {
  if (closed_.empty()) {
    connections_.push_back(std::make_unique<Connection>(loop_, *this, scratch_));
    closed_.push_back(connections_.back().get());
  }
  Connection& connection = *closed_.back();
  bool opened = false;
  if (tls_) {
    const int fd = driver_.Lend(connector.easy());
    opened = fd >= 0 && connection.OpenTls(fd, connector);
  } else {
    base::UniqueFd fd = driver_.TakeOver(connector.easy());
    opened = fd.valid() && connection.Open(std::move(fd));
  }
  if (!opened) {
    ++watch_failures_;
    return false;
  }
  if (!tls_) {
    connector.Stop();
    connectors_free_.push_back(&connector);
  }
  closed_.pop_back();
  ++open_;
  Serve(connection);
  return true;
}

// Connect failed: end all waiting exchanges, so that they can be routed elsewhere. While other
// connections are open, end only one.
void Endpoint::FailWaiting() {
  for (size_t left = open_ == 0 ? waiting_ : std::min<size_t>(waiting_, 1); left > 0; --left) {
    Exchange* const exchange = PopWaiting();
    if (exchange == nullptr) return;
    Finish(*exchange, EvidenceOf(*exchange, nothing_, false), nothing_);
  }
}

void Endpoint::OnDeadline() {
  const int64_t now_ns = loop_.now_ns();
  while (first_ != nullptr && first_->begun_ns + total_timeout_ns_ <= now_ns) Expire(*first_);
  ArmDeadline();
}

void Endpoint::Expire(Exchange& exchange) {
  if (exchange.connection == nullptr) {
    Exchange* const waiting = PopWaiting();
    TG_ASSERT(waiting == &exchange);  // both lists are in the order of Begin
    return Finish(exchange, EvidenceOf(exchange, nothing_, false), nothing_);
  }
  stale_name_ = true;  // a host that is gone sends no answer
  Connection& connection = *exchange.connection;
  connection.Release();
  const Answer answer = connection.reader().answer();
  Retire(connection);
  OpenMore();
  Finish(exchange, EvidenceOf(exchange, answer, false), answer);
}

// One timer for all exchanges. It is due at the oldest one's deadline or earlier.
void Endpoint::ArmDeadline() {
  if (first_ != nullptr && !deadline_.armed()) {
    deadline_.Arm(first_->begun_ns + total_timeout_ns_);
  }
}

void Endpoint::PushWaiting(Exchange& exchange) {
  exchange.behind = nullptr;
  (waiting_last_ == nullptr ? waiting_first_ : waiting_last_->behind) = &exchange;
  waiting_last_ = &exchange;
  ++waiting_;
}

Exchange* Endpoint::PopWaiting() {
  Exchange* const exchange = waiting_first_;
  if (exchange == nullptr) return nullptr;
  waiting_first_ = exchange->behind;
  if (waiting_first_ == nullptr) waiting_last_ = nullptr;
  --waiting_;
  return exchange;
}

void Endpoint::Finish(Exchange& exchange, const Evidence& evidence, const Answer& answer) {
  (exchange.earlier == nullptr ? first_ : exchange.earlier->later) = exchange.later;
  (exchange.later == nullptr ? last_ : exchange.later->earlier) = exchange.earlier;
  const Exchange ended = exchange;
  exchange.behind = std::exchange(free_, &exchange);
  ++free_count_;
  ++(ended.is_lookup ? lookups_left_ : posts_left_);
  events_.OnExchangeEnd(ended, evidence, answer);  // may begin the next
}

}  // namespace tollgate::upstream
