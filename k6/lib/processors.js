// The processors' admin interface: how the scenario sets their delay and failure, and what they hold.
import http from 'k6/http';

const token = __ENV.TOKEN || '123';

export const processors = {
  default: __ENV.DEFAULT_URL || 'http://localhost:8001',
  fallback: __ENV.FALLBACK_URL || 'http://localhost:8002',
};

// Calls of the scenario itself are no part of the measured requests.
export const untimed = { scenario_call: 'yes' };
const parameters = {
  headers: { 'Content-Type': 'application/json', 'X-Rinha-Token': token },
  tags: untimed,
  timeout: '15s',
};

function put(name, path, body) {
  const answer = http.put(`${processors[name]}/admin/configurations/${path}`, JSON.stringify(body), parameters);
  if (answer.status !== 200) {
    throw new Error(`${name}: PUT ${path} answered ${answer.status}; is ${processors[name]} a processor, and TOKEN right?`);
  }
}

export function configure(name, delayMs, failing) {
  put(name, 'delay', { delay: delayMs });
  put(name, 'failure', { failure: failing });
}

export function purge(name) {
  const answer = http.post(`${processors[name]}/admin/purge-payments`, null, parameters);
  if (answer.status !== 200) {
    throw new Error(`${name}: purge answered ${answer.status}; is ${processors[name]} reachable, and TOKEN right?`);
  }
}

// For http.batch; without a range, everything.
export function summaryRequest(name, from, to) {
  const range = from ? `?from=${from}&to=${to}` : '';
  return { method: 'GET', url: `${processors[name]}/admin/payments-summary${range}`, params: parameters };
}
