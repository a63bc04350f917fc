// ProcessorClient: requests to processors and what their answers prove (docs/ARCHITECTURE.md,
// "Outcomes"). HttpProcessorClient is the implementation; the simulation has a model of its own.
//
// Thread: one worker's; calls and callbacks on its thread. Answers come later through
// ProcessorEvents, never from inside a call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tollgate/payments/payment.h"

namespace tollgate::upstream {

// What one transfer of a POST proves.
enum class PostOutcome : uint8_t {
  kConfirmed,     // 2xx
  kNotSent,       // no byte of the request was ever written
  kOverCapacity,  // 429: not booked
  kEmpty500,      // ended without a booking by this attempt, if a look-up then says 404
  kError500,      // a 500 with a body: its insert may still commit; check later
  kDuplicate,     // 422: this processor has the id; look it up
  kInvalid,       // 400 and other 4xx: can never be booked as it is
  kUnknown,       // anything else, time-outs and half answers included
};
inline constexpr size_t kPostOutcomes = static_cast<size_t>(PostOutcome::kUnknown) + 1;
const char* Name(PostOutcome outcome);

struct PostRequest {
  payments::Payment payment;
  payments::ProcessorId processor = payments::kNoProcessor;
  int64_t requested_at_ms = 0;
};

// A processor's word for a longer pause is not taken: it may be mistaken, or a clock.
inline constexpr int64_t kRetryAfterMsMax = 30'000;

struct PostResult {
  PostOutcome outcome = PostOutcome::kUnknown;
  int http_status = 0;      // 0: none came
  int64_t duration_us = 0;  // from the call to the outcome
  // With kOverCapacity: for how long it wants to be left alone, at most kRetryAfterMsMax; 0: it
  // does not say.
  int64_t retry_after_ms = 0;
};

enum class LookupOutcome : uint8_t { kFound, kAbsent, kUnclear };

struct LookupResult {
  LookupOutcome outcome = LookupOutcome::kUnclear;
  payments::Payment payment;    // with kFound
  int64_t requested_at_ms = 0;  // with kFound
  int http_status = 0;          // 0: none came
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
  // False if as many are in flight as the configuration allows.
  [[nodiscard]] virtual bool Post(const PostRequest& request, uint64_t cookie) = 0;
  [[nodiscard]] virtual bool Lookup(const payments::Uuid& id, payments::ProcessorId processor,
                                    uint64_t cookie) = 0;
};

}  // namespace tollgate::upstream
