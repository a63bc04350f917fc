// Connection: a kept HTTP/1.1 connection to a processor, one exchange at a time. In the loop all
// the while: what arrives when nobody asked ends it, so that a stray answer is never taken for that
// of the next payment.
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
    // The answer to its exchange is here (`whole`), or will never be. The owner detaches the
    // exchange and then sends the next one, keeps or closes the connection.
    virtual void OnAnswerEnd(Connection& connection, bool whole) = 0;
    // It ended while idle: the owner closes it.
    virtual void OnIdleEnd(Connection& connection) = 0;
  };

  // `scratch` is what it reads into; all connections of a loop may share one.
  Connection(net::EventLoop& loop, Events& events, std::span<char> scratch);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // False: the kernel does not watch it; it is closed.
  [[nodiscard]] bool Open(base::UniqueFd fd);
  // `fd` is that of the connector's handle, which stays in use until Close gives it back.
  [[nodiscard]] bool OpenTls(int fd, Connector& connector);
  // The connector that it used, or null.
  Connector* Close();

  // Nothing has arrived since it became idle: neither its end nor what nobody asked for. The loop
  // would tell, but not before its next turn.
  bool quiet();
  // False: not a byte was taken and the connection is of no use; the exchange may go elsewhere.
  [[nodiscard]] bool Send(Exchange& exchange, std::string_view request);
  // Detaches its exchange.
  Exchange& Release();

  const AnswerReader& reader() const { return reader_; }
  // After OnAnswerEnd: may carry another request.
  bool reusable() const { return reusable_; }

  int64_t idle_since_ns = 0;  // for the owner

 private:
  void OnEvents(uint32_t events) override;
  void Read();
  void End(bool whole, bool reusable);
  // Bytes written or read, 0 at the other side's end, or one of these.
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
