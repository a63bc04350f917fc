#include "app/health_thread.h"

#include <chrono>
#include <future>
#include <random>

#include "app/capacity.h"
#include "tollgate/net/listener.h"
#include "tollgate/upstream/processor_protocol.h"

namespace tollgate::app {
namespace {

std::vector<upstream::GetTarget> MakeHealthTargets(const config::Config& config) {
  std::vector<upstream::GetTarget> targets;
  for (const auto& processor : config.processors) {
    targets.push_back(upstream::MakeHealthTarget(processor));
  }
  return targets;
}

std::string RandomToken() {
  std::random_device device;
  std::string token;
  for (int i = 0; i < 4; ++i) token += std::to_string(device());
  return token;
}

}  // namespace

HealthThread::HealthThread(GatewayContext& context, api::AdminPages pages)
    : thread_(context.clock, "health"),
      silence_(thread_.loop(), *context.place, context.config.takeover_after_ms, LogReporter()) {
  net::EventLoop& loop = thread_.loop();
  lease_ = context.place->MakeLeaseStore(loop, context.queue.memory.get());
  getter_ = std::make_unique<upstream::HttpGetter>(
      loop, MakeHealthTargets(context.config),
      [this](size_t target, const upstream::GetAnswer& answer) {
        monitor_->OnAnswer(target, upstream::ReadHealth(answer));
      });
  health::MonitorOptions options;
  for (const auto& processor : context.config.processors) {
    options.processors.push_back(processor.name);
  }
  options.token = RandomToken();
  options.poll_interval_ms = context.config.health_interval_ms;
  options.believed_ms_max = 3 * context.config.health_interval_ms;
  options.seed = static_cast<uint64_t>(context.clock.MonotonicNanos());
  options.report = LogReporter();
  monitor_ =
      std::make_unique<health::Monitor>(loop, std::move(options), *lease_, context.health,
                                        [this](size_t target) { return getter_->Get(target); });
  admin_ = std::make_unique<api::AdminHandler>(
      std::move(pages), api::Readiness{.draining = context.draining, .standing = context.standing});
  server_ =
      std::make_unique<server::HttpServer>(loop, MakeAdminServerOptions(context.config), *admin_);
}

// Objects on the loop are destroyed after its thread has ended.
HealthThread::~HealthThread() { thread_.StopAndJoin(); }

base::Status HealthThread::ListenAdmin(const std::string& text) {
  const auto address = net::ParseAddress(text);
  if (!address.ok()) return address.error();
  auto listener = address.value().is_unix()
                      ? net::ListenUnix(address.value().unix_path, &socket_file_)
                      : net::ListenTcp(address.value(), false);
  if (!listener.ok()) return listener.error();
  listener_ = std::move(listener).value();
  return server_->Listen(listener_.get(), false);
}

void HealthThread::Start() {
  lease_->Start();
  silence_.Start();
  thread_.loop().Post([this] { monitor_->Start(); });
  thread_.Start();
}

void HealthThread::Stop() {
  // The lease expires by itself if Redis does not answer in time.
  auto released = std::make_shared<std::promise<void>>();
  auto done = released->get_future();
  thread_.loop().Post([this, released] { monitor_->Stop([released] { released->set_value(); }); });
  done.wait_for(std::chrono::milliseconds(300));
  thread_.StopAndJoin();
  socket_file_.Remove();
}

}  // namespace tollgate::app
