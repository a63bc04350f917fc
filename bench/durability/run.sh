#!/usr/bin/env bash
# The figures of durability: what each level costs, how long a restart takes, how many seeds the
# simulation goes through in a minute.
#   bench/durability/run.sh [cost|restart|seeds]...     all of them without a word
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ $# -gt 0 ] || set -- cost restart seeds
cmake --preset release --log-level=WARNING -DTOLLGATE_TESTS=ON -DTOLLGATE_BENCH=ON
cmake --build build/release -j "$(nproc)" --target durability_bench forward_test >/dev/null
for what in "$@"; do
  echo "--- $what"
  case $what in
    cost) build/release/tests/durability_bench cost "${ROUNDS:-5}" "${PAYMENTS:-10000}" "${RATE:-2000}" ;;
    restart) build/release/tests/durability_bench restart "${ROUNDS:-3}" "${UNFINISHED:-100000}" ;;
    seeds)
      TOLLGATE_SIM_SEEDS=${SEEDS:-2000} build/release/tests/forward_test --gtest_filter='Simulation.*' |
        grep -E '^\[ RUN|seeds a minute'
      ;;
    *)
      echo "durability: no such figure: $what" >&2
      exit 2
      ;;
  esac
done
