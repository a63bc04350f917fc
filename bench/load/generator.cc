#include "bench/load/generator.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "tollgate/base/clock.h"

namespace tollgate::bench {
namespace {

constexpr int64_t kSilenceNsMax = 30 * base::kNanosPerSecond;

int64_t Now() { return base::SystemClock().MonotonicNanos(); }

}  // namespace

Generator::Generator(Connections connections, PaymentRequest request)
    : connections_(std::move(connections)), request_(std::move(request)) {
  for (size_t i = 0; i < connections_.size(); ++i) idle_.push_back(i);
}

base::Result<PhaseResult> Generator::Run(const Phase& phase) {
  phase_ = phase;
  result_ = {};
  begun_ = 0;
  began_ns_ = now_ns_ = Now();
  due_ns_ = static_cast<double>(began_ns_);
  int64_t heard_ns = now_ns_;
  for (;;) {
    auto status = BeginDue();
    if (!status.ok()) return status.error();
    if (under_way_ == 0 && !MayBegin()) break;
    status = connections_.Wait(TimeoutNs(), ready_);
    if (!status.ok()) return status.error();
    now_ns_ = Now();
    if (!ready_.empty() || under_way_ == 0) heard_ns = now_ns_;
    if (now_ns_ - heard_ns > kSilenceNsMax) return base::Error{"no answer for 30 s", 0};
    for (const size_t index : ready_) {
      status = OnReadable(index);
      if (!status.ok()) return status.error();
    }
  }
  result_.elapsed_ns = now_ns_ - began_ns_;
  return std::move(result_);
}

bool Generator::MayBegin() const {
  return begun_ < phase_.requests_max && now_ns_ - began_ns_ < phase_.duration_ns_max;
}

// Until the next payment is due, if a connection is free for it.
int64_t Generator::TimeoutNs() const {
  if (phase_.rate_per_second == 0 || idle_.empty() || !MayBegin()) return base::kNanosPerSecond;
  return std::max<int64_t>(0, static_cast<int64_t>(due_ns_) - Now());
}

base::Status Generator::BeginDue() {
  while (!idle_.empty() && MayBegin()) {
    const int64_t due_ns = phase_.rate_per_second == 0 ? now_ns_ : static_cast<int64_t>(due_ns_);
    if (due_ns > now_ns_) break;
    const size_t index = idle_.front();
    idle_.pop_front();
    if (phase_.rate_per_second != 0) {
      due_ns_ += static_cast<double>(base::kNanosPerSecond) / phase_.rate_per_second;
    }
    auto status = Begin(index, due_ns);
    if (!status.ok()) return status;
  }
  return base::OkStatus();
}

base::Status Generator::Begin(size_t index, int64_t due_ns) {
  const std::string_view text = request_.Next();
  Connection& connection = connections_[index];
  connection.began_ns = due_ns;
  ++begun_;
  ++under_way_;
  const ssize_t sent = ::send(connection.fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
  // With one small request under way the socket's buffer is empty: a part of it is never taken.
  if (sent == static_cast<ssize_t>(text.size())) return base::OkStatus();
  return OnBroken(index);
}

base::Status Generator::OnReadable(size_t index) {
  Connection& connection = connections_[index];
  std::array<char, 16384> buffer;
  const ssize_t got = ::recv(connection.fd.get(), buffer.data(), buffer.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return base::OkStatus();
  if (got <= 0) return OnBroken(index);
  std::string_view input(buffer.data(), static_cast<size_t>(got));
  if (!connection.input.empty()) input = connection.input.append(input);
  const Answer answer = reader_.Read(input);
  if (answer.status == 0) {
    if (connection.input.empty()) connection.input = input;
    return base::OkStatus();
  }
  if (answer.status < 0 || answer.bytes != input.size() || connection.began_ns == 0) {
    return base::Error{"not an answer to what was asked: " + std::string(input.substr(0, 200)), 0};
  }
  connection.input.clear();
  return OnAnswer(index, answer.status);
}

base::Status Generator::OnAnswer(size_t index, int status) {
  Connection& connection = connections_[index];
  now_ns_ = Now();
  ++result_.answers[status];
  result_.latency.Add(now_ns_ - connection.began_ns);
  connection.began_ns = 0;
  --under_way_;
  if (phase_.rate_per_second == 0 && MayBegin()) return Begin(index, now_ns_);
  idle_.push_back(index);
  return base::OkStatus();
}

base::Status Generator::OnBroken(size_t index) {
  ++result_.broken;
  if (connections_[index].began_ns != 0) {
    connections_[index].began_ns = 0;
    --under_way_;
    idle_.push_back(index);
  }
  return connections_.Reopen(index);
}

}  // namespace tollgate::bench
