#include "app/intake.h"

#include <algorithm>

#include "tollgate/base/logging.h"

namespace tollgate::app {
namespace {

constexpr size_t kSummariesMax = 256;  // that wait, of one acceptor's

// A question is answered within a second (docs/openapi.yaml), with 503 if Redis hangs. The commands
// that carry payments may take their time.
ledger::RedisOptions BooksOf(const config::Config& config) {
  constexpr int64_t kQuestionMsMax = 900;
  ledger::RedisOptions options = config.redis;
  options.command_timeout_ms = std::min(options.command_timeout_ms, kQuestionMsMax);
  return options;
}

}  // namespace

Intake::Intake(Shared& shared, size_t index)
    : metrics_(std::make_unique<metrics::AcceptMetrics>()),
      realtime_(shared.config.acceptor_realtime),
      thread_(shared.clock, "acceptor-" + std::to_string(index)) {
  net::EventLoop& loop = thread_.loop();
  // Its connection tells nothing: the workers' do, and would say the same.
  const api::GatewayOptions options{.allow_purge = shared.config.allow_purge,
                                    .body_bytes_max = shared.config.server.parser.body_bytes_max};
  // However many look-ups wait, summaries have room.
  books_ = std::make_unique<ledger::RedisBooks>(loop, BooksOf(shared.config), shared.directory,
                                                shared.queue.memory.get(),
                                                options.lookups_max + kSummariesMax);
  handler_ = std::make_unique<api::GatewayHandler>(
      options,
      api::GatewayParts{.loop = loop,
                        .table = *shared.queue.table,
                        .ring = *shared.queue.ring,
                        .sleepers = shared.sleepers,
                        .books = *books_,
                        .directory = shared.directory,
                        .metrics = *metrics_,
                        .readiness = {.draining = shared.draining, .standing = shared.standing}});
  server_ =
      std::make_unique<server::HttpServer>(loop, shared.config.server, *handler_, shared.clients);
  loop.AddTurnHook([this] { handler_->OnTurnEnd(); });
  if (shared.config.durability == table::Durability::kDisk) {
    commits_ = shared.queue.table->AddCommitListener([&loop] { loop.WakeUp(); });
  }
}

// What stands on the loop ends after its thread.
Intake::~Intake() { Stop(); }

void Intake::Start() {
  books_->Start();
  thread_.loop().Post([this] { TakePrecedence(); });
  thread_.Start();
}

// Who answers must not wait until the slice of a worker is over.
void Intake::TakePrecedence() {
  const base::Status asked = base::AskForTimeSlice(base::kTimeSliceMinNs);
  if (!asked.ok()) {
    base::LogInfo(
        "acceptor: no short time slices, so answers may come later while all CPUs are "
        "busy; allow sched_setattr to have them: " +
        asked.error().message);
  }
  if (!realtime_) return;
  // Most containers may not, and do well without.
  const base::Status begun = precedence_.Begin(thread_.loop().now_ns());
  if (!begun.ok()) {
    base::Log(base::LogLevel::kDebug,
              "acceptor: at the normal priority; root, CAP_SYS_NICE or RLIMIT_RTPRIO would allow "
              "it a higher one: " +
                  begun.error().message);
    return;
  }
  thread_.loop().AddTurnHook([this] {
    const base::Status turned = precedence_.OnTurn(thread_.loop().now_ns());
    if (!turned.ok()) base::LogWarning("acceptor: its priority stays: " + turned.error().message);
  });
}

void Intake::BeginDrain() {
  thread_.loop().Post([this] { server_->StartDrain(); });
}

std::future<bool> Intake::AskIdle() {
  return thread_.Ask<bool>([this] { return server_->idle(); });
}

}  // namespace tollgate::app
