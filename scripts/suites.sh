# shellcheck shell=bash
# Sourced by test.sh and upstream.sh after lib.sh.

# run_upstream runs the drivers' own tests. What fails is in the events; any other
# end than "something failed" is not.
run_upstream() {
  section "The drivers' own tests, natively and over the fake socket, with the race detector"
  rm -f "$bin/upstream"
  step "build of cmd/upstream" go -C cmd build -o "$bin/" ./upstream
  [ -x "$bin/upstream" ] || return
  "$bin/upstream" -events "$events" "$@"
  local status=$?
  if [ "$status" -gt 1 ]; then
    echo "cmd/upstream ended with status $status"
    record fail "drivers' own tests"
  fi
}
