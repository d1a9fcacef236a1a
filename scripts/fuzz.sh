#!/usr/bin/env bash
# Runs every fuzz target of every module for FUZZTIME, 1 minute by default.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
. scripts/lib.sh
. scripts/fuzzing.sh
build_tools || exit
run_fuzzing "${FUZZTIME:-1m}"
sum
