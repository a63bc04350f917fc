// What a run's metrics say, as an object for the JSON file and as a text for a person. Apart from k6,
// so that it can be checked by itself (tests/k6).
import { complaints, score, shareOfBound } from './score.js';

// The two measures of time: every call that the contest counts, and the payments alone.
export const countedCalls = 'http_req_duration{counted:yes,expected_response:true}';
export const paymentCalls = 'http_req_duration{call:payment,expected_response:true}';

function resultOf(run, metrics) {
  const value = (metric, field) => (metrics[metric] ? metrics[metric].values[field] || 0 : 0);
  const result = {
    scenario: run.name, users: run.users, seconds: run.duration,
    accepted: value('payments_accepted', 'count'), failed: value('payments_refused', 'count'),
    booked_at_end: value('booked_at_end', 'value'), booked_settled: value('booked_settled', 'value'),
    settle_seconds: value('settle_seconds', 'value'),
    audits: value('audits', 'count'), audit_phase_ms: value('audit_phase_ms', 'value'),
    inconsistent: value('payments_inconsistent', 'count'),
    settled_difference: value('settled_difference', 'value'),
    income: value('income', 'value'), fees: value('fees', 'value'), lowest_fee: value('lowest_fee', 'value'),
    p99_ms: value(countedCalls, 'p(99)'), median_ms: value(countedCalls, 'med'),
    payment_p99_ms: value(paymentCalls, 'p(99)'), payment_median_ms: value(paymentCalls, 'med'),
    payment_max_ms: value(paymentCalls, 'max'),
  };
  result.lost = result.accepted - result.booked_settled;
  Object.assign(result, score({ ...result, p99: result.p99_ms }));
  result.share_of_bound = shareOfBound({ ...result, amount: run.amount, lowFee: result.lowest_fee });
  result.complaints = complaints({ ...result, settledDifference: result.settled_difference });
  result.clean = result.complaints.length === 0;
  return result;
}

function feeNote(run, result) {
  const published = run.fees[0];
  if (Math.abs(result.lowest_fee - published) < 1e-9) return '';
  return ` (published: ${(100 * published).toFixed(0)} %; DEFAULT_SIM_FEE sets it)`;
}

export function summarize(run, metrics) {
  const result = resultOf(run, metrics);
  const row = (label, text) => `  ${label.padEnd(26)}${text}\n`;
  const times = (p99, median) => `${p99.toFixed(2)} ms / ${median.toFixed(2)} ms`;
  const text = `\n  ${run.name}: ${run.users} users over ${run.duration} s\n  ${'-'.repeat(52)}\n`
    + row('accepted / failed', `${result.accepted} / ${result.failed}`)
    + row('booked at the end', `${result.booked_at_end}`)
    + row('booked once settled', `${result.booked_settled} (${result.settle_seconds.toFixed(1)} s later)`)
    + row('accepted, never booked', `${result.lost}`)
    + row('auditor', `${result.audits} audits, ${result.inconsistent} payments differed`)
    + row('difference once settled', `${result.settled_difference}`)
    + row('payments: p99 / median', times(result.payment_p99_ms, result.payment_median_ms))
    + row('all calls: p99 / median', times(result.p99_ms, result.median_ms))
    + row('lowest fee', `${(100 * result.lowest_fee).toFixed(0)} %${feeNote(run, result)}`)
    + row('income - fees', `${result.income.toFixed(2)} - ${result.fees.toFixed(2)}`)
    + row('share of the bound', `${(100 * result.share_of_bound).toFixed(2)} %`)
    + row('bonus / penalty', `${(100 * result.bonus).toFixed(1)} % / ${(100 * result.penalty).toFixed(0)} %`)
    + row('score', `${result.total.toFixed(2)}`)
    + result.complaints.map((complaint) => row('NOT CLEAN', complaint)).join('')
    + '\n';
  return { result, text };
}
