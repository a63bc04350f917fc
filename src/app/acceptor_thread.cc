#include "app/acceptor_thread.h"

#include "tollgate/base/logging.h"

namespace tollgate::app {
namespace {

constexpr size_t kSummariesMax = 256;  // waiting, per acceptor

// Queries are answered within a second (docs/openapi.yaml), with 503 if the books do not respond.
// Commands for payments have the full time-out.
constexpr int64_t kQuestionMsMax = 900;

}  // namespace

AcceptorThread::AcceptorThread(GatewayContext& context, size_t index)
    : metrics_(std::make_unique<metrics::AcceptorMetrics>()),
      realtime_(context.config.acceptor_realtime),
      thread_(context.clock, "acceptor-" + std::to_string(index)) {
  net::EventLoop& loop = thread_.loop();
  // This connection reports nothing, because those of the workers report the same.
  const api::GatewayOptions options{.allow_purge = context.config.allow_purge,
                                    .body_bytes_max = context.config.server.parser.body_bytes_max};
  // Summaries have room of their own besides the look-ups.
  books_ = context.place->MakeBooks(
      loop, context.directory, context.queue.memory.get(),
      {.timeout_ms = kQuestionMsMax, .queries_max = options.lookups_max + kSummariesMax});
  books_->OnInexactSummary([this] { metrics_->inexact_summaries.Add(); });
  handler_ = std::make_unique<api::GatewayHandler>(
      options,
      api::GatewayParts{.loop = loop,
                        .table = *context.queue.table,
                        .ring = *context.queue.ring,
                        .waiters = context.waiters,
                        .books = *books_,
                        .directory = context.directory,
                        .metrics = *metrics_,
                        .visits = context.health.visits(),
                        .readiness = {.draining = context.draining, .standing = context.standing}});
  server_ =
      std::make_unique<server::HttpServer>(loop, context.config.server, *handler_, context.clients);
  loop.AddTurnHook([this] { handler_->OnTurnEnd(); });
  if (context.config.durability == table::Durability::kDisk) {
    commits_ = context.queue.table->AddCommitListener([&loop] { loop.WakeUp(); });
  }
}

// Objects on the loop are destroyed after its thread has ended.
AcceptorThread::~AcceptorThread() { Stop(); }

void AcceptorThread::Start() {
  books_->Start();
  thread_.loop().Post([this] { TakePrecedence(); });
  thread_.Start();
}

// An acceptor should not wait until a worker's time slice is over.
void AcceptorThread::TakePrecedence() {
  const base::Status asked = base::SetTimeSlice(base::kTimeSliceMinNs);
  if (!asked.ok()) {
    base::LogInfo(
        "acceptor: no short time slices, so answers may come later while all CPUs are "
        "busy; allow sched_setattr to have them: " +
        asked.error().message);
  }
  if (!realtime_) return;
  // Most containers do not allow it. The gateway works well without it.
  const base::Status begun = boost_.Begin(thread_.loop().now_ns());
  if (!begun.ok()) {
    base::Log(base::LogLevel::kDebug,
              "acceptor: at the normal priority; root, CAP_SYS_NICE or RLIMIT_RTPRIO would allow "
              "it a higher one: " +
                  begun.error().message);
    return;
  }
  thread_.loop().AddTurnHook([this] {
    const base::Status turned = boost_.OnTurn(thread_.loop().now_ns());
    if (!turned.ok()) base::LogWarning("acceptor: its priority stays: " + turned.error().message);
  });
}

void AcceptorThread::BeginDrain() {
  thread_.loop().Post([this] { server_->StartDrain(); });
}

std::future<bool> AcceptorThread::AskIdle() {
  return thread_.Ask<bool>([this] { return server_->idle(); });
}

}  // namespace tollgate::app
