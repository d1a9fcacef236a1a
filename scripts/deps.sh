#!/usr/bin/env bash
# Installs the real servers that the tests start privately (package
# cmd/internal/private): Redis, MariaDB and PostgreSQL, and Chromium for the demo's
# pages (package cmd/demo/browsertest), from Debian's packages; Ubuntu's chromium is
# none, see below. Starts no service: the tests run servers of their own.
set -euo pipefail

packages=()
command -v redis-server >/dev/null || packages+=(redis-server)
{ command -v mariadbd || test -x /usr/sbin/mariadbd; } >/dev/null || packages+=(mariadb-server)
{ command -v postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres'; } >/dev/null || packages+=(postgresql)
{ command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null || packages+=(chromium)

if [ ${#packages[@]} -eq 0 ]; then
  echo "deps: redis-server, mariadb-server, postgresql and chromium are installed"
  exit 0
fi

by_hand() {
  echo "deps: $1" >&2
  echo "deps: please install these in another way: ${packages[*]}" >&2
  echo "deps: without them 'make test' leaves out the tests that need them, and says so" >&2
  exit 1
}
command -v apt-get >/dev/null || by_hand "this system has no apt-get"
[ "$(id -u)" -eq 0 ] || by_hand "installing packages needs root; try: sudo make deps"

# The packages start their servers as system services when they are installed.
# invoke-rc.d asks /usr/sbin/policy-rc.d first, and 101 means "no" (see
# /usr/share/doc/init-system-helpers/README.policy-rc.d.gz). A policy that the
# machine already has is its administrator's: it is put back afterwards.
policy=/usr/sbin/policy-rc.d
saved=
# PostgreSQL's package also makes a database, to be served whenever the machine
# starts, unless this asks it not to (man 1 pg_createcluster). It reads a file in
# this folder, which is there for such additions.
clusters=/etc/postgresql-common/createcluster.d
nocluster=$clusters/valet.conf
restore() {
  rm -f "$policy" "$nocluster"
  rmdir --ignore-fail-on-non-empty "$clusters" 2>/dev/null || true
  if [ -n "$saved" ]; then mv "$saved" "$policy"; fi
}
if [ -e "$policy" ] || [ -L "$policy" ]; then
  saved=$(mktemp "$policy.XXXXXX")
  mv "$policy" "$saved"
fi
trap restore EXIT
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"
mkdir -p "$clusters"
echo "create_main_cluster = false" >"$nocluster"

export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
# Ubuntu has Chromium as a snap only, which does not see our temporary folders.
snap=
if [ "${packages[-1]}" = chromium ] && ! apt-cache show chromium >/dev/null 2>&1; then
  snap=chromium
  unset 'packages[-1]'
fi
if [ ${#packages[@]} -gt 0 ]; then
  echo "deps: installing ${packages[*]}"
  apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends "${packages[@]}" >/dev/null
  echo "deps: installed ${packages[*]}; no service was started"
fi
if [ -n "$snap" ]; then
  packages=("$snap")
  by_hand "this system has no package chromium; google-chrome will do"
fi
if [ -d /run/systemd/system ]; then
  echo "deps: to keep them from starting with the machine: systemctl disable redis-server mariadb"
fi
