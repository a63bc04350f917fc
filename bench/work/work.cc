#include "bench/work/work.h"

#include <string_view>

#include "tollgate/base/assert.h"

namespace tollgate::bench {
namespace {

constexpr std::string_view kBody =
    R"({"correlationId":"4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3","amount":19.90})";
constexpr int64_t kNowMs = 1'752'583'000'000;

}  // namespace

payments::Payment SomePayment() {
  return {.id = *payments::ParseUuid("4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3"), .amount_cents = 1990};
}

ParseRequest::ParseRequest()
    : bytes_(
          "POST /payments HTTP/1.1\r\nHost: localhost:9999\r\n"
          "User-Agent: Grafana k6/1.2.3\r\nContent-Length: " +
          std::to_string(kBody.size()) +
          "\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n" +
          std::string(kBody)) {}

void ParseRequest::Once() {
  const auto status = parser_.Parse(bytes_.data(), bytes_.size());
  TG_ASSERT(status == http::ParseStatus::kReady && parser_.request().body.size() == kBody.size());
  parser_.Reset();
}

ParseJson::ParseJson() : body_(kBody), body_bytes_(kBody.size()), parser_(payments::kBodyBytesMax) {
  body_.append(payments::kJsonPaddingBytes, '\0');
}

void ParseJson::Once() {
  const auto parsed = parser_.Parse(std::string_view(body_).substr(0, body_bytes_));
  TG_ASSERT(parsed.ok() && parsed.payment.amount_cents == 1990);
}

UseTable::UseTable() {
  auto opened = table::PaymentTable::Open(
      {.path = {}, .durability = table::Durability::kMemory, .slots = 1024, .sync_for_test = {}},
      directory_);
  TG_ASSERT(opened.ok());
  table_ = std::move(opened).value();
}

// Time goes on, and the books answer a batch now and then, so that every slot has rested when its
// turn comes.
void UseTable::Once() {
  now_ns_ += 10'000'000;
  if (++uses_ % 32 == 0) table_->BooksAnswered(now_ns_);
  const auto slot = table_->Acquire(payment_, kNowMs);
  TG_ASSERT(slot.has_value());
  table::SlotStatus status{
      .state = table::SlotState::kClaimed, .processor = 0, .attempt = 1, .requested_at_ms = kNowMs};
  table_->SetStatus(*slot, status);
  status.state = table::SlotState::kSent;
  table_->SetStatus(*slot, status);
  status.state = table::SlotState::kBooked;
  table_->SetStatus(*slot, status);
  status.state = table::SlotState::kFreeBooked;
  table_->Release(*slot, status);
}

void UseRing::Once() {
  TG_ASSERT(ring_.TryPush(table::SlotIndex{7}));
  TG_ASSERT(ring_.TryPop() == table::SlotIndex{7});
}

void WriteResponse::Once() {
  constexpr std::string_view kSummary =
      R"({"default":{"totalRequests":43236,"totalAmount":415542345.98},)"
      R"("fallback":{"totalRequests":423545,"totalAmount":329347.34}})";
  text_.clear();
  http::AppendResponse(text_, {.status = 200, .content_type = "application/json"}, kSummary);
  TG_ASSERT(text_.size() > kSummary.size());
}

void ChooseProcessor::Once() {
  const auto choice =
      forward::Choose(views_, {.now_ms = 1'000, .age_ms = 5, .arrivals_per_s = 5'000}, {});
  TG_ASSERT(choice.processor == 0);
}

void WriteUpstream::Once() { TG_ASSERT(writer_.Post(payment_, kNowMs).ends_with("Z\"}")); }

void ReadUpstream::Once() {
  constexpr std::string_view kAnswer =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
      "Date: Tue, 15 Jul 2025 12:34:56 GMT\r\nServer: Kestrel\r\nContent-Length: 44\r\n\r\n"
      R"({"message":"payment processed successfully"})";
  size_t taken = 0;
  reader_.Reset();
  const auto state = reader_.Feed(kAnswer, taken);
  TG_ASSERT(state == upstream::AnswerReader::State::kDone && taken == kAnswer.size());
}

}  // namespace tollgate::bench
