// Checks what a run's report says, without k6: made-up metrics in, the JSON object and the text out.
import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import test from 'node:test';

const lib = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../k6/lib');
const text = (name) => readFileSync(path.join(lib, name), 'utf8');
const asUrl = (source) => `data:text/javascript,${encodeURIComponent(source)}`;
const { countedCalls, paymentCalls, summarize } = await import(
  asUrl(text('report.js').replace("'./score.js'", `'${asUrl(text('score.js')).replaceAll("'", '%27')}'`)));
const { schedules } = await import(asUrl(text('schedules.js')));

const run = { ...schedules.preview, name: 'preview', duration: 60 };
const counter = (count) => ({ values: { count } });
const gauge = (value) => ({ values: { value } });
const trend = (p99, med) => ({ values: { 'p(99)': p99, med, max: 2 * p99 } });

const metricsOf = (changes = {}) => ({
  payments_accepted: counter(100), payments_refused: counter(0), audits: counter(6),
  payments_inconsistent: counter(0), booked_at_end: gauge(98), booked_settled: gauge(100),
  settle_seconds: gauge(2), settled_difference: gauge(0), income: gauge(1950.2), fees: gauge(97.51),
  lowest_fee: gauge(0.05), [countedCalls]: trend(3, 1), [paymentCalls]: trend(2, 0.5),
  ...changes,
});

test('the payments alone have a p99 of their own; the bonus counts every call', () => {
  const { result } = summarize(run, metricsOf());
  assert.strictEqual(result.payment_p99_ms, 2);
  assert.strictEqual(result.payment_max_ms, 4);
  assert.strictEqual(result.p99_ms, 3);
  assert.ok(Math.abs(result.bonus - 0.16) < 1e-9);
});

test('a clean run says so, and what is late is not lost', () => {
  const { result, text: shown } = summarize(run, metricsOf());
  assert.strictEqual(result.clean, true);
  assert.strictEqual(result.lost, 0);
  assert.doesNotMatch(shown, /NOT CLEAN|published/);
});

test('what is missing once settled is shown', () => {
  const { result, text: shown } = summarize(run, metricsOf({ booked_settled: gauge(97) }));
  assert.strictEqual(result.lost, 3);
  assert.strictEqual(result.clean, false);
  assert.match(shown, /NOT CLEAN\s+3 accepted payments were never booked/);
});

test('the bound uses the fee that the processors take, and says where it is not the published one', () => {
  const { result, text: shown } = summarize(run, metricsOf({ lowest_fee: gauge(0.07) }));
  assert.ok(Math.abs(result.share_of_bound - 1852.69 / (100 * 19.9 * 0.93)) < 1e-9);
  assert.match(shown, /7 % \(published: 5 %/);
});

test('metrics that never came are zeros, and no clean run', () => {
  const { result } = summarize(run, {});
  assert.strictEqual(result.accepted, 0);
  assert.strictEqual(result.clean, false);
});
