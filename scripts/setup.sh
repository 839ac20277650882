#!/bin/bash
# Installs what is missing to build Unroll (setup.sh build), or to build and test it (setup.sh check), on Debian and its
# kin. What is there already is left alone; with everything there it does nothing and needs no rights.
set -eu

# one line each: how to see that it is there, then the package that brings it
build_needs='
command -v cc                               | gcc
test -e /usr/include/stdlib.h               | libc6-dev
command -v make                             | make
command -v cmake                            | cmake
command -v pkg-config                       | pkg-config
pkg-config --exists jansson                 | libjansson-dev
pkg-config --exists sqlite3                 | libsqlite3-dev
pkg-config --exists libmicrohttpd           | libmicrohttpd-dev
test -e /usr/share/javascript/chart.js/chart.min.js | libjs-chart.js
'
check_needs='
pkg-config --exists cmocka                  | libcmocka-dev
command -v bats                             | bats
command -v c++                              | g++
command -v python3                          | python3
/usr/bin/python3 -c "import numpy"          | python3-numpy
command -v chromium                         | chromium
command -v chromedriver                     | chromium-driver
/usr/bin/python3 -c "import selenium"       | python3-selenium
'

case "${1:-}" in
build) needs=$build_needs ;;
check) needs=$build_needs$check_needs ;;
*) echo "usage: scripts/setup.sh build|check" >&2; exit 2 ;;
esac

packages=()
while IFS='|' read -r test package; do
	[ -n "${package:-}" ] || continue
	eval "$test" > /dev/null 2>&1 || packages+=("${package// /}")
done <<< "$needs"
[ ${#packages[@]} -gt 0 ] || exit 0

install="apt-get update && apt-get install -y --no-install-recommends ${packages[*]}"
if ! command -v apt-get > /dev/null; then
	echo "setup: missing, and there is no apt-get to install it with: ${packages[*]}" >&2
	echo "setup: install what brings them on this system, then run this again" >&2
	exit 1
fi
if [ "$(id -u)" = 0 ]; then
	as_root=(bash -c)
elif command -v sudo > /dev/null && { sudo -n true 2> /dev/null || [ -t 0 ]; }; then
	as_root=(sudo bash -c)
else
	echo "setup: missing: ${packages[*]}. As root, run:" >&2
	echo "  $install" >&2
	exit 1
fi
echo "setup: installing ${packages[*]}" >&2
"${as_root[@]}" "export DEBIAN_FRONTEND=noninteractive; $install" >&2
