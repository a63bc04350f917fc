#include "tollgate/app/commands.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

#include "app/gateway_context.h"
#include "app/signals.h"
#include "tollgate/app/gateway.h"
#include "tollgate/base/clock.h"
#include "tollgate/base/json_writer.h"
#include "tollgate/base/logging.h"
#include "tollgate/base/startup_pages.h"
#include "tollgate/base/unique_fd.h"
#include "tollgate/config/processors.h"
#include "tollgate/net/listener.h"
#include "tollgate/payments/money.h"
#include "tollgate/payments/processor_directory.h"
#include "tollgate/payments/timestamp.h"
#include "tollgate/payments/uuid.h"

namespace tollgate::app {
namespace {

int Fail(const std::string& message) {
  base::PrintError(message);
  return 1;
}

base::UniqueFd Connect(const net::Address& address) {
  if (address.is_unix()) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, address.unix_path.c_str(), sizeof(name.sun_path) - 1);
    base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto* const any = reinterpret_cast<const sockaddr*>(&name);
    return ::connect(fd.get(), any, sizeof(name)) == 0 ? std::move(fd) : base::UniqueFd();
  }
  const bool all = address.host.empty() || address.host == "0.0.0.0" || address.host == "::";
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const std::string host = all ? "localhost" : address.host;
  if (::getaddrinfo(host.c_str(), std::to_string(address.port).c_str(), &hints, &list) != 0) {
    return {};
  }
  base::UniqueFd fd;
  for (const addrinfo* it = list; it != nullptr; it = it->ai_next) {
    fd.reset(::socket(it->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(fd.get(), it->ai_addr, it->ai_addrlen) == 0) break;
    fd.reset();
  }
  ::freeaddrinfo(list);
  return fd;
}

std::string PendingJson(const table::PaymentTable::Snapshot& it,
                        const payments::ProcessorDirectory& directory) {
  const bool sent = it.status.processor != payments::kNoProcessor;
  std::string text;
  base::JsonWriter json(text);
  json.BeginObject().Key("correlationId").String(payments::ToString(it.payment.id));
  json.Key("state").String(table::Name(it.status.state));
  json.Key("amount").Decimal(payments::CentsToString(it.payment.amount_cents));
  json.Key("acceptedAt").String(payments::TimestampToString(it.accepted_at_ms));
  json.Key("processor").String(sent ? directory.Label(it.status.processor) : "");
  json.Key("attempt").Number(it.status.attempt).EndObject();
  return text;
}

void PrintPending(const table::PaymentTable::Snapshot& it,
                  const payments::ProcessorDirectory& directory) {
  const bool sent = it.status.processor != payments::kNoProcessor;
  const std::string processor = sent ? directory.Label(it.status.processor) : "-";
  std::printf(
      "  %s  %-10s %16s  %s  %-12s %d\n", payments::ToString(it.payment.id).c_str(),
      table::Name(it.status.state), payments::CentsToString(it.payment.amount_cents).c_str(),
      payments::TimestampToString(it.accepted_at_ms).c_str(), processor.c_str(), it.status.attempt);
}

// The first bytes of the answer of /readyz. Empty if the gateway ended the connection, which
// happens when it has too many clients.
std::string AskReadiness(const net::Address& address, int64_t patience_ms, bool* connected) {
  const base::UniqueFd fd = Connect(address);
  *connected = fd.valid();
  if (!fd.valid()) return {};
  const timeval patience{.tv_sec = patience_ms / 1000, .tv_usec = patience_ms % 1000 * 1000};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  constexpr std::string_view kRequest =
      "GET /readyz HTTP/1.1\r\nHost: tollgate\r\nConnection: close\r\n\r\n";
  char answer[32] = {};
  if (::send(fd.get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL) < 0 ||
      ::recv(fd.get(), answer, sizeof(answer) - 1, MSG_WAITALL) < 12) {
    return {};
  }
  return answer;
}

}  // namespace

int RunGateway(const config::Config& config) {
  BlockSignals();
  table::ExitWithAWordIfATableIsLost();
  base::StartLogging(config.log_level);
  for (const std::string& note : config.notes) base::LogWarning(note);
  auto gateway = Gateway::Create(config);
  if (!gateway.ok()) {
    base::StopLogging();
    return Fail(gateway.error().message);
  }
  const auto returned = base::ReleaseStartupPages();
  if (!returned.ok()) {
    base::LogInfo("more memory stays resident than is needed: " + returned.error().message);
  }
  gateway.value()->Start();
  base::LogInfo("taking payments on " +
                (config.server_socket.empty() ? config.listen : config.server_socket) + " with " +
                std::to_string(config.acceptors) + " acceptors and " +
                std::to_string(config.workers) + " workers");
  const std::string signal = WaitForStop();
  base::LogInfo("stopping on " + signal + ": no more payments are taken; finishing what is in");
  const size_t left = gateway.value()->DrainAndStop();
  gateway.value().reset();  // its threads may write to the log until they end
  if (left == 0) {
    base::LogInfo("stopped; nothing is left");
  } else if (config.durability == table::Durability::kMemory) {
    base::LogError("stopped; " + std::to_string(left) + " payments die with this process");
  } else {
    base::LogInfo("stopped; " + std::to_string(left) +
                  " payments stay in the table and go on at the next start");
  }
  base::StopLogging();
  return 0;
}

int CheckHealth(const config::Config& config) {
  constexpr int64_t kPatienceMs = 2'000;
  const auto address = net::ParseAddress(
      config.server_socket.empty() ? config.listen : "unix:" + config.server_socket);
  if (!address.ok()) return Fail(address.error().message);
  const std::string where = net::ToString(address.value());
  const base::SystemClock clock;
  const int64_t until_ns = clock.MonotonicNanos() + kPatienceMs * base::kNanosPerMilli;
  for (;;) {
    const int64_t left_ms = (until_ns - clock.MonotonicNanos()) / base::kNanosPerMilli;
    if (left_ms <= 0) return Fail("no answer on " + where);
    bool connected = false;
    const std::string answer = AskReadiness(address.value(), left_ms, &connected);
    if (!connected) return Fail("no server answers on " + where + "; is the gateway running?");
    if (answer.empty()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      continue;
    }
    const std::string status = answer.substr(9, 3);
    if (status != "200") return Fail(std::string("not ready: ").append(status) + " on " + where);
    std::printf("ready\n");
    return 0;
  }
}

int ListPending(const config::Config& config, bool json) {
  table::ExitWithAWordIfATableIsLost();
  int worst = 0;
  for (const std::string& path : table::ListTables(config.data_dir)) {
    // Each table has a directory of its own, so their names do not fill one.
    payments::ProcessorDirectory directory(config::ProcessorNames(config),
                                           config::ProcessorIdentities(config));
    const auto pending = table::ReadPending(path, directory);
    if (!pending.ok()) {
      worst = Fail(pending.error().message);
      continue;
    }
    if (!json) {
      std::printf("%s: %zu pending, %s\n", path.c_str(), pending.value().size(),
                  table::IsLocked(path) ? "in use" : "not in use");
      if (!pending.value().empty()) {
        std::printf("  %-36s  %-10s %16s  %-24s  %-12s %s\n", "correlationId", "state", "amount",
                    "accepted", "processor", "attempt");
      }
    }
    for (const auto& it : pending.value()) {
      if (json) {
        std::puts(PendingJson(it, directory).c_str());
      } else {
        PrintPending(it, directory);
      }
    }
  }
  return worst;
}

}  // namespace tollgate::app
