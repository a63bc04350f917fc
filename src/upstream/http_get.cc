#include "tollgate/upstream/http_get.h"

#include <utility>

#include "tollgate/base/assert.h"
#include "upstream/curl_driver.h"
#include "upstream/transfer.h"

namespace tollgate::upstream {
namespace {

std::vector<std::string> GetHeaders(const GetTarget& target) {
  std::vector<std::string> lines = {"Accept:"};
  lines.insert(lines.end(), target.headers.begin(), target.headers.end());
  return lines;
}

TransferOptions GetOptions(const GetTarget& target, const HeaderList& headers) {
  TransferOptions options;
  options.url = target.url;
  options.headers = headers.get();
  options.ca_file = target.ca_file;
  options.connect_timeout_ms = target.connect_timeout_ms;
  options.total_timeout_ms = target.connect_timeout_ms + target.answer_timeout_ms;
  return options;
}

}  // namespace

struct HttpGetter::Impl final : CurlDriver::Events {
  struct Target {
    Target(CurlDriver& driver, const GetTarget& target)
        : headers(GetHeaders(target)), transfer(driver, GetOptions(target, headers)) {}
    const HeaderList headers;
    Transfer transfer;
    bool failed = false;  // the last call failed: the host may have moved
  };

  Impl(net::EventLoop& the_loop, const std::vector<GetTarget>& all, OnAnswer the_on_answer)
      : on_answer(std::move(the_on_answer)), driver(the_loop, *this, all.size()) {
    for (const GetTarget& target : all) {
      targets.push_back(std::make_unique<Target>(driver, target));
      targets.back()->transfer.cookie = targets.size() - 1;
    }
  }

  ~Impl() override {
    for (const auto& target : targets) {
      if (target->transfer.in_use) driver.Remove(target->transfer.easy());
    }
  }

  bool Get(size_t index) {
    TG_ASSERT(index < targets.size());
    Transfer& transfer = targets[index]->transfer;
    if (transfer.in_use) return false;
    transfer.Begin(targets[index]->failed);
    transfer.in_use = driver.Start(transfer.easy());
    return transfer.in_use;
  }

  void OnTransferDone(CURL* easy, CURLcode result) override {
    driver.Remove(easy);
    Transfer& transfer = Transfer::Of(easy);
    transfer.in_use = false;
    const Evidence evidence = transfer.Collect(result);
    GetAnswer answer;
    answer.status = evidence.status;
    answer.complete = IsComplete(evidence);
    targets[static_cast<size_t>(transfer.cookie)]->failed = !answer.complete;
    answer.body = transfer.answer().body();
    if (!answer.complete) answer.error = curl_easy_strerror(result);
    on_answer(static_cast<size_t>(transfer.cookie), answer);
  }

  const OnAnswer on_answer;
  CurlDriver driver;
  std::vector<std::unique_ptr<Target>> targets;
};

HttpGetter::HttpGetter(net::EventLoop& loop, const std::vector<GetTarget>& targets,
                       OnAnswer on_answer)
    : impl_(std::make_unique<Impl>(loop, targets, std::move(on_answer))) {}

HttpGetter::~HttpGetter() = default;

bool HttpGetter::Get(size_t target) { return impl_->Get(target); }

}  // namespace tollgate::upstream
