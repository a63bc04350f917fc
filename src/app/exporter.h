// Exporter: reads all settled payments of a range and writes them in the order of requestedAt.
//
// Thread: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/export_lines.h"
#include "app/export_rows.h"
#include "tollgate/base/result.h"
#include "tollgate/config/export_options.h"
#include "tollgate/ledger/claim_reader.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::app {

struct ExportCounts {
  uint64_t booked = 0;
  uint64_t not_counted = 0;  // of these, that no summary has
  uint64_t rejected = 0;
  uint64_t pending = 0;       // in the range: they are not exported
  uint64_t damaged = 0;       // entries that cannot be read
  int64_t booked_cents = 0;   // of those that are counted
  int64_t known_from_ms = 0;  // earlier payments are no longer on the books
};

// Members: the parts of one run, and what it has found.
class Exporter {
 public:
  struct Parts {
    net::EventLoop& loop;
    ledger::ClaimReader& claims;
    ExportRows& rows;
    ExportLines& lines;
  };
  // `patience_ms`: how long the books may be away.
  Exporter(const Parts& parts, const config::ExportOptions& options, int64_t patience_ms)
      : parts_(parts), options_(options), patience_ms_(patience_ms) {}

  base::Status Run();
  const ExportCounts& counts() const { return counts_; }

 private:
  base::Status ReadAll();
  std::optional<ledger::ClaimPage> ReadPage(const ledger::ClaimCursor& cursor);
  base::Status CheckSame(const ledger::ClaimPage& page);
  base::Status Take(const ledger::Claim& claim);
  base::Status WriteAll();

  const Parts parts_;
  const config::ExportOptions options_;
  const int64_t patience_ms_;
  ExportCounts counts_;
  std::optional<ledger::ClaimPage> first_;  // without claims
};

}  // namespace tollgate::app
