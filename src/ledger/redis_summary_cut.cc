#include "ledger/redis_summary_cut.h"

#include <hiredis/hiredis.h>
#include <sys/random.h>

#include <optional>
#include <utility>

#include "ledger/redis_reply.h"
#include "ledger/summary_channels.h"
#include "tollgate/base/assert.h"

namespace tollgate::ledger {
namespace {

uint64_t RandomNumber() {
  uint64_t number = 0;
  TG_CHECK(::getrandom(&number, sizeof(number), 0) == sizeof(number));
  return number;
}

// The workers' listeners tell what is wrong with the channels.
RedisOptions Silent(RedisOptions options) {
  options.report = nullptr;
  return options;
}

}  // namespace

RedisSummaryCut::RedisSummaryCut(net::EventLoop& loop, const RedisOptions& options,
                                 RedisConnection& books)
    : loop_(loop),
      options_(options),
      books_(books),
      asker_(RandomNumber()),
      questions_(options.summary_wait_ms * base::kNanosPerMilli, options.summary_workers_min,
                 {.ask = [this](uint64_t number) { Send(number); },
                  .done =
                      [this](uint64_t number) {
                        if (books_.ready())
                          Publish(QuestionMessage::Kind::kDone, number, [](const redisReply*) {});
                      }}),
      answers_(loop, Silent(options), {},
               {.on_ready =
                    [this](const RedisFacts&) {
                      answers_.Listen(
                          AnswerChannel(options_, asker_),
                          [this] { questions_.SetListening(true); },
                          [this](std::string_view text) { OnMessage(text); });
                    },
                .on_lost = [this] { questions_.SetListening(false); }}),
      timer_(loop, [this] {
        questions_.OnTime(loop_.now_ns());
        Arm();
      }) {}

void RedisSummaryCut::Start() {
  if (options_.summary_wait_ms > 0) answers_.Start();
}

void RedisSummaryCut::Ask(SummaryQuestions::Then then) {
  questions_.Ask(std::move(then), loop_.now_ns());
  Arm();
}

void RedisSummaryCut::Publish(QuestionMessage::Kind kind, uint64_t number,
                              RedisConnection::OnReply on_reply) {
  const QuestionMessage message{.kind = kind,
                                .question = {.asker = asker_, .number = number},
                                .wait_ms = static_cast<uint64_t>(options_.summary_wait_ms)};
  command_.Begin(3).Add("PUBLISH").Add(QuestionChannel(options_)).Add(TextOf(message));
  books_.Call(command_, std::move(on_reply));
}

void RedisSummaryCut::Send(uint64_t number) {
  if (!books_.ready()) return questions_.OnReceivers(number, std::nullopt, loop_.now_ns());
  Publish(QuestionMessage::Kind::kAsked, number, [this, number](const redisReply* reply) {
    std::optional<size_t> receivers;
    if (reply != nullptr && reply->type == REDIS_REPLY_INTEGER && reply->integer >= 0) {
      receivers = static_cast<size_t>(reply->integer);
    }
    questions_.OnReceivers(number, receivers, loop_.now_ns());
    Arm();
  });
}

// Others may publish here, so what is no answer is passed over.
void RedisSummaryCut::OnMessage(std::string_view text) {
  const auto answer = AnswerFrom(text);
  if (!answer) return;
  questions_.OnAnswer(answer->number, answer->complete, loop_.now_ns());
  Arm();
}

// The listener could be on a server that is no primary any more, as nobody closes its connection.
void RedisSummaryCut::OnBooksLost() {
  if (answers_.listening()) answers_.Drop("the connection to the books was lost");
}

void RedisSummaryCut::Arm() {
  const int64_t next_ns = questions_.NextDeadlineNs();
  if (next_ns == INT64_MAX) return timer_.Disarm();
  if (!timer_.armed() || timer_.deadline_ns() != next_ns) timer_.Arm(next_ns);
}

}  // namespace tollgate::ledger
