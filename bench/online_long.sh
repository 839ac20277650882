#!/bin/bash
# A long stream learnt event by event: resident memory by the number of events, and the rate.
#
#     bench/online_long.sh [EVENTS [SPEC [WINDOW [BINARY]]]]      10,000,000, lstm:1x16, 8
#
# The stream is made here and piped in: SEA's rule (Street and Kim 2001: the sum of two of three values against a
# threshold, a tenth of the answers turned around), whose threshold changes every 250,000 events.
set -eu
events=${1:-10000000}
spec=${2:-lstm:1x16}
window=${3:-8}
unroll=$(realpath "${4:-$(dirname "$0")/../build/unroll}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

stream() {
	awk -v n="$events" 'BEGIN { split("8 9 7 9.5", at, " "); s = 7; print "a,b,c,class"
		for (i = 0; i < n; i++) {
			for (k = 0; k < 4; k++) { s = (s * 16807) % 2147483647; x[k] = 10 * s / 2147483647 }
			y = x[0] + x[1] <= at[int(i / 250000) % 4 + 1]
			printf "%.3f,%.3f,%.3f,%d\n", x[0], x[1], x[2], x[3] < 1 ? !y : y } }'
}

mkfifo "$folder/events" "$folder/reports"
stream > "$folder/events" &
start=$(date +%s)
cpu=0
"$unroll" learn -m "$spec" --window "$window" --data "$folder/events" --every $((events / 20)) --json \
	-o "$folder/model.safetensors" > "$folder/reports" &
pid=$!
echo "unroll learn -m $spec --window $window, $events events through a pipe"
printf '%12s  %10s  %12s  %8s  %8s  %7s\n' events "a second" "VmRSS, KiB" model frozen drifts
while read -r line; do
	rss=$(awk '/VmRSS/ { print $2 }' "/proc/$pid/status" 2> /dev/null || true)
	now=$(awk '{ print $14 + $15 }' "/proc/$pid/stat" 2> /dev/null || true)
	[ -n "$now" ] && [ "$now" -gt 0 ] && cpu=$now
	echo "$line" | python3 -c '
import json, sys
d = json.loads(sys.stdin.readline())
if "done" not in d:
    print("%12d  %10.0f  %12s  %7.2f%%  %7.2f%%  %7d" % (d["events"], d["rate"], sys.argv[1],
          100 * d["model"]["accuracy_now"]["mean"], 100 * (d["frozen"]["accuracy_now"]["mean"] or 0), d["drifts"]))
else:
    print("%d events in %.0f s: %.0f a second; the learner takes %d bytes; %d gradients skipped" % (d["events"],
          d["seconds"], d["events"] / d["seconds"], d["bytes"], d["skipped"]))
    for who in "model", "frozen", "last", "usual":
        a = d[who]["accuracy"]
        print("%-8s %6.2f %% right, %.2f to %.2f" % (who, 100 * a["mean"], 100 * a["low"], 100 * a["high"]))
' "$rss"
done < "$folder/reports"
wait $pid
echo "$(($(date +%s) - start)) s in all; about $((cpu / $(getconf CLK_TCK))) s of them the processor worked for unroll learn"
