#include "tollgate/ledger/redis_record_barrier.h"

#include <utility>

#include "ledger/redis_connection.h"
#include "ledger/summary_channels.h"

namespace tollgate::ledger {

struct RedisRecordBarrier::Impl {
  Impl(net::EventLoop& loop_in, const RedisOptions& options_in, RecordGate& gate,
       Publish publish_in)
      : loop(loop_in),
        options(options_in),
        publish(std::move(publish_in)),
        barrier(gate, options.summary_wait_ms * base::kNanosPerMilli,
                [this](const QuestionId& question) { AnswerTo(question); }),
        connection(loop, options, {},
                   {.on_ready = [this](const RedisFacts&) { Listen(); },
                    .on_lost = [this] { barrier.Forget(); }}),
        timer(loop, [] {}) {}  // only ends a wait; OnTurn runs in every turn

  void Listen() {
    connection.Listen(
        QuestionChannel(options), [] {}, [this](std::string_view text) { OnMessage(text); });
  }

  // Others may publish here, so what is no question is passed over.
  void OnMessage(std::string_view text) {
    const auto message = QuestionFrom(text);
    if (!message) return;
    if (message->kind == QuestionMessage::Kind::kDone) return barrier.OnDone(message->question);
    barrier.OnAsked(message->question, loop.now_ns());
  }

  void AnswerTo(const QuestionId& question) {
    publish(AnswerChannel(options, question.asker), std::to_string(question.number));
  }

  void OnTurn() {
    barrier.OnTurn(loop.now_ns());
    const int64_t next_ns = barrier.NextDeadlineNs();
    if (next_ns == INT64_MAX) return timer.Disarm();
    if (!timer.armed() || timer.deadline_ns() != next_ns) timer.Arm(next_ns);
  }

  net::EventLoop& loop;
  const RedisOptions options;
  const Publish publish;
  RecordBarrier barrier;
  RedisConnection connection;
  net::Timer timer;
};

RedisRecordBarrier::RedisRecordBarrier(net::EventLoop& loop, const RedisOptions& options,
                                       RecordGate& gate, Publish publish)
    : impl_(std::make_unique<Impl>(loop, options, gate, std::move(publish))) {}
RedisRecordBarrier::~RedisRecordBarrier() = default;
void RedisRecordBarrier::Start() { impl_->connection.Start(); }
void RedisRecordBarrier::OnTurn() { impl_->OnTurn(); }

}  // namespace tollgate::ledger
