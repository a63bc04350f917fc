// Asker makes many look-ups at the processors. Look-ups in flight are limited per processor and are
// repeated with back-off while a processor is over capacity or does not answer. Look-ups share a
// processor's limit with payments, so after a failure one at a time is sent until one is answered.
//
// Thread: the loop's.
// Invariants: each Ask ends in one answer, never inside the call. A processor that has answered
// nothing for `patience_ms` is away: look-ups at it then end without an answer.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "reconcile/compare.h"
#include "tollgate/base/backoff.h"
#include "tollgate/base/lifetime.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/upstream/processor_client.h"

namespace tollgate::reconcile {

struct AskerOptions {
  size_t processors = 0;  // the configured ones
  size_t in_flight_max = 32;
  int64_t patience_ms = 30'000;
  // A look-up that fails this often while others are answered ends without an answer.
  int tries_max = 5;
};

struct AskerStats {
  uint64_t asked = 0, held = 0, lacks = 0, not_answered = 0;
  uint64_t repeats = 0;
  int last_failure = 0;  // HTTP status of the last failed look-up; 0: no answer at all
  bool away = false;
};

class Asker final : public upstream::ProcessorEvents {
 public:
  using OnAnswer = std::function<void(uint64_t cookie, payments::ProcessorId, const Answer&)>;

  // `client` sends its events to this object from now on.
  Asker(net::EventLoop& loop, upstream::ProcessorClient& client, const AskerOptions& options,
        OnAnswer on_answer);
  ~Asker() override;

  void Ask(const payments::Uuid& id, payments::ProcessorId processor, uint64_t cookie);
  const AskerStats& stats(payments::ProcessorId processor) const;

 private:
  struct Question {
    payments::Uuid id;
    payments::ProcessorId processor = payments::kNoProcessor;
    uint64_t cookie = 0;
    int tries = 0;
    uint64_t answered_before = 0;  // the processor's `answered` when this look-up last failed
  };
  struct Processor {
    explicit Processor(net::EventLoop& loop, std::function<void()> pump)
        : pause(loop, std::move(pump)) {}
    std::deque<size_t> waiting;  // indexes of questions
    size_t in_flight = 0;
    uint64_t answered = 0;
    int64_t failing_since_ns = 0;  // 0: the last look-up was answered
    base::Backoff pauses;
    net::Timer pause;
    AskerStats stats;
  };

  void OnPosted(uint64_t cookie, const upstream::PostResult& result) override;
  void OnLookedUp(uint64_t cookie, const upstream::LookupResult& result) override;
  void OnFailed(size_t index, int http_status);
  void GiveUp(Processor& processor);
  void Pump(payments::ProcessorId id);
  void End(size_t index, const Answer& answer);

  net::EventLoop& loop_;
  upstream::ProcessorClient& client_;
  const AskerOptions options_;
  const OnAnswer on_answer_;
  std::vector<std::unique_ptr<Processor>> processors_;
  std::vector<Question> questions_;
  std::vector<size_t> free_;
  base::Lifetime life_;
};

}  // namespace tollgate::reconcile
