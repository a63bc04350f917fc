// Work: the steps of a payment's way, one class each, for measuring apart. Once() does one step on
// input that does not change, so that a step costs the same number of instructions every time.
//
// Thread: one.
// Invariants: Once() checks its own result; a step that fails ends the program.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "tollgate/base/mpmc_ring.h"
#include "tollgate/forward/policy.h"
#include "tollgate/http/request_parser.h"
#include "tollgate/http/response.h"
#include "tollgate/payments/payment_json.h"
#include "tollgate/payments/processor_directory.h"
#include "tollgate/table/payment_table.h"
#include "tollgate/upstream/processor_options.h"
#include "upstream/answer_reader.h"
#include "upstream/request_writer.h"

namespace tollgate::bench {

payments::Payment SomePayment();

// Bytes of a POST /payments as k6 sends it to a request.
class ParseRequest {
 public:
  static constexpr const char* kName = "parse_request";
  ParseRequest();
  void Once();

 private:
  std::string bytes_;
  http::RequestParser parser_{{}};
};

// A body to a payment.
class ParseJson {
 public:
  static constexpr const char* kName = "parse_json";
  ParseJson();
  void Once();

 private:
  std::string body_;
  size_t body_bytes_;
  payments::PaymentParser parser_;
};

// A slot taken for a payment, and given back once it is booked.
class UseTable {
 public:
  static constexpr const char* kName = "table_acquire_release";
  UseTable();
  void Once();

 private:
  payments::ProcessorDirectory directory_{{"default", "fallback"}};
  std::unique_ptr<table::PaymentTable> table_;
  const payments::Payment payment_ = SomePayment();
  int64_t now_ns_ = 1;
  uint64_t uses_ = 0;
};

// The same in a table that many payments have gone through. A payment comes each 10 ms of the
// table's time, so 10^8 of them are 11 days.
class UseAgedTable : public UseTable {
 public:
  static constexpr const char* kName = "table_aged";
};

// A slot number through the ring.
class UseRing {
 public:
  static constexpr const char* kName = "ring_push_pop";
  void Once();

 private:
  base::MpmcRing<table::SlotIndex> ring_{65536};
};

class UseAgedRing : public UseRing {
 public:
  static constexpr const char* kName = "ring_aged";
};

// An answer with a body, as a summary's.
class WriteResponse {
 public:
  static constexpr const char* kName = "write_response";
  WriteResponse() { text_.reserve(4096); }
  void Once();

 private:
  std::string text_;
};

// The processor for a payment.
class ChooseProcessor {
 public:
  static constexpr const char* kName = "choose_processor";
  void Once();

 private:
  std::array<forward::ProcessorView, 2> views_{{{.id = 0,
                                                 .fee_ppm = 50'000,
                                                 .availability = forward::Availability::kOpenForAll,
                                                 .latency_ms = 5,
                                                 .in_flight_cap = 350},
                                                {.id = 1,
                                                 .fee_ppm = 150'000,
                                                 .availability = forward::Availability::kOpenForAll,
                                                 .latency_ms = 5,
                                                 .in_flight_cap = 350}}};
};

// The bytes of a request to a processor.
class WriteUpstream {
 public:
  static constexpr const char* kName = "write_upstream";
  void Once();

 private:
  upstream::RequestWriter writer_{upstream::ProcessorOptions{
      .name = "default", .url = "http://payment-processor-default:8080"}};
  const payments::Payment payment_ = SomePayment();
};

// A processor's answer.
class ReadUpstream {
 public:
  static constexpr const char* kName = "read_upstream";
  void Once();

 private:
  upstream::AnswerReader reader_;
};

}  // namespace tollgate::bench
