// The contest's arithmetic, apart from k6 so that it can be checked by itself (tests/k6).

// score = (income - fees) * (1 + bonus - penalty); p99 in milliseconds.
export function score({ income, fees, p99, inconsistent }) {
  const bonus = Math.max(0, (11 - p99) * 0.02);
  const penalty = inconsistent > 0 ? 0.35 : 0;
  return { bonus, penalty, total: (income - fees) * (1 + bonus - penalty) };
}

// The share of "every accepted payment at the low fee, none lost" that was reached.
export function shareOfBound({ income, fees, accepted, amount, lowFee }) {
  const bound = accepted * amount * (1 - lowFee);
  return bound > 0 ? (income - fees) / bound : 0;
}

// What a run must not show, in words; empty if it shows none of it.
export function complaints({ accepted, failed, lost, inconsistent, settledDifference }) {
  const found = [];
  if (accepted === 0) found.push('nothing was accepted');
  if (failed > 0) found.push(`${failed} requests failed`);
  if (inconsistent > 0) found.push(`the auditor saw ${inconsistent} payments differ`);
  if (lost > 0) found.push(`${lost} accepted payments were never booked`);
  if (lost < 0) found.push(`${-lost} payments more were booked than accepted`);
  if (settledDifference > 0) found.push(`${settledDifference} payments differ once settled`);
  return found;
}

// How many payments two summaries differ by.
export function difference(processors, gateway) {
  let count = 0;
  for (const name of Object.keys(processors)) {
    const theirs = processors[name];
    const ours = gateway[name] || { totalRequests: 0, totalAmount: 0 };
    const payments = Math.abs(theirs.totalRequests - ours.totalRequests);
    const cents = Math.abs(Math.round(theirs.totalAmount * 100) - Math.round(ours.totalAmount * 100));
    count += Math.max(payments, cents > 0 ? 1 : 0);
  }
  return count;
}
