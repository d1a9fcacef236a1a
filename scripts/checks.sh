# shellcheck shell=bash
# The checks that run no test. Sourced by test.sh and lint.sh after lib.sh.

check_format() {
  local unformatted
  unformatted=$("$bin/gofumpt" -l .) || return
  if [ -n "$unformatted" ]; then
    printf '%s\nnot formatted; run make fmt\n' "$unformatted"
    return 1
  fi
}

# vet MODULE SYSTEM. For this system cgo stays as it is, so that the packages
# compiled here serve the demo and the fuzzing as well.
vet() {
  if [ "$2" = "$(go env GOHOSTOS)" ]; then
    go -C "$1" vet ./...
  else
    GOOS=$2 CGO_ENABLED=0 go -C "$1" vet ./...
  fi
}

lint() { (cd "$1" && "$bin/staticcheck" ./...); }

tidy() {
  local diff
  diff=$(go -C "$1" mod tidy -diff 2>&1) && return
  grep -E '^[-+]' <<<"$diff" | head -20
  echo "the module files are not tidy; run make tidy"
  return 1
}

# check_boundaries: who uses a backend gets that driver, and no server, web
# framework or test package with it. MongoDB's driver needs net/http itself,
# adapter/debughttp serves it, and backends/http is its client. evio is for loop/evioloop alone.
check_boundaries() {
  local package packages banned found deps bad=0
  packages=$(go list ./...) || return
  for package in $(grep -v /internal/ <<<"$packages"); do
    banned='^(testing|net/http/httptest|github.com/(tidwall/evio|FerretDB|dolthub|redis|alicebob|panjf2000|nats-io)|go.uber.org/goleak|golang.org/x/net)(/|$)'
    deps=$(go list -deps "$package") || return
    case $package in
      */backends/mongo* | */backends/http | */adapter/debughttp) ;;
      */loop/evioloop) banned=${banned/tidwall\/evio|/} ;;
      *) banned=${banned/testing|/testing|net\/http|} ;;
    esac
    found=$(grep -E "$banned" <<<"$deps" || true)
    if [ -n "$found" ]; then
      printf '%s depends on:\n%s\n' "$package" "$found"
      bad=1
    fi
  done
  return "$bad"
}

# check_requirements: the library requires at most four modules directly, beside
# those that only its tests use.
check_requirements() {
  local direct
  direct=$(go mod edit -print | sed -nE 's/^(require)?[[:space:]]+([^ ()]+) v[^ ]+$/\2/p' |
    grep -vxE 'golang.org/x/net|go.uber.org/goleak')
  if [ "$(wc -l <<<"$direct")" -gt 4 ]; then
    printf 'more than four direct requirements:\n%s\n' "$direct"
    return 1
  fi
}

# run_asyncgen [-check] does what the directives for it say, each in its own
# module, with the version of the driver that its go.mod names, which the
# workspace need not have.
run_asyncgen() {
  local run='//go:generate go run github.com/valet-go/valet/cmd/asyncgen ' file line bad=0 found=0
  while IFS=: read -r file line; do
    found=1
    # The arguments are words: go generate would split them in the same way.
    # shellcheck disable=SC2086
    (cd "$(dirname "$file")" && "$bin/asyncgen" "$@" ${line#"$run"}) || bad=1
  done < <(grep -r --include='*.go' "^$run" .)
  if [ "$found" = 0 ]; then
    echo "no file has a directive for asyncgen"
    return 1
  fi
  return "$bad"
}

run_checks() {
  local module os
  section "Format, modules, boundaries"
  step "gofumpt" check_format
  for module in "${modules[@]}"; do step "tidy $module" tidy "$module"; done
  step "generated files" run_asyncgen -check
  step "boundaries of the packages" check_boundaries
  step "requirements of the library" check_requirements

  section "Vet and staticcheck"
  for module in "${modules[@]}"; do
    for os in linux darwin freebsd windows; do step "vet $module for $os" vet "$module" "$os"; done
    step "staticcheck $module" lint "$module"
  done
  step "vet what is built with the tag valetportable" go vet -tags valetportable ./...
  step "staticcheck of the same" "$bin/staticcheck" -tags valetportable ./loop ./fakesock
}
