#!/bin/bash
# What a step costs and a stream keeps, by position: the lab's experiment, with its tables as text.
# usage: bench/streaming.sh [--quick | --full]     environment: UNROLL, the program (build/unroll)
set -e
cd "$(dirname "$0")/.."
unroll=${UNROLL:-build/unroll}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$unroll" lab streaming "$@" --store "$work/lab.db"
"$unroll" report --store "$work/lab.db" --json | python3 -c '
import json, sys
for t in json.load(sys.stdin)["experiments"][0]["tables"]:
    rows = [t["columns"]] + [[r["name"]] + [c["text"] for c in r["cells"]] for r in t["rows"]]
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    print("\n" + t["title"] + ". " + t["about"])
    for r in rows:
        print("  " + "  ".join(x.ljust(n) for x, n in zip(r, widths)).rstrip())
'
