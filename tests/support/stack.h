// Stack: the whole set-up as real processes in a folder of its own: redis-server, two simulated
// processors, two gateways on Unix sockets and HAProxy in front. Any part can be killed, paused and
// started again on the same data.
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
  std::vector<std::string> gateway_arguments;  // more, for both
  std::vector<std::string> redis_arguments;
  size_t gateways = 2;
  bool haproxy = true;
  // Added to the environment of the gateway of that index.
  std::map<size_t, std::map<std::string, std::string>> gateway_environment = {};
  std::string redis_folder = {};      // below the stack's own; empty: the stack's own
  bool keep_processor_books = false;  // what a processor holds outlives a kill of it
  bool start_processors = true;       // false: the test starts them
  // Stands before the gateway's own words, such as a shell that lowers a limit first.
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

  // Starts all and waits until a summary comes through the front; a failed part fails the test.
  void Start();
  void StartRedis();
  void StartGateway(size_t index);
  // From their next start on: words that come after all others, for all gateways.
  void AddGatewayArguments(const std::vector<std::string>& words) {
    options_.gateway_arguments.insert(options_.gateway_arguments.end(), words.begin(), words.end());
  }
  // From its next start on.
  void SetGatewayEnvironment(size_t index, std::map<std::string, std::string> environment) {
    options_.gateway_environment[index] = std::move(environment);
  }
  // One more gateway of the same settings, on a data folder and a socket of its own.
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
  // Where Redis keeps its append-only file.
  std::string RedisFolder() const;
  // redis-cli with these words: what it printed.
  std::string RedisCli(const std::vector<std::string>& words);
  std::string Metrics(size_t gateway) const;
  // The value of a metric without labels, or with exactly this text of labels; 0 if there is none.
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

// A random UUID in text, from a seed and a number: the same pair gives the same id.
std::string TestId(uint64_t seed, uint64_t number);
std::string PaymentBody(const std::string& id, const std::string& amount);

}  // namespace tollgate::testing
