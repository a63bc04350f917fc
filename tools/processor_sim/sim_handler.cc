#include "processor_sim/sim_handler.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "processor_sim/rounding.h"
#include "tollgate/payments/json_object.h"
#include "tollgate/payments/money.h"
#include "tollgate/payments/summary.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::sim {
namespace {

using http::Method;
using server::Responder;

constexpr std::string_view kJson = "application/json";

struct FaultName {
  std::string_view name;
  Fault fault;
};
constexpr std::array<FaultName, 9> kFaultNames{{{"none", Fault::kNone},
                                                {"reset_before", Fault::kResetBefore},
                                                {"reset_after", Fault::kResetAfter},
                                                {"hang_then_book", Fault::kHangThenBook},
                                                {"drop_answer", Fault::kDropAnswer},
                                                {"error_after", Fault::kErrorAfter},
                                                {"garbage", Fault::kGarbage},
                                                {"slow_bytes", Fault::kSlowBytes},
                                                {"half_answer", Fault::kHalfAnswer}}};

// An answer as bytes, for the faults that take it apart.
constexpr std::string_view kProcessedFirst = "HTTP/1.1 200 OK\r\nContent-Type: application/js";
constexpr std::string_view kProcessedSecond =
    "on\r\nContent-Length: 44\r\nConnection: close\r\n\r\n{\"message\":\"payment proc";
constexpr std::string_view kProcessedThird = "essed successfully\"}";

// "2025-07-15T12:34:56.12": UTC without saying so, and without trailing zeros.
std::string BareTimestamp(int64_t unix_us) {
  const int64_t of_ms = (unix_us % 1000 + 1000) % 1000;  // also before 1970
  std::string text = payments::TimestampToString((unix_us - of_ms) / 1000);
  text.pop_back();  // the Z
  text += std::to_string(1000 + of_ms).substr(1);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

// {"correlationId","amount","requestedAt"}, the amount rounded.
struct Posted {
  payments::Payment payment;
  int64_t requested_at_us = 0;
};
std::optional<Posted> ReadPayment(std::string_view body) {
  const auto object = payments::JsonObject::Read(body);
  if (!object) return std::nullopt;
  const auto id = object->Text("correlationId");
  const auto amount = object->Number("amount");
  const auto requested_at = object->Text("requestedAt");
  if (!id || !amount || !requested_at) return std::nullopt;
  const auto uuid = payments::ParseUuid(*id);
  const auto cents = RoundToCents(*amount);
  const auto at = payments::ParseTimestampMicros(*requested_at, payments::Rounding::kDown,
                                                 payments::Zone::kUtcIfAbsent);
  if (!uuid || !cents || !at.ok()) return std::nullopt;
  return Posted{{*uuid, *cents}, at.value()};
}

// What is wrong with a member that is there; nothing if it is fine or absent.
template <typename Value, typename Get>
bool TakeMember(const payments::JsonObject& object, std::string_view name, Get get, Value& value) {
  if (!object.Has(name)) return true;
  const auto found = get(object, name);
  if (found) value = static_cast<Value>(*found);
  return found.has_value();
}
std::optional<int64_t> Count(const payments::JsonObject& object, std::string_view name) {
  const auto number = object.Integer(name);
  return number && *number >= 0 && *number <= 1'000'000'000 ? number : std::nullopt;
}
std::optional<double> Share(const payments::JsonObject& object, std::string_view name) {
  const auto digits = object.Number(name);
  double share = -1;
  if (!digits) return std::nullopt;
  std::from_chars(digits->data(), digits->data() + digits->size(), share);
  return share >= 0 && share <= 1 ? std::optional<double>(share) : std::nullopt;
}

}  // namespace

SimHandler::SimHandler(net::EventLoop& loop, const SimOptions& options)
    : loop_(loop),
      options_(options),
      ready_(options.books.empty() || processor_.KeepIn(options.books)),
      random_(options.seed),
      timer_(loop, [this] { RunDue(); }),
      processed_(200, kJson, R"({"message":"payment processed successfully"})"),
      failed_(500, "", ""),
      over_capacity_(429, "", ""),
      duplicate_(422, kJson, R"({"message":"CorrelationId already exists"})") {}

void SimHandler::After(int64_t delay_ms, std::function<void()> work) {
  const int64_t due_ns = loop_.now_ns() + delay_ms * base::kNanosPerMilli;
  due_.emplace(due_ns, std::move(work));
  if (!timer_.armed() || timer_.deadline_ns() > due_ns) timer_.Arm(due_ns);
}

void SimHandler::RunDue() {
  while (!due_.empty() && due_.begin()->first <= loop_.now_ns()) {
    const auto work = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    work();
  }
  if (!due_.empty()) timer_.Arm(due_.begin()->first);
}

void SimHandler::OnRequest(const http::Request& request, Responder responder) {
  constexpr std::string_view kPayments = "/payments";
  if (request.path == kPayments && request.method == Method::kPost) {
    return Pay(request, responder);
  }
  if (request.path == "/payments/service-health") return Health(responder);
  if (request.path.starts_with("/payments/")) return Show(request, responder);
  if (request.path.starts_with("/admin/")) return Admin(request, responder);
  responder.Send(404, "", "");
}

void SimHandler::Pay(const http::Request& request, Responder responder) {
  const auto parsed = ReadPayment(request.body);
  if (!parsed) return responder.SendProblem(400, "correlationId, amount and requestedAt");
  const bool entered = limit_.Enter([this, payment = parsed->payment, at = parsed->requested_at_us,
                                     responder] { Work(payment, at, responder); });
  if (!entered) responder.Send(over_capacity_);
}

Fault SimHandler::DrawFault() {
  if (fault_ == Fault::kNone) return fault_;
  const double drawn = static_cast<double>(random_.Below(1'000'000)) / 1e6;
  return drawn < fault_probability_ ? fault_ : Fault::kNone;
}

// The delay comes first, whoever still waits for the answer.
void SimHandler::Work(const payments::Payment& payment, int64_t requested_at_us,
                      Responder responder) {
  const Fault fault = DrawFault();
  int64_t delay_ms = processor_.delay_ms;
  if (fault == Fault::kHangThenBook) delay_ms += hang_ms_;
  if (delay_ms <= 0) return Finish(payment, requested_at_us, fault, responder);
  After(delay_ms, [this, payment, requested_at_us, fault, responder] {
    Finish(payment, requested_at_us, fault, responder);
  });
}

void SimHandler::Finish(const payments::Payment& payment, int64_t requested_at_us, Fault fault,
                        Responder responder) {
  const bool not_booked =
      processor_.failing || fault == Fault::kResetBefore || fault == Fault::kGarbage;
  const bool added = !not_booked && processor_.Insert(payment, requested_at_us);
  switch (fault) {
    case Fault::kResetBefore:
    case Fault::kResetAfter:
      responder.Abort();
      break;
    case Fault::kDropAnswer:
      responder.SendRawAndClose("");
      break;
    case Fault::kErrorAfter:
      responder.Send(500, kJson, R"({"message":"the database did not answer"})");
      break;
    case Fault::kGarbage:
      responder.SendRawAndClose("\x15\x03\x01 this is no HTTP\r\n\r\n");
      break;
    case Fault::kSlowBytes:
      responder.SendPart(kProcessedFirst);
      After(hang_ms_, [responder]() mutable {
        responder.SendRawAndClose(std::string(kProcessedSecond) + std::string(kProcessedThird));
      });
      break;
    case Fault::kHalfAnswer:
      responder.SendRawAndClose(std::string(kProcessedFirst) + std::string(kProcessedSecond));
      break;
    case Fault::kNone:
    case Fault::kHangThenBook:
      responder.Send(processor_.failing ? failed_ : added ? processed_ : duplicate_);
      break;
  }
  limit_.Leave();
}

void SimHandler::Show(const http::Request& request, Responder responder) {
  const auto id = payments::ParseUuid(request.path.substr(std::string_view("/payments/").size()));
  if (!id) return responder.Send(400, "", "");
  const bool entered = limit_.Enter([this, id = *id, responder]() mutable {
    const auto found = processor_.Find(id);
    if (found) {
      responder.Send(200, kJson,
                     R"({"correlationId":")" + payments::ToString(id) + R"(","amount":)" +
                         payments::CentsToString(found->amount_cents) + R"(,"requestedAt":")" +
                         BareTimestamp(found->requested_at_us) + "\"}");
    } else {
      responder.Send(404, "", "");
    }
    limit_.Leave();
  });
  if (!entered) responder.Send(over_capacity_);
}

