#!/bin/bash
# Memory and time of training on one sequence of T tokens, T = 1,024 to 131,072: whole, and in the chunks that need the
# least memory. What is planned, what the process took at most beyond where it began (peak), seconds of a step, and how
# they grow: exponents of least squares over the logarithms.
#
#     bench/long.sh [SPEC...]      UNROLL=BINARY MOST=T of attention to all positions before, whose time grows as T^2
set -eu
longest=${MOST:-131072}
unroll=$(realpath "${UNROLL:-$(dirname "$0")/../build/unroll}")
[ $# -gt 0 ] || set -- lstm:1x64 gru:1x64 attention:1x16,heads=1,rope=1,block=llama,window=256 \
	attention:1x16,heads=1,rope=1,block=llama
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export XDG_CACHE_HOME=$folder
cd "$folder"

# plan SPEC T CHUNK: the plan as JSON
common() { echo --no-store --overwrite --json -q --data "task:parity,T=$1" --context "$1" -b 1; }
plan() { "$unroll" train --arch "$1" $(common "$2") --chunk "$3" --dry-run; }
# train SPEC T CHUNK: a step, one held-out sequence
train() { "$unroll" train --arch "$1" $(common "$2") --chunk "$3" --steps 1 --eval-tokens 1 -o m.safetensors; }

cat > figures.py <<'P'
import json, math, sys
what, spec = sys.argv[1:3]
rows = [json.loads(l) for l in open("rows.jsonl")]
MIB = 2.0 ** 20
grows = lambda d: d["memory_plan"]["states"] + d["memory_plan"]["activations"]

def fit(points):
	n = len(points)
	x, y = [math.log(a) for a, _ in points], [math.log(b) for _, b in points]
	mx, my = sum(x) / n, sum(y) / n
	return sum((a - mx) * (b - my) for a, b in zip(x, y)) / sum((a - mx) ** 2 for a in x)

print("%s, %s" % (spec, what))
print("%8s %7s %12s %12s %7s %14s %10s" % ("T", "chunk", "planned MiB", "peak MiB", "ratio", "of T, MiB", "s a step"))
for r in rows:
	print("%8d %7d %12.2f %12.2f %7.3f %14.3f %10.3f" % (r["T"], r["chunk"], r["memory_needed"] / MIB,
		r["memory_peak"] / MIB, r["memory_peak"] / r["memory_needed"], grows(r) / MIB, r["seconds"] / r["steps"]))
for first in (1024, 16384):
	part = [r for r in rows if r["T"] >= first]
	if len(part) > 2:
		print("from T = %d: states and activations grow as T^%.2f, seconds as T^%.2f" % (first,
			fit([(r["T"], grows(r)) for r in part]), fit([(r["T"], r["seconds"]) for r in part])))
print()
P

row() { # T CHUNK
	train "$spec" "$1" "$2" | python3 -c "import json, sys; d = json.load(sys.stdin); d['T'] = $1; d['chunk'] = $2; print(json.dumps(d))" \
		>> rows.jsonl
}

# The chunk of which states and activations are least; of attention to all positions before, which has an entry of each in
# any case and packs them for every chunk, of at least 1,024 steps.
least() {
	local best= at=
	for c in 8 11 16 23 32 45 64 91 128 181 256 362 512 724 1024 1448 2048; do
		[ $c -lt "$1" ] || break
		case $spec in attention*window*) ;; attention*) [ $c -ge 1024 ] || continue;; esac
		bytes=$(plan "$spec" "$1" $c | python3 -c 'import json, sys; p = json.load(sys.stdin)["memory_plan"]; print(p["states"] + p["activations"])')
		if [ -z "$best" ] || [ "$bytes" -lt "$best" ]; then best=$bytes at=$c; fi
	done
	echo "${at:-0}"
}

echo "$(nproc) processors, $(LC_ALL=C uname -m), load $(cut -d' ' -f1 /proc/loadavg) at the start"
echo "planned and peak: of all the run takes; of T: states and activations, which grow with it"
echo
for spec in "$@"; do
	for what in whole "in chunks that need the least memory"; do
		rm -f rows.jsonl
		for T in 1024 2048 4096 8192 16384 32768 65536 131072; do
			case $spec in
				attention*window*) ;;
				attention*) # whole as far as a quarter of the longest
					[ $T -le "$longest" ] || continue
					[ "$what" != whole ] || [ $T -le $((longest / 4)) ] || continue;;
			esac
			if [ "$what" = whole ]; then row $T 0; else row $T "$(least $T)"; fi
		done
		python3 figures.py "$what" "$spec"
	done
done
