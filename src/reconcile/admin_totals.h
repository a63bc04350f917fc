// AdminTotals reads the processors' own summaries with their admin tokens.
//
// Thread: the loop's.
// Invariants: Read ends in one call of `done`, unless the object is destroyed first.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tollgate/net/event_loop.h"
#include "tollgate/payments/processor_json.h"
#include "tollgate/payments/summary.h"
#include "tollgate/upstream/http_get.h"
#include "tollgate/upstream/processor_options.h"

namespace tollgate::reconcile {

struct AdminTotal {
  std::optional<payments::ProcessorSummary> summary;  // nothing: see problem
  bool refused = false;                               // the token is wrong
  std::string problem;
};

class AdminTotals {
 public:
  // By processor name; processors without a token are left out.
  using OnTotals = std::function<void(const std::map<std::string, AdminTotal>&)>;

  AdminTotals(net::EventLoop& loop, const std::vector<upstream::ProcessorOptions>& processors,
              const std::map<std::string, std::string>& tokens, const payments::SummaryRange& range,
              OnTotals done);
  void Read();

 private:
  void OnAnswer(size_t target, const upstream::GetAnswer& answer);
  void Ask(size_t target);
  void Set(size_t target, AdminTotal total);

  const OnTotals done_;
  std::vector<upstream::ProcessorOptions> asked_;
  std::vector<int> tries_;
  std::map<std::string, AdminTotal> totals_;
  std::unique_ptr<upstream::HttpGetter> getter_;
  std::vector<size_t> again_;
  net::Timer timer_;
};

}  // namespace tollgate::reconcile