void SimHandler::Health(Responder responder) {
  const int64_t now_ms = loop_.now_ns() / base::kNanosPerMilli;
  const auto at_ms = health_.Admit(now_ms);
  if (!at_ms) return responder.Send(429, "", "", "Retry-After: 5\r\n");
  After(*at_ms - now_ms, [this, responder]() mutable {
    responder.Send(200, kJson,
                   std::string(R"({"failing":)") + (processor_.failing ? "true" : "false") +
                       R"(,"minResponseTime":)" + std::to_string(processor_.delay_ms) + "}");
  });
}

void SimHandler::Admin(const http::Request& request, Responder responder) {
  if (http::FindHeader(request, "X-Rinha-Token") != processor_.token) {
    return responder.Send(401, "", "");
  }
  constexpr std::string_view kConfigurations = "/admin/configurations/";
  const bool post = request.method == Method::kPost;
  if (request.path == "/admin/payments-summary") return AdminSummary(request, responder);
  if (request.path == "/admin/payments") return responder.Send(200, "text/plain", Dump());
  if (request.path == "/admin/purge-payments" && post) {
    processor_.Purge();
    return responder.Send(200, kJson, R"({"message":"All payments purged."})");
  }
  if (request.path.starts_with(kConfigurations) && request.method == Method::kPut) {
    return Configure(request.path.substr(kConfigurations.size()), request.body, responder);
  }
  responder.Send(404, "", "");
}

