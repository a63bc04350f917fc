#include "tollgate/app/gateway.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <future>
#include <thread>

#include "app/acceptor_thread.h"
#include "app/books_folder.h"
#include "app/capacity.h"
#include "app/health_thread.h"
#include "app/routing_page.h"
#include "app/worker_thread.h"
#include "tollgate/metrics/exposition.h"
#include "tollgate/net/listener.h"
#include "tollgate/table/data_folder.h"
#include "tollgate/upstream/processor_client.h"

namespace tollgate::app {
namespace {

using std::chrono::milliseconds;

template <typename Condition>
bool WaitUntil(std::chrono::steady_clock::time_point deadline, Condition condition) {
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

// True if a table in the folder, beside the instance's own new one, may have been told to books.
bool OthersMayKnowBooks(const config::Config& config) {
  size_t telling = 0;
  for (const std::string& path : table::ListTables(config.data_dir)) {
    // Tables of other users do not count.
    if (table::LookAt(path).state == table::TableSight::State::kNotUsable) continue;
    // Versions without books in a file did not store which books a table is told to.
    if (config.books == ledger::PlaceKind::kFile) {
      const auto facts = table::ReadFacts(path);
      if (facts.ok() && facts.value().books == payments::Uuid{} && !facts.value().known_to_books) {
        continue;
      }
      return true;
    }
    ++telling;
  }
  return telling > 1;
}

}  // namespace

Gateway::Gateway(const config::Config& config)
    : context_(std::make_unique<GatewayContext>(config)) {}
Gateway::~Gateway() = default;

base::Result<std::unique_ptr<Gateway>> Gateway::Create(const config::Config& config) {
  std::unique_ptr<Gateway> gateway(new Gateway(WithinCapacity(config)));
  const auto status = gateway->Build();
  if (!status.ok()) return status.error();
  return gateway;
}

void Gateway::Start() {
  context_->queue.table->StartCommits();
  for (const auto& worker : workers_) worker->Start();
  health_->Start();
  for (const auto& acceptor : acceptors_) acceptor->Start();
}

base::Status Gateway::OpenTable() {
  const config::Config& config = context_->config;
  if (config.durability != table::Durability::kMemory) {
    const std::string risk = table::FolderRisk(config.data_dir);
    if (!risk.empty()) base::LogWarning(risk);
  }
  auto opened = OpenOwnWorkQueue(config, context_->directory, LogReporter());
  if (!opened.ok()) return opened.error();
  context_->queue = std::move(opened).value();
  const table::RecoveryReport& report = context_->queue.table->recovery();
  context_->new_fleet = report.created && !OthersMayKnowBooks(config);
  if (config.durability == table::Durability::kMemory) {
    base::LogWarning("durability is memory: payments that wait die with this process");
    return base::OkStatus();
  }
  base::LogInfo("table " + context_->queue.table->path() + ": " +
                (report.created ? "new"
                                : std::to_string(report.unfinished) + " to continue, " +
                                      std::to_string(report.resting) + " resting"));
  for (const auto& [processor, count] : report.sent_to_strangers) {
    base::LogError(AboutStranger(context_->directory, processor, count));
  }
  if (report.damaged != 0) {
    base::LogError(std::to_string(report.damaged) + " damaged slots were set aside in " +
                   context_->queue.table->path() + "; keep the file, and run `tollgate pending`");
  }
  return base::OkStatus();
}

base::Status Gateway::Listen() {
  const config::Config& config = context_->config;
  if (!config.server_socket.empty()) {
    auto fd = net::ListenUnix(config.server_socket, &socket_file_);
    if (!fd.ok()) return fd.error();
    listeners_.push_back(std::move(fd).value());
  } else {
    const auto address = net::ParseAddress(config.listen);
    if (!address.ok()) return address.error();
    auto together = net::ListenTcpTogether(address.value(), acceptors_.size());
    if (!together.ok()) return together.error();
    listeners_ = std::move(together).value();
  }
  for (size_t i = 0; i < acceptors_.size(); ++i) {
    const bool shares = listeners_.size() == 1;
    auto status =
        acceptors_[i]->Listen(listeners_[shares ? 0 : i].get(), shares && acceptors_.size() > 1);
    if (!status.ok()) return status;
  }
  return base::OkStatus();
}

base::Status Gateway::Build() {
  const config::Config& config = context_->config;
  // A start on an address in use fails before it touches the table.
  const auto address = net::ParseAddress(
      config.server_socket.empty() ? config.listen : "unix:" + config.server_socket);
  if (!address.ok()) return address.error();
  if (net::IsTaken(address.value())) {
    return base::Error{net::ToString(address.value()) +
                       " is served by another process; stop it, or choose another SERVER_SOCKET "
                       "or LISTEN"};
  }
  auto status = OpenTable();
  if (!status.ok()) return status;
  for (const std::string& line : AboutPlace(config)) base::LogInfo(line);
  if (config.books == ledger::PlaceKind::kFile) {
    const std::string risk = BooksFolderRisk(config.data_dir);
    if (!risk.empty()) base::LogWarning(risk);
  }
  context_->place = MakeGatewayPlace(config, context_->new_fleet);
  run_ids_ = std::make_unique<RunIdKeeper>(*context_->queue.table, config.workers);
  for (size_t i = 0; i < config.workers; ++i) {
    workers_.push_back(std::make_unique<WorkerThread>(*context_, *run_ids_, i, config.workers));
  }
  for (size_t i = 0; i < config.acceptors; ++i) {
    acceptors_.push_back(std::make_unique<AcceptorThread>(*context_, i));
  }
  health_ = std::make_unique<HealthThread>(
      *context_, api::AdminPages{.metrics = [this] { return Metrics(); },
                                 .routing = [this] { return RoutingPage(*context_, workers_); }});
  if (!config.admin_listen.empty()) {
    status = health_->ListenAdmin(config.admin_listen);
    if (!status.ok()) return status;
  }
  return Listen();
}

std::string Gateway::Metrics() {
  metrics::ExpositionSources sources;
  for (const auto& acceptor : acceptors_) sources.accept.push_back(&acceptor->metrics());
  for (const auto& worker : workers_) {
    sources.forward.push_back(&worker->metrics());
    sources.forward.push_back(&worker->adopted_metrics());
  }
  for (size_t id = 0; id < context_->directory.size(); ++id) {
    sources.processors.push_back(context_->directory.Label(static_cast<payments::ProcessorId>(id)));
  }
  for (size_t outcome = 0; outcome < upstream::kPostOutcomes; ++outcome) {
    sources.outcomes.emplace_back(upstream::Name(static_cast<upstream::PostOutcome>(outcome)));
  }
  const auto sum = [this](auto counter) {
    uint64_t total = 0;
    for (const auto& acceptor : acceptors_) total += counter(acceptor->counters()).value();
    return static_cast<double>(total);
  };
  sources.extra = {
      {"tollgate_queue_depth", "Payments that wait in the ring.", false,
       [this] { return static_cast<double>(context_->queue.ring->SizeApprox()); }},
      {"tollgate_table_slots", "Payments that can be pending.", false,
       [this] { return static_cast<double>(context_->queue.table->slot_count()); }},
      {"tollgate_table_used", "Slots in use.", false,
       [this] { return static_cast<double>(context_->queue.table->UsedApprox()); }},
      {"tollgate_table_damaged", "Slots set aside.", false,
       [this] { return static_cast<double>(context_->queue.table->recovery().damaged); }},
      {"tollgate_silent_claims", "Payments on the books whose gateways are silent.", false,
       [this] { return static_cast<double>(health_->silence().claims()); }},
      {"tollgate_silent_owners", "Gateways that are silent and have such payments.", false,
       [this] { return static_cast<double>(health_->silence().owners()); }},
      {"tollgate_connections_total", "Connections taken.", true,
       [=] { return sum([](const auto& c) -> const auto& { return c.connections; }); }},
      {"tollgate_requests_total", "Requests, whole and well-formed.", true,
       [=] { return sum([](const auto& c) -> const auto& { return c.requests; }); }},
      {"tollgate_bad_requests_total", "Requests that broke the rules of HTTP.", true,
       [=] { return sum([](const auto& c) -> const auto& { return c.bad_requests; }); }},
      {"tollgate_timeouts_total", "Connections ended by a time limit.", true,
       [=] { return sum([](const auto& c) -> const auto& { return c.timeouts; }); }},
      {"tollgate_accept_pauses_total", "Pauses of accepting because no connection was free.", true,
       [=] { return sum([](const auto& c) -> const auto& { return c.accept_pauses; }); }},
      {"tollgate_connections", "Connections of clients that are open.", false,
       [=] {
         return sum([](const auto& c) -> const auto& { return c.connections; }) -
                sum([](const auto& c) -> const auto& { return c.closed; });
       }},
      {"tollgate_connections_most", "Connections of clients that the fullest acceptor has.", false,
       [this] { return static_cast<double>(context_->clients.most_count()); }},
      {"tollgate_evicted_total", "Connections ended to let another in.", true,
       [=] { return sum([](const auto& c) -> const auto& { return c.evicted; }); }},
      {"tollgate_client_memory_full_total",
       "Requests refused because client_bytes_max was reached.", true,
       [=] { return sum([](const auto& c) -> const auto& { return c.memory_full; }); }},
      {"tollgate_client_memory_bytes", "Half-read requests and unread answers.", false,
       [this] { return static_cast<double>(context_->clients.memory_used()); }},
  };
  return metrics::RenderMetrics(sources);
}

size_t Gateway::DrainAndStop() {
  const auto began = std::chrono::steady_clock::now();
  const auto deadline = began + milliseconds(context_->config.drain_timeout_ms);
  context_->draining.store(true);
  if (!context_->config.server_socket.empty()) {
    // New clients do not find the socket. Those that already connect are still accepted.
    socket_file_.Remove();
    std::this_thread::sleep_for(milliseconds(20));
  }
  for (const auto& acceptor : acceptors_) acceptor->BeginDrain();
  // Waits until all return true, and no longer than `until`, even if a disk blocks a loop.
  using Until = std::chrono::steady_clock::time_point;
  const auto wait_for_all = [](const auto& threads, auto ask, Until until) {
    WaitUntil(until, [&] {
      return std::all_of(threads.begin(), threads.end(), [&](const auto& it) {
        return LoopThread::Await(ask(*it), until).value_or(false);
      });
    });
  };
  const auto ask_idle = [](AcceptorThread& it) { return it.AskIdle(); };
  wait_for_all(acceptors_, ask_idle, deadline);
  for (const auto& acceptor : acceptors_) acceptor->Stop();
  listeners_.clear();
  // Payments are finished as usual. Shortly before the deadline no new attempt starts.
  const auto last_call =
      deadline - milliseconds(std::min<int64_t>(context_->config.drain_timeout_ms / 4, 1'000));
  const auto ask_empty = [](WorkerThread& it) { return it.AskEmpty(); };
  wait_for_all(workers_, ask_empty, last_call);
  for (const auto& worker : workers_) worker->BeginDrain();
  const auto ask_quiet = [](WorkerThread& it) { return it.AskQuiet(); };
  wait_for_all(workers_, ask_quiet, deadline);
  health_->Stop();
  for (size_t i = workers_.size(); i-- > 1;) workers_[i]->Stop();
  // A table in memory ends with the process, and so do its claims. Any other table continues at the
  // next start.
  if (context_->config.durability == table::Durability::kMemory) workers_.front()->SayGone(200);
  workers_.front()->Stop();
  size_t left = 0;
  for (const table::SlotIndex slot : table::AllSlots(context_->queue.table->slot_count())) {
    const auto state = context_->queue.table->Status(slot).state;
    if (state != table::SlotState::kFree && state != table::SlotState::kFreeBooked) ++left;
  }
  return left;
}

}  // namespace tollgate::app
