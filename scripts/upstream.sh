#!/usr/bin/env bash
# Runs the drivers' own tests natively and over the fake socket, and compares; see
# cmd/upstream, which takes the arguments.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
. scripts/lib.sh
. scripts/suites.sh
build_tools || exit
run_upstream "$@"
sum
