#!/usr/bin/env bash
# Installs the Debian 12 packages that Tollgate needs to be built, run and tested, and only those
# that are missing. Does nothing, and asks for nothing, when all are there. With --run or --fleet:
# those that `make run` and `make run-fleet` need.
set -euo pipefail

# What it takes to build the two programs.
packages=(
  build-essential cmake ninja-build pkg-config
  libsimdjson-dev libcurl4-openssl-dev libhiredis-dev libsqlite3-dev libspdlog-dev libcli11-dev
  libtomlplusplus-dev prometheus-cpp-dev
)
fleet=(redis-server haproxy curl)
tests=(ccache git librapidcheck-dev libgtest-dev openssl python3 python3-yaml python3-jsonschema)
case "${1:-}" in
  --run) ;;
  --fleet) packages+=("${fleet[@]}") ;;
  "") packages+=("${fleet[@]}" "${tests[@]}") ;;
  --ci) packages+=("${fleet[@]}" "${tests[@]}" clang clang-format clang-tidy libclang-rt-14-dev
    nodejs shellcheck flake8 lua-check) ;;
  --bench) packages+=("${fleet[@]}" "${tests[@]}" libbenchmark-dev libconcurrentqueue-dev
    nginx-light valgrind python3-matplotlib) ;;
  *) echo "deps: unknown argument '$1'; use --run, --fleet, --ci, --bench or nothing" >&2; exit 2 ;;
esac

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "deps: missing: ${missing[*]}. Install them as root: apt-get install ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
echo "deps: installing ${missing[*]}"
# Services that a package would start are ours to start: make run-fleet has a private Redis of its own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod +x "$policy"
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
