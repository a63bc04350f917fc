// Generator: posts payments and measures how long each answer takes.
//
// Closed loop: every connection sends its next payment as soon as it has an answer. Open loop:
// payments are due at fixed times whatever the server does, and an answer's time counts from when
// its payment was due, also if no connection was free then; a server that stalls is charged for
// everything that had to wait (no coordinated omission).
//
// Thread: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "bench/load/answer.h"
#include "bench/load/connections.h"
#include "bench/load/histogram.h"
#include "bench/load/payment_request.h"

namespace tollgate::bench {

struct Phase {
  size_t requests_max = SIZE_MAX;
  int64_t duration_ns_max = INT64_MAX;
  double rate_per_second = 0;  // 0: closed loop
};

struct PhaseResult {
  std::map<int, size_t> answers;  // by status
  size_t broken = 0;              // connections that the server closed or broke
  int64_t elapsed_ns = 0;         // from the first payment to the last answer
  Histogram latency;              // of all answers
};

class Generator {
 public:
  Generator(Connections connections, PaymentRequest request);
  // Fails if nothing at all comes for 30 s, or an answer is none that it can read.
  base::Result<PhaseResult> Run(const Phase& phase);

 private:
  bool MayBegin() const;
  int64_t TimeoutNs() const;
  base::Status BeginDue();
  base::Status Begin(size_t index, int64_t due_ns);
  base::Status OnReadable(size_t index);
  base::Status OnAnswer(size_t index, int status);
  base::Status OnBroken(size_t index);

  Connections connections_;
  PaymentRequest request_;
  AnswerReader reader_;
  std::vector<size_t> ready_;
  std::deque<size_t> idle_;  // longest idle first

  // Of the phase that runs.
  Phase phase_;
  PhaseResult result_;
  size_t begun_ = 0;
  size_t under_way_ = 0;
  int64_t began_ns_ = 0;
  int64_t now_ns_ = 0;
  double due_ns_ = 0;  // open loop: of the next payment
};

}  // namespace tollgate::bench
