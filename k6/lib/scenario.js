// One run: users that ramp up and post, an auditor every ten seconds, the processors' stages, and at
// the end what the processors hold against what was accepted.
import http from 'k6/http';
import exec from 'k6/execution';
import { sleep } from 'k6';
import { Counter, Gauge } from 'k6/metrics';
import { configure, counted, processors, purge, summaryRequest, uncounted } from './processors.js';
import { countedCalls, paymentCalls, summarize } from './report.js';
import { difference } from './score.js';
import { schedules } from './schedules.js';

const baseUrl = __ENV.BASE_URL || 'http://localhost:9999';
const settleSeconds = Number(__ENV.SETTLE_SECONDS || 60);

const accepted = new Counter('payments_accepted');
const refused = new Counter('payments_refused');
const audits = new Counter('audits');
const auditPhase = new Gauge('audit_phase_ms'); // of the second, by the wall clock
const inconsistent = new Counter('payments_inconsistent');
const income = new Gauge('income');
const fees = new Gauge('fees');
const lowestFee = new Gauge('lowest_fee');
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
    // Always met: k6 keeps apart only what a threshold names.
    thresholds: { [countedCalls]: ['p(99)>=0'], [paymentCalls]: ['p(99)>=0'] },
    summaryTrendStats: ['avg', 'min', 'med', 'max', 'p(95)', 'p(99)'],
    teardownTimeout: `${settleSeconds + 60}s`,
    noConnectionReuse: false,
  };
}

const clientCall = (tags) => ({ tags, timeout: '1500ms', headers: { 'Content-Type': 'application/json' } });
const paymentCall = clientCall({ ...counted, call: 'payment' });

export function setupRun() {
  for (const name of Object.keys(processors)) {
    configure(name, 0, false);
    purge(name);
  }
  const answer = http.post(`${baseUrl}/purge-payments`, null, { tags: counted, timeout: '15s' });
  if (answer.status !== 200) {
    console.warn(`the gateway refused the purge (${answer.status}): set ALLOW_PURGE=true, or earlier payments count`);
  }
}

export function postPayment(run) {
  const body = JSON.stringify({ correlationId: uuid(), amount: run.amount });
  const answer = http.post(`${baseUrl}/payments`, body, paymentCall);
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

// Without a range, everything.
function readAll(range = '', tags = counted) {
  const answers = http.batch({
    gateway: { method: 'GET', url: `${baseUrl}/payments-summary${range}`, params: clientCall(tags) },
    default: summaryRequest('default', range, tags),
    fallback: summaryRequest('fallback', range, tags),
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
  const seen = readAll(`?from=${from}&to=${to}`);
  audits.add(1);
  auditPhase.add(now % 1000);
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
  lowestFee.add(Math.min(...Object.values(seen.processors).map((holding) => holding.feePerTransaction)));
  for (const name of Object.keys(processors)) configure(name, 0, false, uncounted);
  const began = Date.now();
  let last = -1, quiet = 0;
  while (quiet < 4 && Date.now() - began < settleSeconds * 1000) {
    sleep(0.5);
    seen = readAll('', uncounted) || seen;
    const now = sums(seen.processors).requests;
    quiet = now === last && difference(seen.processors, seen.gateway) === 0 ? quiet + 1 : 0;
    last = now;
  }
  bookedSettled.add(sums(seen.processors).requests);
  settledDifference.add(difference(seen.processors, seen.gateway));
  settleTime.add((Date.now() - began) / 1000);
}

export function report(run, data) {
  const { result, text } = summarize(run, data.metrics);
  const file = __ENV.RESULT_FILE || `k6-${run.name}.json`;
  return { stdout: text, [file]: `${JSON.stringify(result, null, 2)}\n` };
}
