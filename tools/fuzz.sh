#!/usr/bin/env bash
# Runs every libFuzzer target of build/fuzz for FUZZ_SECONDS (default 60) on its seed corpus, as many
# at once as there are cores.
# A finding stays in build/fuzz/findings; run the target on that file to replay it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${FUZZ_SECONDS:-60}
if [ ! -d build/fuzz ]; then
  cmake --preset fuzz --log-level=WARNING
  cmake --build build/fuzz -j "$(nproc)" --target fuzz_targets
fi
mkdir -p build/fuzz/findings
shopt -s nullglob
targets=(build/fuzz/fuzz/*_fuzz)
[ ${#targets[@]} -gt 0 ] || { echo "fuzz: no targets in build/fuzz/fuzz; build the fuzz preset" >&2; exit 1; }
run() {
  local target=$1 name
  name=$(basename "$target" _fuzz)
  mkdir -p "build/fuzz/corpus/$name"
  echo "fuzz: $name for $seconds s"
  "$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -print_final_stats=0 \
    -verbosity=0 -artifact_prefix="build/fuzz/findings/$name-" \
    "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name"
}
export -f run
export seconds
# What follows a failure still runs, and then xargs fails.
printf '%s\0' "${targets[@]}" | xargs -0 -P "$(nproc)" -n 1 bash -c 'run "$1"' fuzz
