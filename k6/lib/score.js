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
