# shellcheck shell=bash
# Sourced by test.sh and fuzz.sh after lib.sh.

# fuzz_targets MODULE prints "package target" lines. It reads the test files
# that go list names for this system, because go test -list would build every
# test program first.
fuzz_targets() {
  go -C "$1" list -f '{{$p := .}}{{range .TestGoFiles}}{{$p.ImportPath}} {{$p.Dir}}/{{.}}
{{end}}{{range .XTestGoFiles}}{{$p.ImportPath}} {{$p.Dir}}/{{.}}
{{end}}' ./... | while read -r package file; do
    [ -n "$file" ] || continue
    sed -nE "s#^func (Fuzz[[:alnum:]_]+)\(.*#$package \1#p" "$file"
  done
}

# fuzz runs a target. What is interesting is not minimized: if the time is over in
# the middle of that, the target fails.
fuzz() { # MODULE PACKAGE TARGET TIME
  local out status=0
  out=$(go -C "$1" test -run '^$' -fuzz "^$3\$" -fuzztime "$4" -fuzzminimizetime=0x "$2" 2>&1) || status=$?
  printf '%s\n' "$out"
  [ $status -eq 0 ] || only_out_of_time "$3" <<<"$out"
}

# only_out_of_time TARGET reports whether the output is that of a target that has
# failed for nothing but the end of its time: before Go 1.27 go test may take that
# for a failure (go.dev/issue/75804). A failing input is told in other lines.
only_out_of_time() {
  awk -v target="$1" '
    told                              { rest = rest $0 "\n"; next }
    $0 ~ "^--- FAIL: " target " \\("   { told = 1; next }
    !/^(fuzz: elapsed|warning): /     { other = 1 }
    END { exit !(told && !other && rest ~ /^    context deadline exceeded\nFAIL\nexit status 1\nFAIL\t[^\n]*\n$/) }'
}

# run_fuzzing TIME runs every target for that long, one after another.
run_fuzzing() {
  local module targets package target
  section "Fuzzing, $1 each"
  for module in "${modules[@]}"; do
    if ! targets=$(fuzz_targets "$module"); then
      record fail "search for fuzz targets in $module"
    fi
    while read -r package target; do
      [ -n "$package" ] || continue
      step "$target in $package" fuzz "$module" "$package" "$target" "$1"
    done <<<"$targets"
  done
}
