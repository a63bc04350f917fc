#!/usr/bin/env bash
# Runs one gateway with its books in a file, and two simulated processors, until Ctrl-C. Everything
# lives in one temporary folder that is removed at the end; with DATA_DIR, payments stay there.
#
# Settings (environment):
#   PORT                9999   what the gateway listens on
#   DEFAULT_PORT        8001   the processor with the low fee
#   FALLBACK_PORT       8002   the dearer one
#   BUILD_DIR           build/release
#   DATA_DIR            the temporary folder
#   DEFAULT_SIM_FEE, FALLBACK_SIM_FEE   0.05, 0.15; the gateway is told of them
#   GATEWAY_ARGS        more arguments for the gateway
#   READY_FILE          written (with the folder's name) once a payment goes through
#   COMMAND             run this once a payment goes through, then stop all and exit with its status
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PORT=${PORT:-9999}
DEFAULT_PORT=${DEFAULT_PORT:-8001}
FALLBACK_PORT=${FALLBACK_PORT:-8002}
BUILD_DIR=${BUILD_DIR:-$root/build/release}
make_target=run
# shellcheck source=tools/run/processes.sh
. "$root/tools/run/processes.sh"
data=${DATA_DIR:-$folder}
# Settings that the caller has for other gateways are not for this one.
unset REDIS_SOCKET REDIS_URL SERVER_SOCKET CONFIG DATA_DIR

start_processors
# shellcheck disable=SC2086 # GATEWAY_ARGS is a list of words
start gateway "$BUILD_DIR/tollgate" --listen "0.0.0.0:$PORT" --books file --data-dir "$data" \
  --default-url "http://127.0.0.1:$DEFAULT_PORT" --fallback-url "http://127.0.0.1:$FALLBACK_PORT" \
  --default-fee "${DEFAULT_SIM_FEE:-0.05}" --fallback-fee "${FALLBACK_SIM_FEE:-0.15}" \
  --admin-listen "$folder/admin.sock" --allow-purge=true ${GATEWAY_ARGS:-}
wait_for gateway "$BUILD_DIR/tollgate" health --listen "127.0.0.1:$PORT"

cat <<EOF

  Tollgate is up.

    payments       http://localhost:$PORT/payments
    summary        http://localhost:$PORT/payments-summary
    books          $data/books.db, to be looked at with: sqlite3 -readonly
    processors     http://localhost:$DEFAULT_PORT (default)   http://localhost:$FALLBACK_PORT (fallback), simulated
    logs           $folder
    metrics        curl --unix-socket $folder/admin.sock http://tollgate/metrics

    curl -i -XPOST localhost:$PORT/payments -H 'Content-Type: application/json' \\
      -d '{"correlationId":"$(cat /proc/sys/kernel/random/uuid)","amount":19.90}'

  Ctrl-C stops everything.
EOF
run_until_the_end
