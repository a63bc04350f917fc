// TotalsCheck compares the processors' own summaries, read with their admin tokens, with the
// summaries of the books.
//
// Thread: the loop's. Each call runs the loop until it is done.
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
  // REQUIRES: all references outlive it. `tokens` is by processor name; processors without one are
  // not asked.
  TotalsCheck(const Parts& parts, const std::vector<upstream::ProcessorOptions>& processors,
              const std::map<std::string, std::string>& tokens)
      : parts_(parts), processors_(processors), tokens_(tokens) {}

  // The problem of the first token that its processor refuses; nothing if all are accepted.
  std::optional<std::string> RefusedToken();
  // Sets both summaries over `range`, or the problem, in the reports that have a token. Payments
  // that are retried under their old requestedAt may be booked between the two readings, so a
  // difference that is not explained is read again a few times.
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
