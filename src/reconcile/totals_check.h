// TotalsCheck: holds the processors' own summaries, asked with their admin tokens, against the
// books'.
//
// Thread: the loop's. Each call turns the loop until it is done.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reconcile/admin_totals.h"
#include "reconcile/report.h"
#include "tollgate/base/clock.h"
#include "tollgate/ledger/books.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/payments/summary.h"

namespace tollgate::reconcile {

class TotalsCheck {
 public:
  struct Parts {
    net::EventLoop& loop;
    const base::Clock& clock;
    ledger::Books& books;
  };
  // All references outlive it. `tokens` by processor's name; those without one are not asked.
  TotalsCheck(const Parts& parts, const std::vector<upstream::ProcessorOptions>& processors,
              const std::map<std::string, std::string>& tokens)
      : parts_(parts), processors_(processors), tokens_(tokens) {}

  // What is wrong with the first token that its processor refuses; nothing: none is refused.
  std::optional<std::string> RefusedToken();
  // Sets both summaries over `range`, or what is wrong, in the reports that have a token.
  // Payments that are still retried under their old requestedAt may be booked between two looks:
  // what is not explained is looked at a few times.
  void Run(const payments::SummaryRange& range, std::vector<ProcessorReport>& reports);

 private:
  using Totals = std::map<std::string, AdminTotal>;
  Totals ReadTotals(const payments::SummaryRange& range);
  std::optional<payments::Summary> ReadBooks(const payments::SummaryRange& range);
  void Pause();

  const Parts parts_;
  const std::vector<upstream::ProcessorOptions>& processors_;
  const std::map<std::string, std::string>& tokens_;
};

}  // namespace tollgate::reconcile