void SimHandler::Configure(std::string_view what, std::string_view body, Responder responder) {
  const auto object = payments::JsonObject::Read(body);
  if (!object) return responder.SendProblem(400, "one JSON object with nothing twice is wanted");
  if (what == "token") {
    const auto token = object->Text("token");
    if (!token) return responder.Send(400, "", "");
    processor_.token = *token;
    return responder.Send(204, "", "");
  }
  if (what == "delay") {
    const auto delay_ms = Count(*object, "delay");
    if (!delay_ms) return responder.Send(400, "", "");
    const int64_t was = std::exchange(processor_.delay_ms, *delay_ms);
    return responder.Send(200, kJson,
                          R"({"config":"delay","was":)" + std::to_string(was) + R"(,"is":)" +
                              std::to_string(*delay_ms) + "}");
  }
  if (what == "failure") {
    const auto failing = object->Flag("failure");
    if (!failing) return responder.Send(400, "", "");
    const bool was = std::exchange(processor_.failing, *failing);
    const auto text = [](bool value) { return value ? "true" : "false"; };
    return responder.Send(200, kJson,
                          std::string(R"({"config":"failure","was":)") + text(was) + R"(,"is":)" +
                              text(*failing) + "}");
  }
  if (what == "faults") return ConfigureFaults(*object, responder);
  responder.Send(404, "", "");
}

// {"kind":"hang_then_book","probability":0.1,"hang_ms":2000,"capacity":10,"queue":5}; all optional.
void SimHandler::ConfigureFaults(const payments::JsonObject& object, Responder responder) {
  Fault fault = fault_;
  double probability = fault_probability_;
  if (object.Has("kind")) {
    const auto kind = object.Text("kind");
    const auto* const known =
        std::find_if(kFaultNames.begin(), kFaultNames.end(),
                     [&](const FaultName& it) { return kind && it.name == *kind; });
    if (known == kFaultNames.end()) return responder.SendProblem(400, "kind: no such fault");
    fault = known->fault;
    probability = 1;
  }
  int64_t hang_ms = hang_ms_;
  size_t running_max = limit_.running_max;
  size_t waiting_max = limit_.waiting_max;
  if (!TakeMember(object, "probability", Share, probability)) {
    return responder.SendProblem(400, "probability: must be a share from 0 to 1");
  }
  if (!TakeMember(object, "hang_ms", Count, hang_ms) ||
      !TakeMember(object, "capacity", Count, running_max) ||
      !TakeMember(object, "queue", Count, waiting_max)) {
    return responder.SendProblem(400, "hang_ms, capacity and queue: must be whole numbers");
  }
  fault_ = fault;
  fault_probability_ = probability;
  hang_ms_ = hang_ms;
  limit_.running_max = running_max;
  limit_.waiting_max = waiting_max;
  responder.Send(204, "", "");
}

void SimHandler::AdminSummary(const http::Request& request, Responder responder) {
  const auto range = payments::ParseRangeQuery(request.query, &payments::ParseTimestampMicros);
  if (!range.problem.empty()) return responder.SendProblem(400, range.problem);
  Totals totals;
  // It needs both ends; with only one it sums nothing.
  if (range.from.has_value() == range.to.has_value()) {
    totals = processor_.Sum(range.from.value_or(std::numeric_limits<int64_t>::min()),
                            range.to.value_or(std::numeric_limits<int64_t>::max()));
  }
  std::array<char, 200> text;
  const double fee = static_cast<double>(options_.fee_ppm) / 1e6;
  const int size = std::snprintf(
      text.data(), text.size(),
      R"({"totalRequests":%lld,"totalAmount":%s,"totalFee":%.2f,"feePerTransaction":%.2f})",
      static_cast<long long>(totals.count), payments::CentsToString(totals.amount_cents).c_str(),
      static_cast<double>(totals.amount_cents) / 100 * fee, fee);
  responder.Send(200, kJson, std::string_view(text.data(), static_cast<size_t>(size)));
}

// All that it holds, one JSON object a line: for audits.
std::string SimHandler::Dump() const {
  std::string text;
  for (const auto& [id, payment] : processor_.all()) {
    text += R"({"correlationId":")" + payments::ToString(id) + R"(","amountCents":)" +
            std::to_string(payment.amount_cents) + R"(,"requestedAtMs":)" +
            std::to_string(payment.requested_at_us / 1000) + "}\n";
  }
  return text;
}

}  // namespace tollgate::sim
