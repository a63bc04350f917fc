// One run: users that ramp up and post, an auditor every ten seconds, the processors' stages, and at
// the end what the processors hold against what was accepted.
import http from 'k6/http';
import exec from 'k6/execution';
import { sleep } from 'k6';
import { Counter, Gauge } from 'k6/metrics';
import { configure, processors, purge, summaryRequest, untimed } from './processors.js';
import { difference, score, shareOfBound } from './score.js';
import { schedules } from './schedules.js';

const baseUrl = __ENV.BASE_URL || 'http://localhost:9999';
const settleSeconds = Number(__ENV.SETTLE_SECONDS || 60);

const accepted = new Counter('payments_accepted');
const refused = new Counter('payments_refused');
const audits = new Counter('audits');
const inconsistent = new Counter('payments_inconsistent');
const income = new Gauge('income');
const fees = new Gauge('fees');
const bookedAtEnd = new Gauge('booked_at_end');
const bookedSettled = new Gauge('booked_settled');
const settledDifference = new Gauge('settled_difference');
const settleTime = new Gauge('settle_seconds');

function uuid() {
  const hex = () => Math.floor(Math.random() * 0x100000000).toString(16).padStart(8, '0');
  const a = hex(), b = hex(), c = hex(), d = hex();
  return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-a${c.slice(1, 4)}-${c.slice(4)}${d}`;
}

export function settings(name) {
  const schedule = schedules[name];
  const scale = Number(__ENV.TIME_SCALE || 1);
  const users = Number(__ENV.MAX_REQUESTS || schedule.users);
  return { ...schedule, name, scale, users, duration: Math.ceil(schedule.seconds * scale) };
}

export function optionsFor(run) {
  const scenarios = {
    payments: {
      exec: 'postPayment', executor: 'ramping-vus', startVUs: 1, gracefulRampDown: '0s', gracefulStop: '5s',
      stages: [{ target: run.users, duration: `${run.duration}s` }],
    },
    auditor: {
      exec: 'audit', executor: 'constant-vus', vus: 1, duration: `${run.duration}s`, gracefulStop: '15s',
    },
  };
  run.stages.forEach((stage, index) => {
    scenarios[`stage_${String(index).padStart(2, '0')}`] = {
      exec: 'applyStage', executor: 'shared-iterations', vus: 1, iterations: 1,
      startTime: `${Math.round(stage[0] * run.scale * 1000)}ms`, maxDuration: '15s',
    };
  });
  return {
    scenarios,
    // p99 counts the successful calls that a client makes, the auditor's at the gateway among them.
    thresholds: { 'http_req_duration{scenario_call:no,expected_response:true}': ['p(99)>=0'] },
    summaryTrendStats: ['avg', 'min', 'med', 'max', 'p(95)', 'p(99)'],
    teardownTimeout: `${settleSeconds + 60}s`,
    noConnectionReuse: false,
  };
}

const clientCall = { tags: { scenario_call: 'no' }, timeout: '1500ms', headers: { 'Content-Type': 'application/json' } };

export function setupRun() {
  for (const name of Object.keys(processors)) {
    configure(name, 0, false);
    purge(name);
  }
  const answer = http.post(`${baseUrl}/purge-payments`, null, { tags: untimed, timeout: '15s' });
  if (answer.status !== 200) {
    console.warn(`the gateway refused the purge (${answer.status}): set ALLOW_PURGE=true, or earlier payments count`);
  }
}

export function postPayment(run) {
  const body = JSON.stringify({ correlationId: uuid(), amount: run.amount });
  const answer = http.post(`${baseUrl}/payments`, body, clientCall);
  const good = answer.status >= 200 && answer.status < 300;
  accepted.add(good ? 1 : 0);
  refused.add(good ? 0 : 1);
  sleep(1);
}

export function applyStage(run) {
  const stage = run.stages[Number(exec.scenario.name.split('_')[1])];
  configure('default', stage[1], stage[2]);
  configure('fallback', stage[3], stage[4]);
}

function readAll(from, to) {
  const range = from ? `?from=${from}&to=${to}` : '';
  const answers = http.batch({
    gateway: { method: 'GET', url: `${baseUrl}/payments-summary${range}`, params: clientCall },
    default: summaryRequest('default', from, to),
    fallback: summaryRequest('fallback', from, to),
  });
  for (const name of Object.keys(answers)) {
    if (answers[name].status !== 200) return null;
  }
  return {
    gateway: answers.gateway.json(),
    processors: { default: answers.default.json(), fallback: answers.fallback.json() },
  };
}

export function audit(run) {
  sleep(10);
  const now = Date.now();
  const from = new Date(now - 15000).toISOString();
  const to = new Date(now - run.lagMs).toISOString();
  const seen = readAll(from, to);
  audits.add(1);
  if (seen === null) {
    inconsistent.add(1);
    console.error('audit: the gateway or a processor gave no summary');
    return;
  }
  const count = difference(seen.processors, seen.gateway);
  inconsistent.add(count);
  if (count > 0) console.error(`audit: ${count} payments differ: ${JSON.stringify(seen)}`);
}

function sums(holdings) {
  let requests = 0, amount = 0, fee = 0;
  for (const name of Object.keys(holdings)) {
    requests += holdings[name].totalRequests;
    amount += holdings[name].totalAmount;
    fee += holdings[name].totalFee;
  }
  return { requests, amount, fee };
}

// Income is what the processors hold the moment the load ends. Then the processors are made well
// again, and what is still under way may settle: afterwards nothing accepted may be missing.
export function settle() {
  let seen = readAll();
  if (seen === null) throw new Error('no summary at the end: nothing can be said of this run');
  const end = sums(seen.processors);
  income.add(end.amount);
  fees.add(end.fee);
  bookedAtEnd.add(end.requests);
  for (const name of Object.keys(processors)) configure(name, 0, false);
  const began = Date.now();
  let last = -1, quiet = 0;
  while (quiet < 4 && Date.now() - began < settleSeconds * 1000) {
    sleep(0.5);
    seen = readAll() || seen;
    const now = sums(seen.processors).requests;
    quiet = now === last && difference(seen.processors, seen.gateway) === 0 ? quiet + 1 : 0;
    last = now;
  }
  bookedSettled.add(sums(seen.processors).requests);
  settledDifference.add(difference(seen.processors, seen.gateway));
  settleTime.add((Date.now() - began) / 1000);
}

export function report(run, data) {
  const value = (metric, field) => (data.metrics[metric] ? data.metrics[metric].values[field] || 0 : 0);
  const p99 = value('http_req_duration{scenario_call:no,expected_response:true}', 'p(99)');
  const result = {
    scenario: run.name, users: run.users, seconds: run.duration,
    accepted: value('payments_accepted', 'count'), failed: value('payments_refused', 'count'),
    booked_at_end: value('booked_at_end', 'value'), booked_settled: value('booked_settled', 'value'),
    settle_seconds: value('settle_seconds', 'value'),
    audits: value('audits', 'count'), inconsistent: value('payments_inconsistent', 'count'),
    settled_difference: value('settled_difference', 'value'),
    income: value('income', 'value'), fees: value('fees', 'value'),
    p99_ms: p99, median_ms: value('http_req_duration{scenario_call:no,expected_response:true}', 'med'),
  };
  result.lost = result.accepted - result.booked_settled;
  Object.assign(result, score({ ...result, p99 }));
  result.share_of_bound = shareOfBound({ ...result, amount: run.amount, lowFee: run.lowFee });
  const row = (label, text) => `  ${label.padEnd(26)}${text}\n`;
  const text = `\n  ${run.name}: ${run.users} users over ${run.duration} s\n  ${'-'.repeat(52)}\n`
    + row('accepted / failed', `${result.accepted} / ${result.failed}`)
    + row('booked at the end', `${result.booked_at_end}`)
    + row('booked once settled', `${result.booked_settled} (${result.settle_seconds.toFixed(1)} s later)`)
    + row('accepted, never booked', `${result.lost}`)
    + row('auditor', `${result.audits} audits, ${result.inconsistent} payments differed`)
    + row('difference once settled', `${result.settled_difference}`)
    + row('p99 / median', `${p99.toFixed(2)} ms / ${result.median_ms.toFixed(2)} ms`)
    + row('income - fees', `${result.income.toFixed(2)} - ${result.fees.toFixed(2)}`)
    + row('share of the bound', `${(100 * result.share_of_bound).toFixed(2)} %`)
    + row('bonus / penalty', `${(100 * result.bonus).toFixed(1)} % / ${(100 * result.penalty).toFixed(0)} %`)
    + row('score', `${result.total.toFixed(2)}\n`);
  const files = { stdout: text };
  files[__ENV.RESULT_FILE || `k6-${run.name}.json`] = `${JSON.stringify(result, null, 2)}\n`;
  return files;
}
