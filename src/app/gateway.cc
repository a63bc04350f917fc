#include "tollgate/app/gateway.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <future>
#include <thread>

#include "app/acceptor_thread.h"
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

}  // namespace

// Members are destroyed in reverse order, also if they were not started. The health thread comes
// first, because its pages read workers and acceptors. Then come acceptors, then workers. The table
// and its syncing thread are last and wake no loop by then. Each thread ends before the objects on
// its loop are destroyed. The log stops after all of them (RunGateway).
struct Gateway::Impl {
  explicit Impl(const config::Config& config) : context(config) {}

  base::Status OpenTable();
  base::Status Listen();
  base::Status Build();
  std::string Metrics();
  template <typename Condition>
  bool WaitUntil(std::chrono::steady_clock::time_point deadline, Condition condition);
  size_t DrainAndStop();

  GatewayContext context;
  std::vector<base::UniqueFd> listeners;
  net::SocketFile socket_file;  // removed before its listener is closed
  std::unique_ptr<RunIdKeeper> run_ids;
  std::vector<std::unique_ptr<WorkerThread>> workers;
  std::vector<std::unique_ptr<AcceptorThread>> acceptors;
  std::unique_ptr<HealthThread> health;
};

base::Status Gateway::Impl::OpenTable() {
  const config::Config& config = context.config;
  if (config.durability != table::Durability::kMemory) {
    const std::string risk = table::FolderRisk(config.data_dir);
    if (!risk.empty()) base::LogWarning(risk);
  }
  auto opened = OpenOwnWorkQueue(config, context.directory, LogReporter());
  if (!opened.ok()) return opened.error();
  context.queue = std::move(opened).value();
  const table::RecoveryReport& report = context.queue.table->recovery();
  // Tables of other users do not count.
  const std::vector<std::string> tables = table::ListTables(config.data_dir);
  const auto usable = std::count_if(tables.begin(), tables.end(), [](const std::string& path) {
    return table::LookAt(path).state != table::TableSight::State::kNotUsable;
  });
  context.new_fleet = report.created && usable <= 1;
  if (config.durability == table::Durability::kMemory) {
    base::LogWarning("durability is memory: payments that wait die with this process");
    return base::OkStatus();
  }
  base::LogInfo("table " + context.queue.table->path() + ": " +
                (report.created ? "new"
                                : std::to_string(report.unfinished) + " to continue, " +
                                      std::to_string(report.resting) + " resting"));
  for (const auto& [processor, count] : report.sent_to_strangers) {
    base::LogError(AboutStranger(context.directory, processor, count));
  }
  if (report.damaged != 0) {
    base::LogError(std::to_string(report.damaged) + " damaged slots were set aside in " +
                   context.queue.table->path() + "; keep the file, and run `tollgate pending`");
  }
  return base::OkStatus();
}

base::Status Gateway::Impl::Listen() {
  const config::Config& config = context.config;
  if (!config.server_socket.empty()) {
    auto fd = net::ListenUnix(config.server_socket, &socket_file);
    if (!fd.ok()) return fd.error();
    listeners.push_back(std::move(fd).value());
  } else {
    const auto address = net::ParseAddress(config.listen);
    if (!address.ok()) return address.error();
    auto together = net::ListenTcpTogether(address.value(), acceptors.size());
    if (!together.ok()) return together.error();
    listeners = std::move(together).value();
  }
  for (size_t i = 0; i < acceptors.size(); ++i) {
    const bool shares = listeners.size() == 1;
    auto status =
        acceptors[i]->Listen(listeners[shares ? 0 : i].get(), shares && acceptors.size() > 1);
    if (!status.ok()) return status;
  }
  return base::OkStatus();
}

base::Status Gateway::Impl::Build() {
  const config::Config& config = context.config;
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
  run_ids = std::make_unique<RunIdKeeper>(*context.queue.table, config.workers);
  for (size_t i = 0; i < config.workers; ++i) {
    workers.push_back(std::make_unique<WorkerThread>(context, *run_ids, i, config.workers));
  }
  for (size_t i = 0; i < config.acceptors; ++i) {
    acceptors.push_back(std::make_unique<AcceptorThread>(context, i));
  }
  health = std::make_unique<HealthThread>(
      context, api::AdminPages{.metrics = [this] { return Metrics(); },
                               .routing = [this] { return RoutingPage(context, workers); }});
  if (!config.admin_listen.empty()) {
    status = health->ListenAdmin(config.admin_listen);
    if (!status.ok()) return status;
  }
  return Listen();
}

