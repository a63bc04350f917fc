#!/usr/bin/env bash
# Format, shell, Python and Lua scripts, the load scenarios' syntax, the places of the mutants; with --tidy also a
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
  git ls-files '*.py' | xargs flake8 --max-line-length 100
  lua
  local script
  for script in k6/*.js k6/lib/*.js; do node --check --input-type=module <"$script"; done
  tools/mutants.py --check
}

# A script as Redis gets it. What one of them does not use of the prelude is no fault of it.
lua() {
  local folder script
  folder=$(mktemp -d "${TMPDIR:-/tmp}/tollgate-lint.XXXXXX")
  for script in src/ledger/lua/[!_]*.lua; do
    {
      if grep -q '^--!prelude' "$script"; then
        printf -- '-- luacheck: push ignore 211\n'
        cat src/ledger/lua/_prelude.lua
        printf -- '-- luacheck: pop\n'
      fi
      sed '1{/^#!/d}' "$script"
    } >"$folder/${script##*/}"
  done
  # 431: the parameter of a small function may have the name of a local outside of it.
  luacheck --quiet --no-color --std lua51 --globals KEYS ARGV redis cmsgpack struct bit --ignore 431 \
    --max-line-length 120 "$folder"/*.lua
  rm -rf "$folder"
}

tidy() {
  cmake --preset asan --log-level=WARNING
  cmake --build build/asan -j "$(nproc)"
  # Without precompiled headers: clang-tidy would read all that is in them, not what a file includes.
  mkdir -p build/asan/tidy
  sed -E 's/-Xclang -include(-pch)? -Xclang [^ ]+//g' build/asan/compile_commands.json \
    >build/asan/tidy/compile_commands.json
  git ls-files 'src/*.cc' 'tools/*.cc' |
    xargs -P "$(nproc)" -n 4 clang-tidy-14 --quiet -p build/asan/tidy 2>&1 |
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
