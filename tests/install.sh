#!/bin/bash
# What is installed serves others: installs into a folder, builds examples/ with pkg-config and with find_package, in C99
# and as C++17, shared and static, and runs them on models; looks that no training code came with them.
# environment: BUILD, the build folder; UNROLL, the tool
build=${BUILD:?the build folder} cc=${CC:-cc} cxx=${CXX:-c++}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
command -v "$cxx" > /dev/null || { echo "install: no C++ compiler; skipped"; exit 77; }
fail() { echo "install: $*"; exit 1; }

nm "$build/libunroll-run.a" 2> /dev/null | grep -qE '__(asan|tsan|ubsan|sanitizer)_' &&
	{ echo "install: a library with sanitizers is not for other programs; skipped"; exit 77; }
prefix=$work/there
cmake --install "$build" --prefix "$prefix" > "$work/log" 2>&1 || { cat "$work/log"; fail "does not install"; }
unroll=$prefix/bin/unroll
export PKG_CONFIG_PATH LD_LIBRARY_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name unroll.pc)")
LD_LIBRARY_PATH=$(dirname "$(find "$prefix" -name libunroll-run.so)")
[ "$(pkg-config --modversion unroll)" = "$("$unroll" version | sed -n 's/^unroll \([0-9.]*\).*/\1/p')" ] ||
	fail "pkg-config says version $(pkg-config --modversion unroll), the tool $("$unroll" version | head -1)"

# 0.1 and 0.2 are strangers, to the loader as to find_package
version=$(pkg-config --modversion unroll)
case $version in 0.*) abi=${version%.*} ;; *) abi=${version%%.*} ;; esac
soname=$(readelf -d "$LD_LIBRARY_PATH/libunroll-run.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
[ "$soname" = "libunroll-run.so.$abi" ] || fail "version $version calls its shared library $soname"

"$build/tests/model_maker" "$work/text.safetensors" gru:1x16 || fail "no model of text"
"$build/tests/model_maker" "$work/values.safetensors" lstm:1x8 values 2 3 || fail "no model of values"

flags='-Wall -Wextra -pedantic -Werror'
made=0
declare -A first
run() # example, program: says something, and what every other build of the example said
{
	local said
	said=$("$2" "$work/$1.safetensors" < "$work/$1.in" 2>&1) || fail "$2 failed: $said"
	[ -n "$said" ] || fail "$2 says nothing"
	[ "$said" = "${first[$1]:=$said}" ] || fail "$2 says '$said', others said '${first[$1]}'"
	made=$((made + 1))
}
printf 'the cat sat on ' > "$work/stream.in"
printf '1,2\nnan,0.5\n-3 4e1\n' > "$work/values.in"
ln -s text.safetensors "$work/stream.safetensors"
for name in stream values; do
	# shellcheck disable=SC2046,SC2086
	{
		$cc -std=c99 $flags examples/$name.c $(pkg-config --cflags --libs unroll) -o "$work/$name-c99" &&
			$cxx -x c++ -std=c++17 $flags examples/$name.c -x none $(pkg-config --cflags --libs unroll) \
				-o "$work/$name-c++17" &&
			$cc -std=c99 $flags examples/$name.c -static-libgcc $(pkg-config --cflags unroll) -Wl,-Bstatic \
				$(pkg-config --libs unroll) -Wl,-Bdynamic $(pkg-config --static --libs-only-l unroll | sed 's/-lunroll-run//') \
				-Wl,--gc-sections -o "$work/$name-static"
	} || fail "examples/$name.c does not build with pkg-config"
done
# a jansson that pkg-config alone knows of
mkdir "$work/jansson" && cp -L "$(pkg-config --variable=libdir jansson)/libjansson.so" "$work/jansson" &&
	printf 'Name: jansson\nDescription: here\nVersion: %s\nLibs: -L%s -ljansson\n' "$(pkg-config --modversion jansson)" \
		"$work/jansson" > "$work/jansson/jansson.pc" || fail "no copy of jansson"
PKG_CONFIG_PATH=$work/jansson:$PKG_CONFIG_PATH \
	cmake -S examples -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" > "$work/log" 2>&1 &&
	cmake --build "$work/build" > "$work/log" 2>&1 || { cat "$work/log"; fail "examples/ do not build with find_package"; }
for name in stream values; do
	for program in "$work"/$name-{c99,c++17,static} "$work"/build/$name{,-static}; do
		run $name "$program"
	done
done
[ "$(grep -c '^[-0-9.e+]*,[-0-9.e+]*,[-0-9.e+]*$' <<< "${first[values]}")" = 3 ] ||
	fail "values does not answer each row: ${first[values]}"
readelf -d "$work/build/stream-static" | grep -q "RUNPATH.*$work/jansson" ||
	fail "find_package does not ask pkg-config where jansson is"
readelf -d "$work/build/stream" | grep -qF "[$soname]" || fail "find_package calls the shared library something else"
readelf -d "$work/stream-c99" | grep -q 'libunroll-run\.so\.' || fail "stream-c99 does not use the shared library"
readelf -d "$work/stream-static" | grep -q 'libunroll-run' && fail "stream-static uses the shared library"

# The Python module, found and finding the library by where they lie.
module=$(find "$prefix" -name unroll.py)
[ -n "$module" ] || fail "no Python module"
if python3 -c 'import numpy' 2> /dev/null; then
	said=$(env -u LD_LIBRARY_PATH PYTHONPATH="$(dirname "$module")" PYTHONDONTWRITEBYTECODE=1 python3 -c \
		'import sys, unroll; print(unroll.__file__, unroll.load(sys.argv[1]).forward("abc").shape[0])' "$work/text.safetensors")
	[ "$said" = "$module 3" ] || fail "the Python module says '$said'"
fi

# The shared library shows what the header declares and holds no gradients but those of kernel tables (link_run.sh).
shown=$(nm -D --defined-only "$LD_LIBRARY_PATH/libunroll-run.so" | awk '{ print $3 }' | sort)
declared=$(grep -oE '\bunroll_[a-z_0-9]+\(' "$prefix/include/unroll.h" | tr -d '(' | sort -u)
[ -n "$declared" ] && [ "$shown" = "$declared" ] ||
	fail "shown and declared differ: $(diff <(echo "$shown") <(echo "$declared") | grep '^[<>]' | tr '\n' ' ')"
for binary in "$LD_LIBRARY_PATH/libunroll-run.so" "$work/stream-static"; do
	held=$(nm --defined-only "$binary" | awk '{ print $3 }' | grep -E '^ur_.*backward|^ur_.*_(grad|gains|loss)$|ur_train|optimi[sz]er')
	[ -z "$held" ] || fail "$binary holds training code: $held"
done
nm --defined-only "$unroll" | grep -qE ' ur_.*backward' || fail "the search does not find training code where it is"
echo "install: $made programs built and run"
