// The processors' admin interface: how the scenario sets their delay and failure, and what they hold.
import http from 'k6/http';

const token = __ENV.TOKEN || '123';

export const processors = {
  default: __ENV.DEFAULT_URL || 'http://localhost:8001',
  fallback: __ENV.FALLBACK_URL || 'http://localhost:8002',
};

// The contest's p99 is over every call that its script makes, those to the processors among them.
// What this script does beyond that (waiting until all has settled) is left out.
export const counted = { counted: 'yes' };
export const uncounted = { counted: 'no' };
const parameters = (tags) => ({
  headers: { 'Content-Type': 'application/json', 'X-Rinha-Token': token },
  tags,
  timeout: '15s',
});

function put(name, path, body, tags) {
  const url = `${processors[name]}/admin/configurations/${path}`;
  const answer = http.put(url, JSON.stringify(body), parameters(tags));
  if (answer.status !== 200) {
    throw new Error(`${name}: PUT ${path} answered ${answer.status}; is ${processors[name]} a processor, and TOKEN right?`);
  }
}

export function configure(name, delayMs, failing, tags = counted) {
  put(name, 'delay', { delay: delayMs }, tags);
  put(name, 'failure', { failure: failing }, tags);
}

export function purge(name) {
  const answer = http.post(`${processors[name]}/admin/purge-payments`, null, parameters(counted));
  if (answer.status !== 200) {
    throw new Error(`${name}: purge answered ${answer.status}; is ${processors[name]} reachable, and TOKEN right?`);
  }
}

// For http.batch.
export function summaryRequest(name, range, tags) {
  return { method: 'GET', url: `${processors[name]}/admin/payments-summary${range}`, params: parameters(tags) };
}
