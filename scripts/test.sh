#!/usr/bin/env bash
# Everything that has to hold before a commit: format, vet, lint, module files,
# all tests under the race detector, the drivers' own tests, short fuzzing, the
# demo. Goes on after a failure, lists what failed and what was left out, and ends
# with the sum.
#
#   VALET_REQUIRE_ALL=1  a test that is left out, for want of a server, fails
#   FUZZTIME=10s         for each fuzz target
set -uo pipefail
cd "$(dirname "$0")/.." || exit
. scripts/lib.sh
. scripts/checks.sh
. scripts/fuzzing.sh
. scripts/suites.sh
began=$EPOCHREALTIME

# run_tests shows each package as it ends. Two packages at a time: more
# would only make each other's time limits tight.
run_tests() { # MODULE [FLAGS AND PACKAGES; default: all, with the race detector]
  local module=$1
  shift
  if [ $# -eq 0 ]; then set -- -race ./...; fi
  go -C "$module" test -json -count=1 -p 2 -timeout 10m "$@" 2>&1 |
    tee -a "$events" | "$bin/testreport" -no-sum
  local status=("${PIPESTATUS[@]}")
  # When nothing failed that could be counted, the go command itself did.
  if [ "${status[0]}" -ne 0 ] && [ "${status[2]}" -eq 0 ]; then
    echo "go test failed with status ${status[0]} in module $module"
    record fail "go test in $module"
  fi
}

demo() { GOWORK= go run ./cmd/demo -once; }

section "Tools"
build_began=$EPOCHREALTIME
build_tools || exit
printf 'ok   \tbuilt as tools/go.mod says\t%s\n' "$(seconds_since "$build_began")"

run_checks
for module in "${modules[@]}"; do
  section "Tests of module $module, with the race detector"
  run_tests "$module"
done
# Allocations and sizes are those of the real thing only without the detector.
section "Tests of the foundation, without the race detector"
run_tests . ./loop ./fakesock ./adapter
section "Tests of what Windows and other systems get, with the race detector"
run_tests . -race -tags valetportable ./loop ./fakesock
run_upstream
run_fuzzing "${FUZZTIME:-10s}"
section "Demo"
step "go run ./cmd/demo -once" demo

printf '\n%s in all' "$(seconds_since "$began")"
sum
