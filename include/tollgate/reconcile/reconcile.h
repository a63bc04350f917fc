// `tollgate reconcile`: compares the books with each processor, payment by payment. With --repair
// it books what the books lack. It only reads from processors and writes records. It never charges:
// its processor client cannot POST.
//
// What is compared: every claim on the books, and every id of --ids, whose requestedAt is in [from,
// to] and at least `min_age` old by the slower of Redis' clock and this host's. Younger payments
// are in flight and are skipped. Claims are those that look-ups see: all that are pending, and
// those that were booked or rejected on the two shelves since the last purge. Every configured
// processor is asked, or with --named-only the one that the books name. Amounts are compared to the
// cent and requestedAt to the millisecond. A payment counts as different only if its entry on the
// books is the same before and after the processors were asked, so running gateways cause no
// differences. A pending claim that no processor has is no difference, because its instance will
// finish it.
//
// What is repaired: only `books_lack`, with the gateways' record script. The script is idempotent
// by id. If a gateway records the same payment before, after or at the same time, it is counted
// once, and the gateway's table frees its slot as usual. The record carries the claim's epoch, so a
// payment claimed before a purge is settled and not counted. What is not repaired: another amount;
// a booking that the processor dates before the books begin, because they may have counted and
// forgotten it; a payment that is pending at one processor and booked at another. Each repair is
// read back before it is reported as repaired.
//
// With a processor's admin token, its summary over the range is compared with that of the books,
// and the difference with the payments found. The unexplained rest is not known to these books, or
// no longer: it is from before a purge or the de-duplication window, or from another client of the
// processor.
//
// Summaries are made from the sums. The sums are compared with the counted payments on the books,
// over the same range, as far back as all payments are known (src/reconcile/sum_check.h). If they
// differ, summaries are wrong. That is a difference like the others, and --repair mends it. Sums
// that change during the whole comparison are an error, because not all was compared.
//
// A processor that does not answer for `patience` is away. Its payments are not compared.
// Exit code: 0 no difference is left; 1 an error, or a processor was away, so not all was compared;
// 2 differences are left.
//
// Thread: the main thread's.
#pragma once

#include "tollgate/config/config.h"
#include "tollgate/config/reconcile_options.h"

namespace tollgate::reconcile {

// Runs to its end. Returns the exit code.
int Reconcile(const config::Config& config, const config::ReconcileOptions& options);

}  // namespace tollgate::reconcile
