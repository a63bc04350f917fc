#!/usr/bin/env bash
# The public scenarios in containers: the shipped compose file with its limits, beside HAProxy that
# answers by itself and two bare loops in the gateways' place under the same limits, in turns.
# Prints p99, score, throttled periods, CPU and memory of each container.
#   K6=/path/to/k6 bench/containers.sh --help
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PYTHONPATH=$here exec python3 -m containers.run "$@"
