// SimHandler: the HTTP side of the simulated processor, awkward habits included: the delay comes
// first, then the failure, then the insert; a request whose client hung up is still booked.
//
// Thread: its loop's.
// Owns: the processor and the requests that wait.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "processor_sim/processor.h"
#include "tollgate/base/random.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/payments/json_object.h"
#include "tollgate/server/http_server.h"

namespace tollgate::sim {

// What goes wrong with a POST, over and above the delay and failure that the admin sets.
enum class Fault : uint8_t {
  kNone,
  kResetBefore,   // the connection is reset, nothing is booked
  kResetAfter,    // booked, then reset
  kHangThenBook,  // no answer for hang_ms, then booked
  kDropAnswer,    // booked, then closed without an answer
  kErrorAfter,    // booked, then 500 with a body
  kGarbage,       // not booked, an answer that is no HTTP
  kSlowBytes,     // booked, the answer comes in two pieces, hang_ms apart
  kHalfAnswer,    // booked, the answer breaks off in its body
};

struct SimOptions {
  int64_t fee_ppm = 50'000;
  uint64_t seed = 1;
  std::string books;  // a file in which bookings outlive the process; empty: none
};

class SimHandler final : public server::RequestHandler {
 public:
  SimHandler(net::EventLoop& loop, const SimOptions& options);
  void OnRequest(const http::Request& request, server::Responder responder) override;
  // False: the file of its books cannot be used.
  bool ready() const { return ready_; }

 private:
  void Pay(const http::Request& request, server::Responder responder);
  void Work(const payments::Payment& payment, int64_t requested_at_us, server::Responder responder);
  void Finish(const payments::Payment& payment, int64_t requested_at_us, Fault fault,
              server::Responder responder);
  void Show(const http::Request& request, server::Responder responder);
  void Health(server::Responder responder);
  void Admin(const http::Request& request, server::Responder responder);
  void Configure(std::string_view what, std::string_view body, server::Responder responder);
  void ConfigureFaults(const payments::JsonObject& object, server::Responder responder);
  void AdminSummary(const http::Request& request, server::Responder responder);
  std::string Dump() const;
  Fault DrawFault();
  void After(int64_t delay_ms, std::function<void()> work);
  void RunDue();

  net::EventLoop& loop_;
  const SimOptions options_;
  Processor processor_;
  const bool ready_;
  HealthLimit health_;
  RequestLimit limit_;
  base::Random random_;
  Fault fault_ = Fault::kNone;
  double fault_probability_ = 0;
  int64_t hang_ms_ = 20'000;
  std::multimap<int64_t, std::function<void()>> due_;  // by monotonic ns
  net::Timer timer_;
  const http::StaticResponse processed_;
  const http::StaticResponse failed_;
  const http::StaticResponse over_capacity_;
  const http::StaticResponse duplicate_;
};

}  // namespace tollgate::sim
