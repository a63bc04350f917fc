// ProcessorClient: requests to processors, and what their answers prove (docs/ARCHITECTURE.md,
// "Outcomes"). HttpProcessorClient implements it. The simulation has a model of its own.
//
// Thread: one worker's. Calls and callbacks are on its thread. Answers come later through
// ProcessorEvents, never inside a call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tollgate/payments/payment.h"

namespace tollgate::upstream {

// What the answer to one POST proves.
enum class PostOutcome : uint8_t {
  kConfirmed,     // 2xx
  kNotSent,       // no byte of the request was written
  kOverCapacity,  // 429: not booked
  kEmpty500,      // this attempt is not booked if a look-up afterwards says 404
  kError500,      // a 500 with a body: its insert may still commit, so check later
  kDuplicate,     // 422: this processor knows the id, so look it up
  kInvalid,       // 400 and other 4xx: this request can never be booked
  kUnknown,       // anything else, also time-outs and partial answers
};
inline constexpr size_t kPostOutcomes = static_cast<size_t>(PostOutcome::kUnknown) + 1;
const char* Name(PostOutcome outcome);

struct PostRequest {
  payments::Payment payment;
  payments::ProcessorId processor = payments::kNoProcessor;
  int64_t requested_at_ms = 0;
};

// A longer Retry-After is cut to this, because it may be a mistake or a wrong clock.
inline constexpr int64_t kRetryAfterMsMax = 30'000;

struct PostResult {
  PostOutcome outcome = PostOutcome::kUnknown;
  int http_status = 0;      // 0: none arrived
  int64_t duration_us = 0;  // from the call to the outcome
  // With kOverCapacity: the pause that it asks for, at most kRetryAfterMsMax. 0: it asks for none.
  int64_t retry_after_ms = 0;
};

enum class LookupOutcome : uint8_t { kFound, kAbsent, kUnclear };

struct LookupResult {
  LookupOutcome outcome = LookupOutcome::kUnclear;
  payments::Payment payment;    // with kFound
  int64_t requested_at_ms = 0;  // with kFound
  int http_status = 0;          // 0: none arrived
};

class ProcessorEvents {
 public:
  virtual ~ProcessorEvents() = default;
  virtual void OnPosted(uint64_t cookie, const PostResult& result) = 0;
  virtual void OnLookedUp(uint64_t cookie, const LookupResult& result) = 0;
};

class ProcessorClient {
 public:
  virtual ~ProcessorClient() = default;
  virtual void SetEvents(ProcessorEvents* events) = 0;
  // Returns false if the configured number of requests is in flight.
  [[nodiscard]] virtual bool Post(const PostRequest& request, uint64_t cookie) = 0;
  [[nodiscard]] virtual bool Lookup(const payments::Uuid& id, payments::ProcessorId processor,
                                    uint64_t cookie) = 0;
};

}  // namespace tollgate::upstream
