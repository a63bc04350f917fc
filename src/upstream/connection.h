// Connection: a persistent HTTP/1.1 connection to a processor, one exchange at a time. It is always
// watched by the loop. Bytes that arrive while it is idle end it, so a stray answer is never taken
// for the answer to the next payment.
//
// Thread: the loop's.
// Owns: its descriptor (plain), or the use of a connector and its descriptor (TLS).
// Invariants: a request is written at most once; Exchange::sent is set no later than its first byte
// leaves.
#pragma once

#include <curl/curl.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tollgate/base/unique_fd.h"
#include "tollgate/net/event_loop.h"
#include "upstream/answer_reader.h"
#include "upstream/connector.h"
#include "upstream/exchange.h"

namespace tollgate::upstream {

class Connection final : public net::EventHandler {
 public:
  class Events {
   public:
    virtual ~Events() = default;
    // The answer to its exchange is complete (`whole`), or will never be. The owner detaches the
    // exchange, then sends the next one, keeps the connection or closes it.
    virtual void OnAnswerEnd(Connection& connection, bool whole) = 0;
    // It ended while idle: the owner closes it.
    virtual void OnIdleEnd(Connection& connection) = 0;
  };

  // `scratch` is the read buffer; all connections of a loop may share one.
  Connection(net::EventLoop& loop, Events& events, std::span<char> scratch);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // False: the loop cannot watch the descriptor; it is closed.
  [[nodiscard]] bool Open(base::UniqueFd fd);
  // `fd` belongs to the connector's handle. Close returns the connector, which is in use until
  // then.
  [[nodiscard]] bool OpenTls(int fd, Connector& connector);
  // Returns the connector that it used, or null.
  Connector* Close();

  // True if nothing has arrived since it became idle: no end of stream and no stray bytes. The loop
  // would report these only in its next turn.
  bool quiet();
  // False: no byte was sent and the connection is unusable; the exchange may use another one.
  [[nodiscard]] bool Send(Exchange& exchange, std::string_view request);
  // Detaches its exchange.
  Exchange& Release();

  const AnswerReader& reader() const { return reader_; }
  // After OnAnswerEnd: it may carry another request.
  bool reusable() const { return reusable_; }

  int64_t idle_since_ns = 0;  // for the owner

 private:
  void OnEvents(uint32_t events) override;
  void Read();
  void End(bool whole, bool reusable);
  // Bytes written or read, 0 at the end of the stream, or one of these.
  static constexpr ssize_t kNotNow = -1;
  static constexpr ssize_t kFailed = -2;
  ssize_t Write(std::string_view bytes);
  ssize_t Receive();
  bool WriteRest();

  net::EventLoop& loop_;
  Events& events_;
  const std::span<char> scratch_;
  int fd_ = -1;
  Connector* tls_ = nullptr;
  Exchange* exchange_ = nullptr;
  bool reusable_ = false;
  std::string rest_;  // of a request that the kernel did not take at once
  AnswerReader reader_;
};

}  // namespace tollgate::upstream
