#!/bin/bash
# One symbol, 50,000 steps of noise, then: which was it? (task:recall with one key and one pair, 8 values; chance is 12.5 %.)
# Each model learns it over a few steps first and goes on over ever longer sequences, all of the gradient each time. Beside
# it the same model that only ever saw the long ones, and the one that only ever saw the short ones. Some 15 minutes.
#
#     bench/far.sh [FOLDER]      where the models go
set -eu
unroll=$(realpath "${UNROLL:-$(dirname "$0")/../build/unroll}")
cd "${1:-$(mktemp -d)}"
task() { echo "task:recall,pairs=1,keys=1,values=8,T=$1"; }

say() { python3 -c 'import json, sys
d = json.load(sys.stdin); s = d["score"]["accuracy"]
print("%-5s T = %5d: %4d steps of %2d sequences, chunk %d, %.0f s: %.1f %% right [%.1f, %.1f]" % (sys.argv[1], d["sequence_tokens"] - 1,
	d["steps"], d["recipe"]["batch-size"], d["recipe"]["chunk"], d["seconds"], 100 * s[0], 100 * s[1], 100 * s[2]))' "$1"; }

# stage NAME FROM T BATCH STEPS RATE HELD-OUT OPTIONS...; FROM: a spec, or the T of the stage before
stage() {
	local name=$1 from=$2 T=$3 batch=$4 steps=$5 rate=$6 held=$7 start=(--arch "$2")
	shift 7
	[ ! -e "$name$from.safetensors" ] || start=(--from "$name$from.safetensors")
	"$unroll" train "${start[@]}" --data "$(task "$T")" -b "$batch" --steps "$steps" --lr "$rate" --eval-every "$steps" \
		--eval-tokens "$held" -o "$name$T.safetensors" --no-store --overwrite --json -q --checkpoint-every 100000 "$@" | say "$name"
}

# far NAME T SEQUENCES: the model of that stage at 50,000
far() {
	echo "$1$2, asked at T = 50000:"
	"$unroll" eval --model "$1$2.safetensors" --data "$(task 50000)" --sequences "$3" -q | grep -E "^(loss|accuracy)"
}

for name in gru lstm; do
	stage $name $name:1x32 30 64 1500 5e-3 512
	stage $name 30 200 32 300 2e-3 256
	stage $name 200 2000 16 60 1e-3 128
	stage $name 2000 10000 8 20 5e-4 64
	stage $name 10000 50000 4 10 2e-4 64
done
for T in 30 10000 50000; do far gru $T 64; done
stage fresh gru:1x32 50000 4 25 5e-3 64 --memory 40M

spec=attention:1x16,heads=1,rope=0,block=llama,positions=none,context=50001
stage att $spec 30 64 1000 5e-3 512 --schedule constant
stage att 30 200 32 300 3e-3 256 --schedule constant
stage att 200 2000 8 60 2e-3 64 --schedule constant
stage att 2000 8000 2 20 1e-3 32 --schedule constant
far att 8000 8
