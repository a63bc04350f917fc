#!/usr/bin/env bash
# Format, shell scripts, the load scenarios' syntax, the places of the mutants; with --tidy also a
# Clang build (the `asan` preset) and clang-tidy.
#   tools/lint.sh           all of it
#   tools/lint.sh --quick   what needs no build
#   tools/lint.sh --tidy    the Clang part alone
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mode=${1:---all}

quick() {
  git ls-files '*.h' '*.cc' | xargs clang-format-14 --dry-run --Werror
  git ls-files '*.sh' .ci/run tools/hooks | xargs shellcheck -S warning
  local script
  for script in k6/*.js k6/lib/*.js; do node --check --input-type=module <"$script"; done
  tools/mutants.py --check
}

tidy() {
  cmake --preset asan --log-level=WARNING
  cmake --build build/asan -j "$(nproc)"
  git ls-files 'src/*.cc' 'tools/*.cc' |
    xargs -P "$(nproc)" -n 4 clang-tidy-14 --quiet -p build/asan 2>&1 |
    { grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -' || true; } |
    tee build/asan/tidy.log
  ! grep -qE '(warning|error):' build/asan/tidy.log
}

case "$mode" in
  --all) quick; tidy ;;
  --quick) quick ;;
  --tidy) tidy ;;
  *) echo "lint: unknown argument '$mode'" >&2; exit 2 ;;
esac
