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

fuzz() { go -C "$1" test -run '^$' -fuzz "^$3\$" -fuzztime "$4" "$2"; }

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
