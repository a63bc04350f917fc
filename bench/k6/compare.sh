#!/usr/bin/env bash
# The p99 of POST /payments under a public load scenario, real k6 through HAProxy: two gateways
# against HAProxy answering 202 by itself, and other gateways in their place, in turns on this machine.
# Every side has the same set-up (tools/run/stack.sh): Redis, two simulated processors, two gateways,
# HAProxy with the same configuration.
#   bench/k6/compare.sh
# Settings (environment):
#   K6           k6       the k6 program
#   ROUNDS       3
#   SCENARIO     preview  or final, or bursts: users who all post at the same moment (k6/bursts.js)
#   PEERS        none     other gateways as name=program, separated by spaces; each is told by
#                         SERVER_SOCKET, REDIS_SOCKET, DEFAULT_URL and FALLBACK_URL; a bare epoll
#                         loop is floor=build/release/bench-floor
#   RESULT_FILE  build/bench/k6-compare.json
#   and those of stack.sh (BUILD_DIR, PORT, DEFAULT_PORT, FALLBACK_PORT) and k6/run.sh (MAX_REQUESTS, …)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export K6_NO_USAGE_REPORT=true K6=${K6:-k6} PORT=${PORT:-9999} DEFAULT_PORT=${DEFAULT_PORT:-8001} FALLBACK_PORT=${FALLBACK_PORT:-8002}
rounds=${ROUNDS:-3}
scenario=${SCENARIO:-preview}
result=${RESULT_FILE:-$root/build/bench/k6-compare.json}
command -v "$K6" >/dev/null || { echo "compare: $K6 is not found; K6=… names it" >&2; exit 1; }
work=$(mktemp -d "${TMPDIR:-/tmp}/tollgate-k6.XXXXXX")
running=
stop() { # a set-up that runs stops itself on SIGTERM
  [ -z "$running" ] || { kill -TERM "$running"; wait "$running" || true; } 2>/dev/null
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p "$(dirname "$result")"

# The configuration that ships, changed in one respect each.
shipped=$root/haproxy/haproxy.cfg
variant=$root/bench/measure/haproxy_config.py
"$variant" answering >"$work/itself.cfg"
"$variant" unchecked >"$work/any.cfg" # other gateways have no /readyz

# bursts.js looks at no books, so nothing of it can be called clean.
play="'$root/k6/run.sh' $scenario"
[ "$scenario" != bursts ] || play="'$K6' run --quiet '$root/k6/bursts.js'"

fees=(DEFAULT_SIM_FEE=0.05 FALLBACK_SIM_FEE=0.15)
[ "$scenario" != final ] || fees=(DEFAULT_SIM_FEE=0.07 FALLBACK_SIM_FEE=0.10)

# one ROUND NAME VARIABLE=VALUE…: a whole set-up and a whole run; the result as NAME.ROUND.json.
one() {
  local round=$1 name=$2 log=$work/$2.$1.log
  shift 2
  printf '%s  round %s  %-10s ' "$(date +%T)" "$round" "$name"
  # A run that is not clean ends with an error and has its result all the same: it is shown.
  env "$@" "${fees[@]}" RESULT_FILE="$work/$name.$round.json" BASE_URL="http://localhost:$PORT" \
    DEFAULT_URL="http://localhost:$DEFAULT_PORT" FALLBACK_URL="http://localhost:$FALLBACK_PORT" \
    COMMAND="$play" "$root/tools/run/stack.sh" >"$log" 2>&1 &
  running=$!
  wait "$running" || true
  running=
  [ -s "$work/$name.$round.json" ] || { echo "no result:" >&2; tail -n 15 "$log" >&2; exit 1; }
  sed -n 's/^  payments: p99 \/ median *//p' "$log"
  [ "$name" = haproxy ] || sed -n 's/^  NOT CLEAN/        /p; s/.*level=error msg="\(audit: .*\)" source=.*/          \1/p' "$log"
}

for ((round = 1; round <= rounds; round++)); do
  one "$round" haproxy HAPROXY_CFG="$work/itself.cfg"
  one "$round" tollgate HAPROXY_CFG="$shipped"
  for peer in ${PEERS:-}; do
    one "$round" "${peer%%=*}" HAPROXY_CFG="$work/any.cfg" GATEWAY="${peer#*=}"
  done
done

python3 "$root/bench/k6/runs.py" "$work" "$result"
