#!/bin/bash
# Two public streams learnt event by event: how often each model is right before it has learnt the answer.
#
#     bench/online.sh FOLDER [BINARY]      FOLDER has weather.csv and sea_stream.csv
#
# (github:scikit-multiflow/streaming-datasets; weather: Elwell and Polikar 2011, SEA: Street and Kim 2001.)
# One rule for all: the learning rate is the one of 0.0003, 0.001, 0.003, 0.01 that is right most often on the first
# fifth of the stream, with seed 1; then seeds 1, 2, 3 with that rate over all of it, scored on the other four fifths.
set -eu
data=$(realpath "$1")
unroll=$(realpath "${2:-$(dirname "$0")/../build/unroll}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
window=32
specs="rnn:1x32 gru:1x32 lstm:1x32 transformer:1x32"

learn() { # stream spec rate seed options...
	local stream=$1 spec=$2 rate=$3 seed=$4
	shift 4
	"$unroll" learn --data "$data/$stream.csv" -m "$spec" --window $window --lr "$rate" --seed "$seed" --json "$@"
}

for stream in weather sea_stream; do
	events=$(($(wc -l < "$data/$stream.csv") - 1))
	fifth=$((events / 5))
	for spec in $specs; do
		for rate in 0.0003 0.001 0.003 0.01; do
			learn $stream $spec $rate 1 -n $fifth --every 0 > "$folder/pick.$rate"
		done
		rate=$(python3 -c '
import json, sys
right = lambda p: json.loads(open(p).read().splitlines()[-1])["model"]["accuracy"]["mean"]
print(max(sys.argv[1:], key=right).rsplit("pick.", 1)[1])' "$folder"/pick.*)
		for seed in 1 2 3; do
			learn $stream $spec $rate $seed --every $fifth > "$folder/$stream.$spec.$rate.$seed"
		done
	done
done
python3 - "$folder" "$window" $specs <<'PY'
import glob, json, math, sys
folder, window, specs = sys.argv[1], sys.argv[2], sys.argv[3:]
who = ["model", "frozen", "last", "usual"]

def rest(reports, name):
    """Right answers of the last four fifths, in %."""
    first, end = reports[0][name], reports[-1][name]
    right = lambda x: x["accuracy"]["mean"] * x["events"]
    return 100 * (right(end) - right(first)) / (end["events"] - first["events"])

for stream in "weather", "sea_stream":
    n = None
    print(f"{stream}: prequential accuracy over the last four fifths, window {window}, "
          "mean of seeds 1, 2, 3 (least, most)\n")
    print(f"{'model':18} {'rate':>7}  {'learning':>22}  {'frozen after 1,000':>22}  {'us an event':>11}  {'drifts':>8}")
    base = None
    for spec in specs:
        paths = sorted(glob.glob(f"{folder}/{stream}.{spec}.*"))
        rate = paths[0].split(spec + ".")[1].rsplit(".", 1)[0]
        runs = [[json.loads(l) for l in open(p)] for p in paths]
        def cell(name):
            x = [rest(r, name) for r in runs]
            return f"{sum(x) / len(x):6.2f} ({min(x):.2f}, {max(x):.2f})"
        us = min(r[-1]["seconds"] / r[-1]["events"] for r in runs) * 1e6
        drifts = "/".join(str(r[-1]["drifts"]) for r in runs)
        print(f"{spec:18} {rate:>7}  {cell('model'):>22}  {cell('frozen'):>22}  {us:11.1f}  {drifts:>8}")
        base = runs[0]
        n = base[-1]["events"]
    print(f"\nthe last answer again {rest(base, 'last'):.2f}, the commonest so far {rest(base, 'usual'):.2f}; {n} events\n")
PY
