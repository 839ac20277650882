#!/bin/bash
# Kills training at random moments, resumes it, and compares the model with that of a run nobody touched: every weight
# must be the same to the bit. Also at one thread against two. (The files' metadata differ: they name their commands.)
#
#     bench/crash.sh [RUNS [BINARY]]      20 runs by default
set -eu
runs=${1:-20}
unroll=$(realpath "${2:-$(dirname "$0")/../build/unroll}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export XDG_CACHE_HOME=$folder
cd "$folder"
for i in $(seq 1 4000); do echo "line $i of a text that counts: $((i * i)) squared, $((i % 7)) left over."; done > text.txt

train() { # arch out threads options...
	local arch=$1 out=$2 threads=$3
	shift 3
	"$unroll" train --no-store --arch "$arch" --data text.txt --steps 160 --eval-every 20 --checkpoint-every 3 -b 8 -T 32 --seed 7 \
		-t "$threads" -o "$out" --quiet "$@"
}

# The tensors of a model file: what follows its header.
weights() { tail -c +$(( $(od -An -tu8 -N8 "$1") + 9 )) "$1"; }
same() { cmp -s <(weights "$1") <(weights "$2"); }

failed=0
for arch in lstm:2x64,dropout=0.1 transformer:2x64,context=32,dropout=0.1; do
	train "$arch" whole.safetensors 1 > /dev/null
	start=$(date +%s%N)
	train "$arch" two.safetensors 2 > /dev/null
	took=$(( ($(date +%s%N) - start) / 1000000 ))
	same whole.safetensors two.safetensors && echo "$arch: 1 and 2 threads give the same weights" || failed=1
	kills=0
	for run in $(seq 1 $((runs / 2))); do
		rm -f cut.safetensors cut.ckpt.safetensors
		resume=
		for attempt in 1 2; do
			train "$arch" cut.safetensors $((run % 2 + 1)) $resume > /dev/null 2>&1 & pid=$!
			sleep "$(printf '0.%03d' $((RANDOM % (took < 900 ? took : 900) + 20)))"
			if kill -9 $pid 2> /dev/null; then kills=$((kills + 1)); fi
			wait $pid 2> /dev/null || true
			if [ -e cut.ckpt.safetensors ]; then resume=--resume; fi
		done
		train "$arch" cut.safetensors $((run % 2 + 1)) $resume > /dev/null
		if ! same whole.safetensors cut.safetensors; then
			echo "$arch: run $run differs"
			failed=1
		fi
	done
	echo "$arch: $((runs / 2)) runs, killed $kills times in all, all the same to the bit: $([ $failed = 0 ] && echo yes || echo no)"
done
exit $failed
