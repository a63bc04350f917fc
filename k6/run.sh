#!/usr/bin/env bash
# Runs a load scenario against a set-up that is up (make run, make up).
#   k6/run.sh preview|final
# Ends with 1 if a request failed, the auditor saw a difference or anything accepted was never booked.
# Settings (environment): MAX_REQUESTS (users), TIME_SCALE (1: as published), BASE_URL, DEFAULT_URL,
# FALLBACK_URL, TOKEN, SETTLE_SECONDS, RESULT_FILE (build/k6/<scenario>.json), K6 (the k6 program),
# START_PHASE_MS (k6 starts so long after a full second; empty: at once).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
k6=${K6:-k6}
scenario=${1:-}
[ -f "$here/$scenario.js" ] && [ -n "$scenario" ] || { echo "usage: k6/run.sh preview|final" >&2; exit 2; }
command -v "$k6" >/dev/null || {
  echo "k6: $k6 is not found. Install it (https://grafana.com/docs/k6/latest/set-up/install-k6/), or run it" >&2
  echo "    from its image: docker run --rm -i --network host -v $here:/k6 grafana/k6 run /k6/$scenario.js" >&2
  exit 1
}
base=${BASE_URL:-http://localhost:9999}
curl -sf -o /dev/null --max-time 5 "$base/payments-summary" || {
  echo "k6: $base does not answer; start a set-up first: make run, or make up" >&2
  exit 1
}
export RESULT_FILE=${RESULT_FILE:-$(dirname "$here")/build/k6/$scenario.json}
mkdir -p "$(dirname "$RESULT_FILE")"
export K6_NO_USAGE_REPORT=true
rm -f "$RESULT_FILE"
if [ -n "${START_PHASE_MS:-}" ]; then
  now_ms=$((10#$(date +%N) / 1000000))
  wait_ms=$(((START_PHASE_MS - now_ms + 1000) % 1000))
  sleep "$(printf '0.%03d' $wait_ms)"
fi
"$k6" run "$here/$scenario.js"
[ -s "$RESULT_FILE" ] || { echo "k6: the run ended before its result" >&2; exit 1; }
echo "  written to $RESULT_FILE"
grep -q '"clean": true' "$RESULT_FILE" || { echo "k6: the run was not clean, see above" >&2; exit 1; }
