#!/usr/bin/env bash
# Runs the whole set-up on this machine until Ctrl-C: a private Redis on a Unix socket, two
# simulated processors, two gateways on Unix sockets and HAProxy in front. Everything lives in one
# temporary folder that is removed at the end.
#
# Settings (environment):
#   PORT                9999   what HAProxy listens on
#   DEFAULT_PORT        8001   the processor with the low fee
#   FALLBACK_PORT       8002   the dearer one
#   BUILD_DIR           build/release
#   DEFAULT_SIM_FEE, FALLBACK_SIM_FEE   0.05, 0.15; the gateways are told of them
#   GATEWAY_ARGS        more arguments for both gateways
#   GATEWAY             a program to run in Tollgate's place, told by SERVER_SOCKET, REDIS_SOCKET,
#                       DEFAULT_URL and FALLBACK_URL alone
#   HAPROXY_CFG         haproxy/haproxy.cfg
#   READY_FILE          written (with the folder's name) once a payment goes through
#   COMMAND             run this once a payment goes through, then stop all and exit with its status
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PORT=${PORT:-9999}
DEFAULT_PORT=${DEFAULT_PORT:-8001}
FALLBACK_PORT=${FALLBACK_PORT:-8002}
BUILD_DIR=${BUILD_DIR:-$root/build/release}
GATEWAY=${GATEWAY:-}
HAPROXY_CFG=${HAPROXY_CFG:-$root/haproxy/haproxy.cfg}
make_target=run-fleet
# shellcheck source=tools/run/processes.sh
. "$root/tools/run/processes.sh"
[ -z "$GATEWAY" ] || [ -x "$GATEWAY" ] || fail "GATEWAY: $GATEWAY is no program"

start_gateway() {
  local socket=$folder/gateway-$1.sock
  if [ -n "$GATEWAY" ]; then
    SERVER_SOCKET=$socket REDIS_SOCKET=$folder/redis.sock \
      DEFAULT_URL=http://127.0.0.1:$DEFAULT_PORT FALLBACK_URL=http://127.0.0.1:$FALLBACK_PORT \
      start "gateway-$1" "$GATEWAY"
    return
  fi
  # shellcheck disable=SC2086 # GATEWAY_ARGS is a list of words
  start "gateway-$1" "$BUILD_DIR/tollgate" --server-socket "$socket" \
    --redis-socket "$folder/redis.sock" --data-dir "$folder" \
    --default-url "http://127.0.0.1:$DEFAULT_PORT" \
    --fallback-url "http://127.0.0.1:$FALLBACK_PORT" \
    --default-fee "${DEFAULT_SIM_FEE:-0.05}" --fallback-fee "${FALLBACK_SIM_FEE:-0.15}" \
    --admin-listen "$folder/admin-$1.sock" --allow-purge=true ${GATEWAY_ARGS:-}
}

start redis redis-server --port 0 --unixsocket "$folder/redis.sock" --unixsocketperm 777 \
  --dir "$folder" --appendonly yes --appendfsync everysec --save "" --loglevel warning
start_processors
wait_for redis redis-cli -s "$folder/redis.sock" ping
for n in 1 2; do start_gateway $n; done
# A payment that comes now goes through: with no worker the books have still to be waited for, as
# after Redis' start. Asking leaves nothing behind, as a payment of ours would.
takes_claims() {
  local page
  page=$(curl -sf --unix-socket "$folder/admin-$1.sock" http://tollgate/admin/routing) &&
    [[ $page == *'"claims":true'* && $page != *'"claims":false'* && $page != *[[,]null* ]]
}
for n in 1 2; do
  wait_for "gateway-$n" curl -sf --unix-socket "$folder/gateway-$n.sock" \
    "http://tollgate/$([ -n "$GATEWAY" ] && echo payments-summary || echo readyz)"
done
SOCKETS=$folder LISTEN=:$PORT start haproxy haproxy -db -f "$HAPROXY_CFG"
wait_for haproxy curl -sf "http://127.0.0.1:$PORT/payments-summary"
[ -n "$GATEWAY" ] || for n in 1 2; do wait_for "gateway-$n" takes_claims $n; done

cat <<EOF

  Tollgate is up.

    payments       http://localhost:$PORT/payments            HAProxy, two gateways behind it
    summary        http://localhost:$PORT/payments-summary
    processors     http://localhost:$DEFAULT_PORT (default)   http://localhost:$FALLBACK_PORT (fallback), simulated
    sockets, logs  $folder
    metrics        curl --unix-socket $folder/admin-1.sock http://tollgate/metrics

    curl -i -XPOST localhost:$PORT/payments -H 'Content-Type: application/json' \\
      -d '{"correlationId":"$(cat /proc/sys/kernel/random/uuid)","amount":19.90}'

  Ctrl-C stops everything.
EOF
run_until_the_end
