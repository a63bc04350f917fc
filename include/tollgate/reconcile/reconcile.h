// `tollgate reconcile`: holds the books against what each processor holds, payment by payment, and
// with --repair books what they lack. It asks and records; it never charges: its processor client
// has no handle for a POST.
//
// What is compared: every claim on the books, and every id of --ids, whose requestedAt is in
// [from, to] and at least `min_age` old by the slower of Redis' clock and ours. Younger ones are in
// flight and are left alone. Claims are those that look-ups see: all that are pending, and what was
// booked or rejected on the two shelves that the books remember, since the last purge. Every
// configured processor is asked
// (--named-only: the one that the books name). Amounts are compared to the cent and requestedAt to
// the millisecond. A payment only counts as different if the books say the same of it before and
// after the processors were asked, so that a gateway at work beside this makes no difference. A
// pending claim that no processor holds is no difference: its instance will finish it.
//
// What is repaired: `books_lack` alone, by the gateways' record script, idempotent by id: a gateway
// that records the same payment earlier, later or at the same time counts it once, and its table
// frees its slot as ever. The record carries the claim's epoch: claimed before a purge, it is
// settled and not counted. Not repaired: another amount; a booking that the processor dates before
// the books begin (they may have counted and forgotten it); a payment pending at one processor and
// held by another. What was repaired is read back before it is called repaired.
//
// With a processor's admin token its summary over the range is held against the books', and the
// difference against that of the payments found. What is left unexplained was never known to these
// books, or no more: from before a purge or the de-duplication window, or of another client of the
// processor.
//
// The sums, of which summaries are made, are held against the payments on the books that are
// counted, over the same range, as far back as all payments are known (src/reconcile/sum_check.h).
// Where they differ, summaries are wrong: that is a difference like the others, and --repair mends
// it. Sums that were written to all the while are an error: not all was compared.
//
// A processor that does not answer for `patience` is away: its payments are not compared.
// Exit code: 0 no difference is left; 1 an error, or a processor was away: not all was compared;
// 2 differences are left.
//
// Thread: the main thread's.
#pragma once

#include "tollgate/config/config.h"
#include "tollgate/config/reconcile_options.h"

namespace tollgate::reconcile {

// Runs to its end; the exit code.
int Reconcile(const config::Config& config, const config::ReconcileOptions& options);

}  // namespace tollgate::reconcile
