// FakeProcessors: what processors hold, asked without a network. Answers come in a later turn of
// the loop, in an order from the seed.
//
// Thread: one test's.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <vector>

#include "tollgate/base/random.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/upstream/processor_client.h"

namespace tollgate::testing {

class FakeProcessors final : public upstream::ProcessorClient {
 public:
  struct Held {
    int64_t cents = 0;
    int64_t at = 0;
  };
  struct Question {
    payments::Uuid id;
    payments::ProcessorId processor;
    uint64_t cookie;
  };

  FakeProcessors(net::EventLoop& loop, size_t processors, uint64_t seed = 1)
      : held(processors),
        most_in_flight(processors),
        in_flight_(processors),
        loop_(loop),
        random_(seed) {}

  void SetEvents(upstream::ProcessorEvents* events) override { events_ = events; }
  bool Post(const upstream::PostRequest&, uint64_t) override {
    ADD_FAILURE() << "a payment was posted";
    return false;
  }
  bool Lookup(const payments::Uuid& id, payments::ProcessorId processor, uint64_t cookie) override {
    ++asked;
    most_in_flight[processor] = std::max(most_in_flight[processor], ++in_flight_[processor]);
    waiting_.insert(
        waiting_.begin() + static_cast<std::ptrdiff_t>(random_.Below(waiting_.size() + 1)),
        {id, processor, cookie});
    loop_.Post([this] { AnswerOne(); });
    return true;
  }

  std::vector<std::map<payments::Uuid, Held>> held;  // by processor
  // The HTTP status of an answer without a result; 0 and below: a normal answer.
  std::function<int(const Question&)> fails = [](const Question&) { return 0; };
  std::function<void(const Question&)> before_answer = [](const Question&) {};
  std::vector<size_t> most_in_flight;
  size_t asked = 0;

 private:
  void AnswerOne() {
    const Question question = waiting_.back();
    waiting_.pop_back();
    --in_flight_[question.processor];
    before_answer(question);
    upstream::LookupResult result;
    const auto& all = held[question.processor];
    if (const int status = fails(question); status > 0) {
      result.http_status = status;
    } else if (const auto it = all.find(question.id); it != all.end()) {
      result = {.outcome = upstream::LookupOutcome::kFound,
                .payment = {.id = question.id, .amount_cents = it->second.cents},
                .requested_at_ms = it->second.at,
                .http_status = 200};
    } else {
      result.outcome = upstream::LookupOutcome::kAbsent;
      result.http_status = 404;
    }
    events_->OnLookedUp(question.cookie, result);
  }

  std::vector<size_t> in_flight_;
  std::vector<Question> waiting_;
  net::EventLoop& loop_;
  base::Random random_;
  upstream::ProcessorEvents* events_ = nullptr;
};

}  // namespace tollgate::testing
