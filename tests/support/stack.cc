#include "tests/support/stack.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "tollgate/base/assert.h"

namespace tollgate::testing {

namespace {

// A number in a flat JSON answer, by name. Simple on purpose, for tests only.
double NumberAfter(const std::string& text, const std::string& name, size_t from) {
  const size_t at = text.find("\"" + name + "\":", from);
  return at == std::string::npos ? 0 : std::strtod(text.c_str() + at + name.size() + 3, nullptr);
}

std::string TextAfter(const std::string& line, const std::string& name) {
  const std::string key = "\"" + name + "\":\"";
  const size_t at = line.find(key);
  if (at == std::string::npos) return {};
  const size_t begin = at + key.size();
  return line.substr(begin, line.find('"', begin) - begin);
}

// Other builds of the two programs can be tested and measured with the same tests.
std::string ProgramOr(const char* variable, const char* usual) {
  const char* const path = std::getenv(variable);
  return path != nullptr ? path : usual;
}

}  // namespace

Stack::Stack(StackOptions options) : options_(std::move(options)), gateways_(options_.gateways) {
  front_ = "127.0.0.1:" + std::to_string(FreePort());
  for (auto& address : processor_addresses_) address = "127.0.0.1:" + std::to_string(FreePort());
  for (size_t i = 0; i < options_.gateways; ++i) mkdir(DataFolder(i).c_str(), 0755);
  mkdir(RedisFolder().c_str(), 0755);
}

Stack::~Stack() {
  // Senders end before receivers.
  haproxy_.Kill();
  for (auto& gateway : gateways_) gateway.Kill();
}

std::string Stack::GatewaySocket(size_t index) const {
  return folder_ / ("gateway-" + std::to_string(index + 1) + ".sock");
}
std::string Stack::AdminSocket(size_t index) const {
  return folder_ / ("admin-" + std::to_string(index + 1) + ".sock");
}
std::string Stack::DataFolder(size_t index) const {
  return folder_ / ("data-" + std::to_string(index + 1));
}

std::string Stack::RedisFolder() const {
  return options_.redis_folder.empty() ? folder_.path() : folder_ / options_.redis_folder;
}

std::string Stack::RedisCli(const std::vector<std::string>& words) {
  const std::string log = folder_ / ("redis-cli-" + std::to_string(++redis_cli_calls_) + ".log");
  std::vector<std::string> argv{"redis-cli", "-s", RedisSocket()};
  argv.insert(argv.end(), words.begin(), words.end());
  ChildProcess client(argv, log);
  EXPECT_EQ(client.WaitExit(20'000), 0) << client.Log();
  return client.Log();
}

std::string Stack::Metrics(size_t gateway) const {
  return HttpClient(AdminSocket(gateway)).Get("/metrics").body;
}

double Stack::Metric(size_t gateway, const std::string& name) const {
  const std::string text = "\n" + Metrics(gateway);
  const size_t at = text.find("\n" + name + " ");
  return at == std::string::npos ? 0 : std::strtod(text.c_str() + at + name.size() + 2, nullptr);
}

void Stack::StartRedis() {
  std::vector<std::string> argv{"redis-server",
                                "--port",
                                "0",
                                "--unixsocket",
                                RedisSocket(),
                                "--dir",
                                RedisFolder(),
                                "--appendonly",
                                "yes",
                                "--appendfsync",
                                "everysec",
                                "--save",
                                "",
                                "--loglevel",
                                "warning"};
  argv.insert(argv.end(), options_.redis_arguments.begin(), options_.redis_arguments.end());
  redis_ = ChildProcess(argv, folder_ / "redis.log");
}

void Stack::StartProcessor(size_t index) {
  const std::string name = "processor-" + std::to_string(index + 1);
  std::vector<std::string> argv{ProgramOr("TOLLGATE_TEST_SIM", TOLLGATE_SIM_BINARY), "--listen",
                                processor_addresses_[index], "--fee", index == 0 ? "0.05" : "0.15"};
  if (options_.keep_processor_books) {
    argv.insert(argv.end(), {"--books", folder_ / (name + ".books")});
  }
  processors_[index] = ChildProcess(argv, folder_ / (name + ".log"));
  ASSERT_TRUE(Eventually([&] {
    return HttpClient(processor_addresses_[index]).Get("/payments/service-health").status != 0;
  })) << processors_[index].Log();
}

std::vector<std::string> Stack::GatewayWords(const std::string& data_folder,
                                             const std::string& socket) {
  std::vector<std::string> argv = options_.gateway_wrapper;
  argv.insert(argv.end(), {ProgramOr("TOLLGATE_TEST_BINARY", TOLLGATE_BINARY), "--server-socket",
                           socket, "--redis-socket", RedisSocket(), "--data-dir", data_folder,
                           "--default-url", "http://" + processor_addresses_[0], "--fallback-url",
                           "http://" + processor_addresses_[1], "--allow-purge=true",
                           // The load has no pauses; the default is for 13,000 a second.
                           "--table-slots", "262144"});
  argv.insert(argv.end(), options_.gateway_arguments.begin(), options_.gateway_arguments.end());
  return argv;
}

ChildProcess Stack::StartAnother(const std::string& data_folder, const std::string& socket) {
  return {GatewayWords(data_folder, socket), socket + ".log"};
}

void Stack::StartGateway(size_t index) {
  std::vector<std::string> argv = GatewayWords(DataFolder(index), GatewaySocket(index));
  argv.insert(argv.end(), {"--admin-listen", AdminSocket(index)});
  const auto environment = options_.gateway_environment.find(index);
  gateways_[index] = ChildProcess(argv, folder_ / ("gateway-" + std::to_string(index + 1) + ".log"),
                                  environment == options_.gateway_environment.end()
                                      ? std::map<std::string, std::string>{}
                                      : environment->second);
}

void Stack::StartHaproxy() {
  haproxy_ =
      ChildProcess({"haproxy", "-db", "-f", TOLLGATE_SOURCE_DIR "/haproxy/haproxy.cfg"},
                   folder_ / "haproxy.log", {{"SOCKETS", folder_.path()}, {"LISTEN", front_}});
}

bool Stack::WaitReady(size_t gateway) {
  return Eventually(
      [&] { return HttpClient(GatewaySocket(gateway)).Get("/readyz").status == 200; });
}

void Stack::Start() {
  StartRedis();
  for (size_t i = 0; i < 2 && options_.start_processors; ++i) StartProcessor(i);
  for (size_t i = 0; i < options_.gateways; ++i) StartGateway(i);
  for (size_t i = 0; i < options_.gateways; ++i) ASSERT_TRUE(WaitReady(i)) << Logs();
  ASSERT_TRUE(Eventually([&] { return !Summary(GatewaySocket(0)).empty(); })) << Logs();
  if (!options_.haproxy) return;
  StartHaproxy();
  ASSERT_TRUE(Eventually([&] { return !Summary(front_).empty(); })) << Logs();
}

void Stack::Configure(size_t processor, const std::string& path, const std::string& json) {
  HttpClient client(processor_addresses_[processor]);
  const HttpAnswer answer = client.Put(path, json, "X-Rinha-Token: 123\r\n");
  ASSERT_TRUE(answer.status == 200 || answer.status == 204)
      << path << " " << json << " answered " << answer.status << " " << answer.body;
}

Holdings Stack::Held(size_t processor) {
  HttpClient client(processor_addresses_[processor], 60'000);
  const HttpAnswer answer = client.Get("/admin/payments", "X-Rinha-Token: 123\r\n");
  TG_ASSERT(answer.status == 200);
  Holdings holdings;
  std::istringstream lines(answer.body);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    const std::string id = TextAfter(line, "correlationId");
    TG_ASSERT(!id.empty());
    const bool added =
        holdings
            .emplace(id, HeldPayment{std::llround(NumberAfter(line, "amountCents", 0)),
                                     std::llround(NumberAfter(line, "requestedAtMs", 0))})
            .second;
    TG_ASSERT(added);
  }
  return holdings;
}

std::map<std::string, Stack::Totals> Stack::Summary(const std::string& address,
                                                    const std::string& query) {
  const HttpAnswer answer = HttpClient(address).Get("/payments-summary" + query);
  if (answer.status != 200) return {};
  std::map<std::string, Totals> totals;
  for (const char* name : {"default", "fallback"}) {
    const size_t at = answer.body.find("\"" + std::string(name) + "\"");
    if (at == std::string::npos) return {};
    totals[name] = {std::llround(NumberAfter(answer.body, "totalRequests", at)),
                    std::llround(NumberAfter(answer.body, "totalAmount", at) * 100)};
  }
  return totals;
}

std::map<std::string, Stack::Totals> Stack::HeldTotals() {
  std::map<std::string, Totals> totals;
  for (size_t i = 0; i < 2; ++i) {
    Totals& sum = totals[i == 0 ? "default" : "fallback"];
    for (const auto& [id, payment] : Held(i)) {
      ++sum.count;
      sum.cents += payment.cents;
    }
  }
  return totals;
}

std::string Stack::Logs() const {
  std::string text = "\n--- redis\n" + redis_.Log() + "\n--- haproxy\n" + haproxy_.Log();
  for (const auto& gateway : gateways_) text += "\n--- gateway\n" + gateway.Log();
  for (const auto& processor : processors_) text += "\n--- processor\n" + processor.Log();
  return text;
}

std::string TestId(uint64_t seed, uint64_t number) {
  // splitmix64, twice.
  const auto mix = [](uint64_t x) {
    x += 0x9E3779B97F4A7C15U;
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31U);
  };
  const uint64_t high = mix(seed * 0x100000001B3U + number);
  const uint64_t low = mix(high ^ number);
  char text[37];
  std::snprintf(text, sizeof(text), "%08x-%04x-4%03x-a%03x-%012llx",
                static_cast<unsigned>(high >> 32U), static_cast<unsigned>(high >> 16U & 0xFFFFU),
                static_cast<unsigned>(high & 0xFFFU), static_cast<unsigned>(low >> 48U & 0xFFFU),
                static_cast<unsigned long long>(low & 0xFFFFFFFFFFFFU));
  return text;
}

std::string PaymentBody(const std::string& id, const std::string& amount) {
  return R"({"correlationId":")" + id + R"(","amount":)" + amount + "}";
}

}  // namespace tollgate::testing
