// Users who all post at the same moment, again and again: what the public scenarios turn into once
// a stall has gathered their users, each of whom waits a second from answer to answer. No auditor,
// no processor that changes. For bench/k6/compare.sh with SCENARIO=bursts.
//
// Settings (environment): MAX_REQUESTS (users, 40), EVERY_MS (300), SECONDS (10), BASE_URL, RESULT_FILE.
import { sleep } from "k6";
import exec from "k6/execution";
import http from "k6/http";

const users = Number(__ENV.MAX_REQUESTS || 40);
const everyMs = Number(__ENV.EVERY_MS || 300);
const seconds = Number(__ENV.SECONDS || 10);
const base = __ENV.BASE_URL || "http://localhost:9999";

export const options = {
  vus: users,
  duration: `${seconds}s`,
  summaryTrendStats: ["med", "p(99)", "max"],
  discardResponseBodies: true,
};

// Unlike any other of this run and, by the time in it, of any other run.
function correlationId(run) {
  const hex = (number, digits) => number.toString(16).padStart(digits, "0").slice(-digits);
  return `${hex(exec.vu.idInTest, 8)}-${hex(exec.vu.iterationInInstance, 4)}-4000-8000-${hex(run, 12)}`;
}

export function setup() {
  return { run: Date.now() };
}

export default function ({ run }) {
  sleep((everyMs - (Date.now() % everyMs)) / 1000);
  http.post(
    `${base}/payments`,
    JSON.stringify({ correlationId: correlationId(run), amount: 19.9 }),
    { headers: { "Content-Type": "application/json" } },
  );
}

export function handleSummary({ metrics }) {
  const times = metrics.http_req_duration.values;
  const failed = metrics.http_req_failed.values.passes;
  const result = {
    payment_p99_ms: times["p(99)"],
    payment_median_ms: times.med,
    payment_max_ms: times.max,
    accepted: metrics.http_reqs.values.count - failed,
    failed,
  };
  const shown =
    `  payments: p99 / median   ${times["p(99)"].toFixed(2)} ms / ${times.med.toFixed(2)} ms, ` +
    `${result.accepted} accepted, ${failed} failed\n`;
  return { stdout: shown, [__ENV.RESULT_FILE || "build/k6/bursts.json"]: JSON.stringify(result) };
}
