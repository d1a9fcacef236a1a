#!/usr/bin/env bash
# Writes what cmd/asyncgen writes, in all modules.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
. scripts/lib.sh
. scripts/checks.sh
build_tools || exit
run_asyncgen
