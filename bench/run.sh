#!/usr/bin/env bash
# Builds what is measured and measures it: prints the table against the targets, and leaves a JSON
# file and the plots in build/bench/results. Some fifteen minutes on two cores with nothing else to
# do; two with BENCH=quick. `bench/run.sh --help` lists the rest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for argument in "$@"; do
  case "$argument" in -h | --help) exec bench/run.py --help ;; esac
done
tools/deps.sh --bench
cmake --preset bench --log-level=WARNING >/dev/null
cmake --build build/bench -j "$(nproc)"
exec bench/run.py "$@"
