#!/usr/bin/env bash
# Builds bench_gemm_peers with the libraries at hand and runs it at 1 and 2 threads.
#
#     bench/peers/gemm.sh [--seconds S] [--json FILE]...     options go to bench_gemm_peers
#
# BUILD (default build): where libunroll-run.a is. PEERS (default BUILD/peers): what setup.sh made. THREADS: "1 2".
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
peers=${PEERS:-$build/peers}
out=$peers/gemm
archive=$build/libunroll-run.a
flags="-std=gnu17 -O2 -Wall -Wextra -Wconversion -Wshadow -Werror"

if [ ! -f "$archive" ]; then
	echo "gemm.sh: no $archive; build Unroll first, or say BUILD=FOLDER" >&2
	exit 1
fi
mkdir -p "$out"
# shellcheck disable=SC2086 # flags are words
${CC:-cc} $flags -Iinclude -Isrc bench/peers/bench_gemm_peers.c "$archive" -o "$out/bench_gemm_peers" -ldl -lpthread -lm

options=()
# plugin NAME FLAGS...: oneDNN for the one set of headers and library that FLAGS name
plugin() {
	local name=$1
	shift
	# shellcheck disable=SC2086
	if ${CC:-cc} $flags -fPIC -shared bench/peers/gemm_onednn.c -o "$out/$name.so" "$@" 2>"$out/$name.log"; then
		options+=(--onednn "$out/$name.so")
	else
		echo "skipped $name: it does not build; see $out/$name.log" >&2
	fi
}
plugin onednn_system -ldnnl
if [ -f "$peers/venv/include/oneapi/dnnl/dnnl.h" ]; then
	lib=$(cd "$peers/venv/lib" && pwd)
	plugin onednn_new "-I$peers/venv/include" "-L$lib" -ldnnl "-Wl,-rpath,$lib"
fi
# the first of FILES that exists
first() {
	local file
	for file in "$@"; do
		if [ -e "$file" ]; then
			echo "$file"
			return
		fi
	done
}
blas() {
	local name=$1 file
	shift
	file=$(first "$@")
	if [ -n "$file" ]; then
		options+=(--blas "$name=$file")
	else
		echo "skipped $name: not installed" >&2
	fi
}
blas OpenBLAS /usr/lib/*/openblas-pthread/libopenblas.so.0 /usr/lib/*/libopenblas.so.0 /usr/lib/libopenblas.so.0
blas BLIS /usr/lib/*/blis-openmp/libblis.so.4 /usr/lib/*/libblis.so.4 /usr/lib/libblis.so.4
blas MKL "$peers"/venv/lib/libmkl_rt.so.*

# MKL finds its own parts by this
export LD_LIBRARY_PATH="$peers/venv/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
for threads in ${THREADS:-1 2}; do
	"$out/bench_gemm_peers" --threads "$threads" "${options[@]}" "$@"
done
