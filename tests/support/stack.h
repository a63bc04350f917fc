// Stack: the whole set-up as real processes in its own folder: redis-server, two simulated
// processors, two gateways on Unix sockets and HAProxy in front. Any part can be killed, paused and
// restarted on the same data.
//
// Thread: one test's; the load threads use only addresses.
#pragma once

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/http_client.h"

namespace tollgate::testing {

struct StackOptions {
  std::vector<std::string> gateway_arguments;  // additional ones, for both
  std::vector<std::string> redis_arguments;
  size_t gateways = 2;
  bool haproxy = true;
  // Added to the environment of the gateway with that index.
  std::map<size_t, std::map<std::string, std::string>> gateway_environment = {};
  std::string redis_folder = {};      // below the stack's own; empty: the stack's own
  bool keep_processor_books = false;  // a processor's holdings survive its kill
  bool start_processors = true;       // false: the test starts them
  // Precedes the gateway's command, for example a shell that first lowers a limit.
  std::vector<std::string> gateway_wrapper = {};
};

// What a processor holds, by id in lower case.
struct HeldPayment {
  int64_t cents = 0;
  int64_t requested_at_ms = 0;
};
using Holdings = std::map<std::string, HeldPayment>;

class Stack {
 public:
  explicit Stack(StackOptions options = {});
  ~Stack();

  // Starts everything and waits until the front answers a summary; fails the test otherwise.
  void Start();
  void StartRedis();
  void StartGateway(size_t index);
  // Further arguments for all gateways, after all others, from their next start on.
  void AddGatewayArguments(const std::vector<std::string>& words) {
    options_.gateway_arguments.insert(options_.gateway_arguments.end(), words.begin(), words.end());
  }
  // From its next start on.
  void SetGatewayEnvironment(size_t index, std::map<std::string, std::string> environment) {
    options_.gateway_environment[index] = std::move(environment);
  }
  // One more gateway with the same settings, on its own data folder and socket.
  ChildProcess StartAnother(const std::string& data_folder, const std::string& socket);
  void StartProcessor(size_t index);
  void StartHaproxy();
  bool WaitReady(size_t gateway);

  ChildProcess& redis() { return redis_; }
  ChildProcess& gateway(size_t index) { return gateways_[index]; }
  ChildProcess& processor(size_t index) { return processors_[index]; }
  ChildProcess& haproxy() { return haproxy_; }

  // "127.0.0.1:port" of HAProxy; a path for a gateway's own socket.
  const std::string& front() const { return front_; }
  std::string GatewaySocket(size_t index) const;
  std::string AdminSocket(size_t index) const;
  std::string RedisSocket() const { return folder_ / "redis.sock"; }
  std::string DataFolder(size_t index) const;
  const std::string& ProcessorAddress(size_t index) const { return processor_addresses_[index]; }
  const std::string& folder() const { return folder_.path(); }
  // The folder of Redis' append-only file.
  std::string RedisFolder() const;
  // Runs redis-cli with these words; returns its output.
  std::string RedisCli(const std::vector<std::string>& words);
  std::string Metrics(size_t gateway) const;
  // The value of a metric without labels, or with exactly this label text; 0 if there is none.
  double Metric(size_t gateway, const std::string& name) const;

  // PUT to a processor's admin interface; TG_ASSERTs a good answer.
  void Configure(size_t processor, const std::string& path, const std::string& json);
  Holdings Held(size_t processor);

  // {processor: {count, cents}} of a gateway's or the front's summary; empty if there was none.
  struct Totals {
    int64_t count = 0;
    int64_t cents = 0;
    bool operator==(const Totals&) const = default;
  };
  static std::map<std::string, Totals> Summary(const std::string& address,
                                               const std::string& query = {});
  std::map<std::string, Totals> HeldTotals();

  // The last lines of every part's log, for a failing test.
  std::string Logs() const;

 private:
  std::vector<std::string> GatewayWords(const std::string& data_folder, const std::string& socket);

  StackOptions options_;
  TemporaryFolder folder_;
  std::string front_;
  std::array<std::string, 2> processor_addresses_;
  ChildProcess redis_;
  size_t redis_cli_calls_ = 0;
  std::array<ChildProcess, 2> processors_;
  std::vector<ChildProcess> gateways_;
  ChildProcess haproxy_;
};

// A random UUID as text, from a seed and a number: the same pair gives the same id.
std::string TestId(uint64_t seed, uint64_t number);
std::string PaymentBody(const std::string& id, const std::string& amount);

}  // namespace tollgate::testing
