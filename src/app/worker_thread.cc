#include "app/worker_thread.h"

#include <chrono>
#include <future>
#include <utility>

namespace tollgate::app {
namespace {

constexpr int64_t kMaintenanceNs = 500 * base::kNanosPerMilli;

}  // namespace

WorkerThread::WorkerThread(GatewayContext& context, RunIdKeeper& run_ids, size_t index,
                           size_t workers)
    : context_(context),
      run_ids_(run_ids),
      index_(index),
      metrics_(std::make_unique<metrics::ForwardMetrics>()),
      thread_(context.clock, "worker-" + std::to_string(index)) {
  net::EventLoop& loop = thread_.loop();
  forwarding_ = std::make_unique<ForwardingStack>(
      loop, context, context.queue, MakeForwarderOptions(context, workers, index), *metrics_);
  adoption_ = std::make_unique<TableAdoption>(loop, context, forwarding_->ledger());
  maintenance_ = std::make_unique<net::Timer>(loop, [this] { Maintain(); });
  barrier_ = context.place->MakeBarrier(loop, records_, forwarding_->ledger());
  loop.AddTurnHook([this] {
    if (barrier_ != nullptr) barrier_->OnTurn();
    forwarding_->Pump();
    adoption_->Pump();
  });
  forward::Forwarder& forwarder = forwarding_->forwarder();
  forward::WorkRing& ring = *context.queue.ring;
  loop.SetSleepGuard(&context.waiters.AddWaiter(
      loop, {.could_take = [&forwarder] { return forwarder.CouldTake(); },
             .queue_has = [&ring] { return ring.SizeApprox() != 0; }}));
  commits_ = context.queue.table->AddCommitListener([&loop] { loop.WakeUp(); });
}

// Objects on the loop are destroyed after its thread has ended.
WorkerThread::~WorkerThread() { Stop(); }

void WorkerThread::Start() {
  forwarding_->Start();
  if (barrier_ != nullptr) barrier_->Start();
  maintenance_->ArmIn(kMaintenanceNs);
  thread_.Start();
}

void WorkerThread::Records::Hold() {
  worker_.forwarding_->forwarder().HoldRecords();
  worker_.adoption_->HoldRecords();
}
void WorkerThread::Records::Release() {
  worker_.forwarding_->forwarder().ReleaseRecords();
  worker_.adoption_->ReleaseRecords();
}
ledger::HeldRecords WorkerThread::Records::records() const {
  return Worse(worker_.forwarding_->forwarder().records(), worker_.adoption_->records());
}

void WorkerThread::Maintain() {
  maintenance_->ArmIn(kMaintenanceNs);
  base::LogHeldBack();
  const std::string_view run_id = forwarding_->ReplayedRunId();
  if (!run_id.empty()) run_ids_.Replayed(index_, run_id);
  if (index_ == 0) context_.standing.store(forwarding_->ledger().standing());
  if (index_ != 0 || context_.config.durability == table::Durability::kMemory) return;
  adoption_->Maintain();
}

std::future<bool> WorkerThread::AskEmpty() {
  return thread_.Ask<bool>([this] {
    return forwarding_->forwarder().held() == 0 && context_.queue.ring->SizeApprox() == 0;
  });
}

void WorkerThread::BeginDrain() {
  thread_.loop().Post([this] {
    forwarding_->forwarder().BeginDrain();
    adoption_->BeginDrain();
  });
}

std::future<bool> WorkerThread::AskQuiet() {
  return thread_.Ask<bool>(
      [this] { return forwarding_->forwarder().quiet() && adoption_->quiet(); });
}

void WorkerThread::SayGone(int64_t ms) {
  auto said = std::make_shared<std::promise<void>>();
  auto done = said->get_future();
  thread_.loop().Post(
      [this, said] { forwarding_->ledger().SayGone([said] { said->set_value(); }); });
  done.wait_for(std::chrono::milliseconds(ms));
}

std::future<forward::Routing> WorkerThread::AskWhy() {
  return thread_.Ask<forward::Routing>([this] { return forwarding_->forwarder().Why(); });
}

}  // namespace tollgate::app
