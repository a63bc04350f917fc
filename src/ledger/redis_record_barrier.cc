#include "tollgate/ledger/redis_record_barrier.h"

#include <algorithm>
#include <utility>

#include "ledger/redis_connection.h"
#include "ledger/summary_channels.h"

namespace tollgate::ledger {

struct RedisRecordBarrier::Impl {
  Impl(net::EventLoop& loop_in, const RedisOptions& options_in, RecordGate& gate,
       Publish publish_in, Connected connected_in)
      : loop(loop_in),
        options(options_in),
        publish(std::move(publish_in)),
        connected(std::move(connected_in)),
        barrier(gate, [this](const QuestionId& question,
                             bool complete) { AnswerTo(question, complete); }),
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
    const auto wait_ms = std::min<uint64_t>(message->wait_ms, kSummaryWaitMsMax);
    barrier.OnAsked(message->question, static_cast<int64_t>(wait_ms) * base::kNanosPerMilli,
                    loop.now_ns());
  }

  void AnswerTo(const QuestionId& question, bool complete) {
    publish(AnswerChannel(options, question.asker),
            TextOf(AnswerMessage{.number = question.number, .complete = complete}));
  }

  // The listener could be on a server that is no primary any more, as nobody closes its connection.
  void FollowBooks() {
    const uint64_t times = connected();
    const uint64_t before = std::exchange(books_connected, times);
    if (before == 0 || before == times || !connection.listening()) return;
    connection.Drop("the connection to the books was lost");
  }

  void OnTurn() {
    FollowBooks();
    barrier.OnTurn(loop.now_ns());
    const int64_t next_ns = barrier.NextDeadlineNs();
    if (next_ns == INT64_MAX) return timer.Disarm();
    if (!timer.armed() || timer.deadline_ns() != next_ns) timer.Arm(next_ns);
  }

  net::EventLoop& loop;
  const RedisOptions options;
  const Publish publish;
  const Connected connected;
  RecordBarrier barrier;
  RedisConnection connection;
  net::Timer timer;
  uint64_t books_connected = 0;  // how often
};

RedisRecordBarrier::RedisRecordBarrier(net::EventLoop& loop, const RedisOptions& options,
                                       RecordGate& gate, Publish publish, Connected connected)
    : impl_(std::make_unique<Impl>(loop, options, gate, std::move(publish), std::move(connected))) {
}
RedisRecordBarrier::~RedisRecordBarrier() = default;
void RedisRecordBarrier::Start() { impl_->connection.Start(); }
void RedisRecordBarrier::OnTurn() { impl_->OnTurn(); }

}  // namespace tollgate::ledger
