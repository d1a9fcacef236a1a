# shellcheck shell=bash
# What test.sh, fuzz.sh and the Makefile's smaller targets share. Source it from
# the repository root.

# Every module is checked on its own: ./... does not descend into the others,
# and without the workspace each is built as its users build it.
modules=(. adapter/promadapter cmd cmd/asyncgen examples loop/gnetloop loop/httploop tools)
export GOWORK=off

# Tools, in the versions of tools/go.mod, which the library's go.mod need not
# know, and the generator.
bin=$PWD/.bin
build_tools() {
  mkdir -p "$bin"
  go -C tools build -o "$bin/" ./testreport tool &&
    go -C cmd/asyncgen build -o "$bin/" .
}

seconds_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1fs", b - a }'; }

# events is where steps and tests are recorded, for testreport to count: the
# format is that of go test -json.
events=$(mktemp)
trap 'rm -f "$events"' EXIT
record() { # pass|fail NAME
  printf '{"Action":"%s","Package":"check","Test":"%s"}\n' "$1" "$2" >>"$events"
}

# step NAME COMMAND... runs the command and shows its output only if it fails.
# The script goes on either way: the sum has it.
step() {
  local name=$1 began=$EPOCHREALTIME out
  shift
  if out=$("$@" 2>&1); then
    record pass "$name"
    printf 'ok   \t%s\t%s\n' "$name" "$(seconds_since "$began")"
  else
    record fail "$name"
    printf 'FAIL \t%s\t%s\n' "$name" "$(seconds_since "$began")"
    sed 's/^/    /' <<<"$out"
  fi
}

section() { printf '\n== %s\n' "$1"; }

# sum ends a script: what was left out, what failed, and how many of each.
sum() {
  local flags=(-only-sum)
  if [ "${VALET_REQUIRE_ALL:-}" = 1 ]; then flags+=(-no-skips); fi
  printf '{"Action":"pass","Package":"check"}\n' >>"$events" # its end
  echo
  "$bin/testreport" "${flags[@]}" <"$events"
}
