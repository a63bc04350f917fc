// The commands of `tollgate` that act on one instance's payment tables and books: run the daemon,
// check a running one, list what is pending, accept a loss, export.
//
// Thread: the main thread's.
#pragma once

#include <string>

#include "tollgate/config/books_location.h"
#include "tollgate/config/config.h"
#include "tollgate/config/export_options.h"

namespace tollgate::app {

// Runs the daemon until a signal. Returns the exit code.
int RunGateway(const config::Config& config);
// Returns 0 if the instance of this configuration is ready. For a container's HEALTHCHECK.
int CheckHealth(const config::Config& config);
// Lists the payments in the tables of data_dir.
int ListPending(const config::Config& config, bool json);
// `tollgate books accept-loss`: an operator accepts that the books lack payments, so they are used
// again. Returns 0 if the loss is accepted now, or nothing was lost.
int AcceptLoss(const config::Config& config);

// `tollgate export`: prints every booked and rejected payment. Returns 0 if all were printed.
int Export(const config::Config& config, const config::ExportOptions& options);

// `tollgate books backup`: copies books in a file to `target`, which must not exist. Returns 0 if
// the copy is whole.
int BackUpBooks(const config::Config& config, const std::string& target);

// `tollgate books copy`. Returns 0 if the copy is whole and the same.
int CopyBooks(const config::Config& config, const config::BooksLocation& from,
              const config::BooksLocation& to);

}  // namespace tollgate::app
