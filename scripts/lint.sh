#!/usr/bin/env bash
# The checks that run no test.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
. scripts/lib.sh
. scripts/checks.sh
build_tools || exit
run_checks
sum
