#!/usr/bin/env bash
# Counts the instructions of each step of a payment's way under callgrind, and fails if one has
# grown past baseline.json. Unlike time they are the same on a busy machine and on another
# one of the same compiler; what the C library and simdjson choose by CPU is shown and not judged.
#   bench/instructions/run.sh            compare (BUILD_DIR=… for a build that has bench-instructions)
#   bench/instructions/run.sh --accept   make what it costs now the baseline
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

build=${BUILD_DIR:-build/bench}
if [ -z "${BUILD_DIR:-}" ]; then
  cmake --preset bench --log-level=WARNING >/dev/null
  cmake --build "$build" -j "$(nproc)" --target bench-instructions >/dev/null
fi
command -v valgrind >/dev/null || {
  echo "instructions: valgrind is missing; tools/deps.sh --bench installs it" >&2
  exit 2
}
folder=$(mktemp -d "${TMPDIR:-/tmp}/tollgate-instructions.XXXXXX")
trap 'rm -rf "$folder"' EXIT
valgrind --quiet --tool=callgrind --collect-atstart=no --instr-atstart=no \
  --callgrind-out-file="$folder/callgrind" "$build/bench-instructions" >"$folder/times"
python3 bench/instructions/compare.py "$folder" bench/instructions/baseline.json "$@"