std::string Gateway::Impl::Metrics() {
  metrics::ExpositionSources sources;
  for (const auto& acceptor : acceptors) sources.accept.push_back(&acceptor->metrics());
  for (const auto& worker : workers) {
    sources.forward.push_back(&worker->metrics());
    sources.forward.push_back(&worker->adopted_metrics());
  }
  for (size_t id = 0; id < context.directory.size(); ++id) {
    sources.processors.push_back(context.directory.Label(static_cast<payments::ProcessorId>(id)));
  }
  for (size_t outcome = 0; outcome < upstream::kPostOutcomes; ++outcome) {
    sources.outcomes.emplace_back(upstream::Name(static_cast<upstream::PostOutcome>(outcome)));
  }
  const auto sum = [this](auto counter) {
    uint64_t total = 0;
    for (const auto& acceptor : acceptors) total += counter(acceptor->counters()).value();
    return static_cast<double>(total);
  };
  sources.extra = {
      {"tollgate_queue_depth", "Payments that wait in the ring.", false,
       [this] { return static_cast<double>(context.queue.ring->SizeApprox()); }},
      {"tollgate_table_slots", "Payments that can be pending.", false,
       [this] { return static_cast<double>(context.queue.table->slot_count()); }},
      {"tollgate_table_used", "Slots in use.", false,
       [this] { return static_cast<double>(context.queue.table->UsedApprox()); }},
      {"tollgate_table_damaged", "Slots set aside.", false,
       [this] { return static_cast<double>(context.queue.table->recovery().damaged); }},
      {"tollgate_silent_claims", "Payments on the books whose gateways are silent.", false,
       [this] { return static_cast<double>(health->silence().claims()); }},
      {"tollgate_silent_owners", "Gateways that are silent and have such payments.", false,
       [this] { return static_cast<double>(health->silence().owners()); }},
      {"tollgate_connections_total", "Connections taken.", true,
       [=] { return sum([](const auto& c) -> const auto& { return c.connections; }); }},
      {"tollgate_requests_total", "Requests, whole and well-formed.", true,
       [=] { return sum([](const auto& c) -> const auto& { return c.requests; }); }},
      {"tollgate_bad_requests_total", "Requests that broke the rules of HTTP.", true,
       [=] { return sum([](const auto& c) -> const auto& { return c.bad_requests; }); }},
      {"tollgate_timeouts_total", "Connections ended by a time limit.", true,
       [=] { return sum([](const auto& c) -> const auto& { return c.timeouts; }); }},
      {"tollgate_accept_pauses_total", "Pauses of accepting for want of room.", true,
       [=] { return sum([](const auto& c) -> const auto& { return c.accept_pauses; }); }},
      {"tollgate_connections", "Connections of clients that are open.", false,
       [=] {
         return sum([](const auto& c) -> const auto& { return c.connections; }) -
                sum([](const auto& c) -> const auto& { return c.closed; });
       }},
      {"tollgate_connections_most", "Connections of clients that the fullest acceptor has.", false,
       [this] { return static_cast<double>(context.clients.most_count()); }},
      {"tollgate_evicted_total", "Connections ended to let another in.", true,
       [=] { return sum([](const auto& c) -> const auto& { return c.evicted; }); }},
      {"tollgate_client_memory_full_total", "Requests refused for want of client_bytes_max.", true,
       [=] { return sum([](const auto& c) -> const auto& { return c.memory_full; }); }},
      {"tollgate_client_memory_bytes", "Half-read requests and unread answers.", false,
       [this] { return static_cast<double>(context.clients.memory_used()); }},
  };
  return metrics::RenderMetrics(sources);
}

template <typename Condition>
bool Gateway::Impl::WaitUntil(std::chrono::steady_clock::time_point deadline, Condition condition) {
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

size_t Gateway::Impl::DrainAndStop() {
  const auto began = std::chrono::steady_clock::now();
  const auto deadline = began + milliseconds(context.config.drain_timeout_ms);
  context.draining.store(true);
  if (!context.config.server_socket.empty()) {
    // New clients do not find the socket. Those that already connect are still accepted.
    socket_file.Remove();
    std::this_thread::sleep_for(milliseconds(20));
  }
  for (const auto& acceptor : acceptors) acceptor->BeginDrain();
  // Waits until all return true, and no longer than `until`, even if a disk blocks a loop.
  using Until = std::chrono::steady_clock::time_point;
  const auto wait_for_all = [this](const auto& threads, auto ask, Until until) {
    WaitUntil(until, [&] {
      return std::all_of(threads.begin(), threads.end(), [&](const auto& it) {
        return LoopThread::Await(ask(*it), until).value_or(false);
      });
    });
  };
  const auto ask_idle = [](AcceptorThread& it) { return it.AskIdle(); };
  wait_for_all(acceptors, ask_idle, deadline);
  for (const auto& acceptor : acceptors) acceptor->Stop();
  listeners.clear();
  // Payments are finished as usual. Shortly before the deadline no new attempt starts.
  const auto last_call =
      deadline - milliseconds(std::min<int64_t>(context.config.drain_timeout_ms / 4, 1'000));
  const auto ask_empty = [](WorkerThread& it) { return it.AskEmpty(); };
  wait_for_all(workers, ask_empty, last_call);
  for (const auto& worker : workers) worker->BeginDrain();
  const auto ask_quiet = [](WorkerThread& it) { return it.AskQuiet(); };
  wait_for_all(workers, ask_quiet, deadline);
  health->Stop();
  for (size_t i = workers.size(); i-- > 1;) workers[i]->Stop();
  // A table in memory ends with the process, and so do its claims. Any other table continues at the
  // next start.
  if (context.config.durability == table::Durability::kMemory) workers.front()->SayGone(200);
  workers.front()->Stop();
  size_t left = 0;
  for (const table::SlotIndex slot : table::AllSlots(context.queue.table->slot_count())) {
    const auto state = context.queue.table->Status(slot).state;
    if (state != table::SlotState::kFree && state != table::SlotState::kFreeBooked) ++left;
  }
  return left;
}

base::Result<std::unique_ptr<Gateway>> Gateway::Create(const config::Config& config) {
  auto impl = std::make_unique<Impl>(WithinCapacity(config));
  const auto status = impl->Build();
  if (!status.ok()) return status.error();
  return std::unique_ptr<Gateway>(new Gateway(std::move(impl)));
}

Gateway::Gateway(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Gateway::~Gateway() = default;

void Gateway::Start() {
  impl_->context.queue.table->StartCommits();
  for (const auto& worker : impl_->workers) worker->Start();
  impl_->health->Start();
  for (const auto& acceptor : impl_->acceptors) acceptor->Start();
}

size_t Gateway::DrainAndStop() { return impl_->DrainAndStop(); }

}  // namespace tollgate::app
