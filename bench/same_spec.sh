#!/bin/bash
# Compares a spec with itself, 20 times (or as often as the first argument says) with other seeds: how often is the
# difference called significant? About one time in twenty, if the statistics are right. Data: the second argument, or
# the C headers that ./demo collected.
set -eu
cd "$(dirname "$0")/.."
times=${1:-20} data=${2:-out/demo/headers.txt}
store=$(mktemp -d)
trap 'rm -rf "$store"' EXIT

for ((i = 1; i <= times; i++)); do
	build/unroll compare --data "$data" --arch gru:1x64 --arch gru:1x64 --lr 0.01 --budget 150ktok --seeds 3 --seed $((100 * i)) \
		--store "$store/runs.db" --json --quiet > "$store/$i.json"
	echo "$i of $times" >&2
done
/usr/bin/env python3 - "$store" "$times" << 'END'
import json, sys
folder, times = sys.argv[1], int(sys.argv[2])
low = called = 0
for i in range(1, times + 1):
    c = json.load(open(f"{folder}/{i}.json"))
    (above,) = [k["above_best"] for k in c["contenders"] if k["above_best"]]
    low += above["p"] < 0.05
    called += above["verdict"] == "worse"
    print(f"{i:3}  difference {above['mean']:.4f}  p {above['p']:.3f}  text {above['text_low']:.4f} to {above['text_high']:.4f}  {above['verdict']}")
print(f"{low} of {times} have p < 0.05 over seeds; {called} of {times} are called worse")
END
