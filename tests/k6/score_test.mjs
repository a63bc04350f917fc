// Checks the scenarios without k6: the arithmetic of the score, the auditor's comparison, the
// published stages, and that nothing is imported from elsewhere.
import assert from 'node:assert';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import test from 'node:test';

const k6 = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../k6');
const load = async (name) =>
  import(`data:text/javascript,${encodeURIComponent(readFileSync(path.join(k6, 'lib', name), 'utf8'))}`);
const { score, shareOfBound, difference, complaints } = await load('score.js');
const { schedules } = await load('schedules.js');

test('a p99 below 11 ms earns two percent a millisecond', () => {
  assert.strictEqual(score({ income: 1000, fees: 50, p99: 11, inconsistent: 0 }).total, 950);
  assert.ok(Math.abs(score({ income: 1000, fees: 50, p99: 1, inconsistent: 0 }).total - 1140) < 1e-9);
  assert.strictEqual(score({ income: 1000, fees: 50, p99: 40, inconsistent: 0 }).bonus, 0);
});

test('any difference costs 35 percent, once', () => {
  assert.ok(Math.abs(score({ income: 1000, fees: 0, p99: 20, inconsistent: 1 }).total - 650) < 1e-9);
  assert.ok(Math.abs(score({ income: 1000, fees: 0, p99: 20, inconsistent: 900 }).total - 650) < 1e-9);
});

test('the share of the bound is one when all is booked at the low fee', () => {
  assert.ok(Math.abs(shareOfBound({ income: 199, fees: 9.95, accepted: 10, amount: 19.9, lowFee: 0.05 }) - 1) < 1e-9);
});

test('the auditor sees a missing payment, a wrong amount and a wrong processor', () => {
  const held = { default: { totalRequests: 2, totalAmount: 39.8 }, fallback: { totalRequests: 1, totalAmount: 19.9 } };
  assert.strictEqual(difference(held, structuredClone(held)), 0);
  assert.strictEqual(difference(held, { ...held, default: { totalRequests: 1, totalAmount: 19.9 } }), 1);
  assert.strictEqual(difference(held, { ...held, default: { totalRequests: 2, totalAmount: 39.81 } }), 1);
  assert.strictEqual(difference(held, { default: { totalRequests: 3, totalAmount: 59.7 } }), 2);
});

test('the stages are those that were published', () => {
  assert.strictEqual(schedules.preview.users, 550);
  assert.deepStrictEqual(schedules.preview.stages[3], [30, 2000, true, 1000, true]);
  assert.strictEqual(schedules.preview.stages.length, 6);
  assert.strictEqual(schedules.final.users, 603);
  assert.deepStrictEqual(schedules.final.stages[4], [120, 5000, true, 5, false]);
  assert.strictEqual(schedules.final.stages.length, 10);
});

test('a clean run has no complaints, and each thing that must not be has one', () => {
  const clean = { accepted: 10, failed: 0, lost: 0, inconsistent: 0, settledDifference: 0 };
  assert.deepStrictEqual(complaints(clean), []);
  for (const change of [{ accepted: 0 }, { failed: 1 }, { lost: 2 }, { lost: -2 }, { inconsistent: 3 }, { settledDifference: 4 }]) {
    const found = complaints({ ...clean, ...change });
    assert.strictEqual(found.length, 1, JSON.stringify(change));
    assert.match(found[0], /nothing|\b[1-4]\b/);
  }
});

test('nothing is imported from another host', () => {
  for (const folder of [k6, path.join(k6, 'lib')]) {
    for (const name of readdirSync(folder).filter((n) => n.endsWith('.js'))) {
      const imports = readFileSync(path.join(folder, name), 'utf8').match(/from '[^']+'/g) || [];
      for (const line of imports) assert.match(line, /from '(k6(\/\w+)?|\.\/[\w./]+)'/, `${name}: ${line}`);
    }
  }
});
