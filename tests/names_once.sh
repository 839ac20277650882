#!/bin/bash
# No two files define the same global name: a linker that finds one in a library takes it without a word, and whoever
# meant the other calls a stranger. The kernel sets, which are one source compiled several times, have a name each.
build=${BUILD:?the build folder}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# NAME FILE, of each global definition in the objects of the libraries and of the tool
for object in $(find "$build/CMakeFiles" -path '*/src/*' -name '*.o' | grep -v -e '\.lto\.' -e '-shared\.dir'); do
	source=${object##*/src/}
	[ -f "src/${source%.o}" ] || continue # left by an older build
	nm --defined-only "$object" 2> /dev/null | awk -v file="$source" '$2 ~ /^[TDBRC]$/ { print $3, file }'
done | sort -u > "$work/all"
grep -q '^unroll_step run/stream.c.o$' "$work/all" || { echo "names_once: found no unroll_step in $build"; exit 1; }

awk '{ if ($1 == name && $2 != file) print $1 " is defined in " file " and in " $2; name = $1; file = $2 }' "$work/all" |
	grep -v -e '^__odr_asan' -e '^___asan' > "$work/twice"
if [ -s "$work/twice" ]; then
	cat "$work/twice"
	exit 1
fi
echo "names_once: $(wc -l < "$work/all") global names, each of one file"
