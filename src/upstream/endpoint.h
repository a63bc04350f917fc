// Endpoint: one processor as a client sees it: its connections, the exchanges on them and the
// exchanges that wait for a connection. Few connections carry many quick exchanges. While answers
// are slow, it opens as many connections as exchanges may be in flight.
//
// Thread: the loop's.
// Owns: its connections, connectors and exchanges.
// Invariants: every begun exchange ends once, never inside the call that began it; no byte of a
// waiting exchange was sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tollgate/net/event_loop.h"
#include "tollgate/upstream/http_processor_client.h"
#include "upstream/connection.h"
#include "upstream/connector.h"
#include "upstream/exchange.h"
#include "upstream/outcome.h"
#include "upstream/request_writer.h"

namespace tollgate::upstream {

// Members: the pools of exchanges and connections of one processor, and what was learned of its
// address.
class Endpoint final : public Connection::Events {
 public:
  class Events {
   public:
    virtual ~Events() = default;
    // `answer` is what arrived. `exchange` is free again after the call.
    virtual void OnExchangeEnd(const Exchange& exchange, const Evidence& evidence,
                               const Answer& answer) = 0;
  };
  // REQUIRES: the loop, the driver and `scratch` outlive it.
  Endpoint(net::EventLoop& loop, CurlDriver& driver, Events& events,
           const ProcessorOptions& options, size_t lookups_max, std::span<char> scratch);
  ~Endpoint() override;
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  // Null if the limit in flight of its kind is reached. Fill in the rest, then call Begin.
  Exchange* NewExchange(bool is_lookup);
  void Begin(Exchange& exchange);

  void OnConnectEnd(Connector& connector, CURLcode result);
  size_t in_flight() const { return exchanges_.size() - free_count_; }
  uint64_t watch_failures() const { return watch_failures_; }

 private:
  // How many connections may be opened at once: with quick answers the open ones serve the rest
  // first.
  static constexpr size_t kConnectingMax = 16;
  // A connect that took more than 1 / kSlowConnectPart of its time-out has probably tried an
  // address that does not answer.
  static constexpr int64_t kSlowConnectPart = 4;

  void OnAnswerEnd(Connection& connection, bool whole) override;
  void OnIdleEnd(Connection& connection) override;
  void OnDeadline();
  void Expire(Exchange& exchange);

  bool SendOn(Connection& connection, Exchange& exchange);
  void Serve(Connection& connection);
  void Retire(Connection& connection);
  void OpenMore();
  bool Adopt(Connector& connector);
  void FailWaiting();
  void PushWaiting(Exchange& exchange);
  Exchange* PopWaiting();
  void Finish(Exchange& exchange, const Evidence& evidence, const Answer& answer);
  void ArmDeadline();

  net::EventLoop& loop_;
  CurlDriver& driver_;
  Events& events_;
  const std::span<char> scratch_;
  const ProcessorOptions options_;
  const bool tls_;
  const int64_t total_timeout_ns_;
  RequestWriter writer_;

  std::vector<Exchange> exchanges_;
  Exchange* free_ = nullptr;
  size_t free_count_ = 0;
  size_t posts_left_;
  size_t lookups_left_;
  Exchange* first_ = nullptr;  // in the order of Begin
  Exchange* last_ = nullptr;
  Exchange* waiting_first_ = nullptr;  // for a connection, oldest first
  Exchange* waiting_last_ = nullptr;
  size_t waiting_ = 0;

  std::vector<std::unique_ptr<Connection>> connections_;  // all that were ever made
  std::vector<Connection*> idle_;                         // last used at the back
  std::vector<Connection*> closed_;                       // to be opened again
  size_t open_ = 0;
  std::vector<std::unique_ptr<Connector>> connectors_;
  std::vector<Connector*> connectors_free_;
  size_t connecting_ = 0;
  bool connect_failed_ = false;  // the last attempt failed: then only one at a time is tried
  bool stale_name_ = false;      // the next attempt resolves the name again
  net::Timer deadline_;
  const Answer nothing_{};
  uint64_t watch_failures_ = 0;
};

}  // namespace tollgate::upstream
