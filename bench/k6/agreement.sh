#!/usr/bin/env bash
# Whether the schedule simulator agrees with the real daemon: a public load scenario by real k6 against
# the whole set-up, and the same schedule in schedule-sim; their shares of "all at the low fee, none
# lost" must be within one point.
#   bench/k6/agreement.sh [preview|final] [known-end]
# known-end: the gateways are told when the load will end (CUTOFF, with DELAY_COST=0 and a MAX_WAIT
# longer than the run).
# Settings (environment): K6 (the k6 program), BUILD_DIR (build/release), RESULT_FILE, and those of
# tools/run/stack.sh.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scenario=${1:-preview}
export K6=${K6:-k6} BUILD_DIR=${BUILD_DIR:-$root/build/release}
usage() { echo "usage: bench/k6/agreement.sh [preview|final] [known-end]" >&2; exit 2; }
case $scenario in
  preview) fees=(DEFAULT_SIM_FEE=0.05 FALLBACK_SIM_FEE=0.15) ;;
  final) fees=(DEFAULT_SIM_FEE=0.07 FALLBACK_SIM_FEE=0.10) ;;
  *) usage ;;
esac
seconds=$([ "$scenario" = final ] && echo 300 || echo 60)
rule="expected cost, audit-safe"
case ${2:-} in
  "") ;;
  known-end) rule="audit-safe, cutoff known" ;;
  *) usage ;;
esac
command -v "$K6" >/dev/null || { echo "agreement: $K6 is not found; K6=… names it" >&2; exit 1; }
[ -x "$BUILD_DIR/schedule-sim" ] || { echo "agreement: $BUILD_DIR/schedule-sim is missing; run 'make build'" >&2; exit 1; }
work=$(mktemp -d "${TMPDIR:-/tmp}/tollgate-agreement.XXXXXX")
trap 'rm -rf "$work"' EXIT
result=${RESULT_FILE:-$work/k6.json}
"$BUILD_DIR/schedule-sim" --seeds 0 --rule "$rule" --csv "$work/sim.csv" >/dev/null
echo "agreement: the $scenario by k6, $((seconds / 60)) min …"
# The set-up takes about 5 s before the load begins.
[ -z "${2:-}" ] || GATEWAY_ARGS="${GATEWAY_ARGS:-} --delay-cost 0 --max-wait 1000s --cutoff $(date -u -d "+$((seconds + 5)) seconds" +%FT%TZ)"
export GATEWAY_ARGS=${GATEWAY_ARGS:-}
env "${fees[@]}" RESULT_FILE="$result" BASE_URL="http://localhost:${PORT:-9999}" \
  DEFAULT_URL="http://localhost:${DEFAULT_PORT:-8001}" FALLBACK_URL="http://localhost:${FALLBACK_PORT:-8002}" \
  COMMAND="'$root/k6/run.sh' $scenario" "$root/tools/run/stack.sh" >"$work/log" 2>&1 ||
  { sed -n '/NOT CLEAN/,$p' "$work/log"; [ -s "$result" ] || { tail -n 15 "$work/log" >&2; exit 1; }; }
python3 "$root/bench/k6/shares.py" "$scenario" "$work/sim.csv" "$result"
