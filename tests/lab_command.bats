#!/usr/bin/env bats
# unroll lab as a user has it: what it lists and refuses, what it keeps, that it goes on after an interrupt, and how runs and
# report show it.
bats_require_minimum_version 1.5.0
load commands.bash

setup_file() {
	export UNROLL_STORE=$BATS_FILE_TMPDIR/runs.db
	cd "$BATS_FILE_TMPDIR"
	"$UNROLL" lab mixers --quick --seed 3 --json > lab.json 2> said
	echo '{"schema": 1, "state": "done", "data": {"name": "a text"}, "contenders": []}' > comparison.json
	cp "$BATS_TEST_DIRNAME/lab_document.json" whole.json
	sed -i '0,/"state": "running"/s//"state": "done"/' whole.json
	printf 'comparison.json\nwhole.json\n' | "$(dirname "$UNROLL")/tests/put_document" made.db
}

setup() { cd "$BATS_FILE_TMPDIR"; }

refuses() { # words that must be said, arguments
	local say=$1
	shift
	run --separate-stderr "$UNROLL" lab "$@"
	echo "unroll lab $*: exit $status: $output $stderr"
	[ "$status" -eq 2 ] && [ -z "$output" ] && [[ "$stderr" == *"$say"* ]]
}

@test "experiments are listed, for people and for programs" {
	run -0 "$UNROLL" lab --list
	[[ "$output" == *bottleneck* ]]
	"$UNROLL" lab --list --json > list.json
	[ "$(field list.json "len(d['experiments'])")" -eq "${#lines[@]}" ]
	field list.json "sorted(d['experiments'][0]) == ['claims', 'name', 'question', 'title'] or 1/0"
	for name in $(field list.json "' '.join(e['name'] for e in d['experiments'])"); do
		"$UNROLL" lab --list "$name" > /dev/null
	done
}

@test "bad calls are said, and nothing is begun" {
	export UNROLL_STORE=$BATS_TEST_TMPDIR/none.db
	refuses "did you mean 'bottleneck'" botleneck
	refuses "--list has all of them" xyzzy
	refuses "no experiment 'xyzzy'" bottleneck xyzzy
	refuses "not both" --quick --full
	refuses "goes with --live" --port 80
	refuses "--seed" --seed -1
	refuses "--threads" --threads 0
	[ ! -e none.db ] && [ ! -e "$UNROLL_STORE" ]
}

@test "the document has what it says it has" {
	"$PYTHON" - lab.json << 'END'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["schema"] == 1 and d["kind"] == "lab" and d["state"] == "done" and d["size"] == "quick" and d["seed"] == 3, d
assert d["command"] == "unroll lab mixers --quick --seed 3 --json" and d.get("stage") is None
assert {"processor", "threads", "kernels", "peak_flops", "peak_flops_one", "bandwidth"} <= set(d["machine"])
assert [e["name"] for e in d["experiments"]] == ["mixers"] and d["seconds"] > 0
e = d["experiments"][0]
assert e["state"] == "done" and e["title"] and e["question"] and e["lesson"] and e["how"]
assert len(e["findings"]) and all(f["claim"] and f["rule"] and f["verdict"] in ("holds", "condition", "fails", "missing") for f in e["findings"])
assert len(e["questions"]) >= 3 and all(0 <= q["answer"] < len(q["choices"]) and q["because"] for q in e["questions"])
assert all(len(r["cells"]) == len(d["summary"]["columns"]) - 1 for r in d["summary"]["rows"])
END
	grep -q "left  mixers" said
}

@test "runs and report show a lab as one" {
	export UNROLL_STORE=$BATS_FILE_TMPDIR/made.db
	run -0 "$UNROLL" runs
	[[ "$output" == *"6 of 10 claims hold"* ]]
	run -0 "$UNROLL" report 2 --text
	[[ "$output" == *"10 claims: 4 hold, 2 hold under a condition, 1 does not hold here, 1 is predicted, 2 are not measured"* ]]
	[[ "$output" == *"It cannot be shared out"*"What an RNN does: 512 steps, one after another: 11.9 ms"* ]]
	[[ "$output" == *"(predicted)"*"holds under a condition: "*"when: batch 1"* ]]
	[[ "$output" == *"not measured on this machine: it needs 9.2 GB"* ]]
	! grep -E '^.{81}' <<< "$(grep -v xxxx <<< "$output")"
	! grep -qP '[\x00-\x08\x0b-\x1f\x7f]' <<< "$output"
	"$UNROLL" report 2 --csv > lab.csv
	"$PYTHON" -c 'import csv; r = list(csv.DictReader(open("lab.csv"))); f = [x for x in r if x["kind"] == "finding"]
assert f[0]["name"] == "steps" and f[0]["verdict"] == "holds" and f[0]["text"].startswith("Counted"), f[0]
assert [x["value"] for x in r if x["name"] == "units" and x["kind"] == "figure"] == ["3.1"], r'
	"$UNROLL" report 2 --json > one.json
	[ "$(field one.json "d['kind']")" = lab ]
	"$UNROLL" report 2 -o lab.html --quiet
	grep -q '<title>Unroll lab</title>' lab.html
	"$UNROLL" report 1 -o comparison.html --quiet
	grep -q '<title>Unroll report</title>' comparison.html
	run -0 "$UNROLL" report 1 --text
	[[ "$output" == *"a text"* ]]
}

@test "interrupted, it says what is known and goes on with the same command" {
	export UNROLL_STORE=$BATS_TEST_TMPDIR/runs.db
	"$UNROLL" lab mixers --quick > first.txt 2> first.err &
	lab=$!
	for _ in $(seq 400); do
		grep -q "left  mixers" first.err && break
		sleep 0.05
	done
	kill -TERM $lab # SIGINT is ignored in the background of a script
	ended $lab 143
	grep -q "goes on from here" first.err
	grep -q "to be measured" first.txt
	grep -q "unroll report 1" first.txt
	run -0 "$UNROLL" runs
	[[ "$output" == *killed*lab*mixers* ]]
	"$UNROLL" lab mixers --quick --report page.html > second.txt 2> second.err
	grep -q "going on with lab 1" second.err
	! grep -q "to be measured" second.txt
	grep -q "page.html" second.txt
	grep -q '"kind":"lab"' page.html
	"$UNROLL" runs --json > runs.json
	[ "$(field runs.json "[(c['id'], c['status'], c['data']) for c in d['comparisons']]")" = "[(1, 'done', 'lab')]" ]
	# once more is a new one
	"$UNROLL" lab mixers --quick --quiet > /dev/null 2> third.err &
	lab=$!
	sleep 0.5
	kill -TERM $lab
	ended $lab 143
	[ ! -s third.err ]
	"$UNROLL" runs --json > runs.json
	[ "$(field runs.json "[c['id'] for c in d['comparisons']]")" = "[2, 1]" ]
	# it was known for a lab before anything was measured
	"$UNROLL" report 2 --json > begun.json
	[ "$(field begun.json "d['kind'], d['size'], d['state'], d['status']")" = "('lab', 'quick', 'running', 'killed')" ]
	# another seed asks something else
	"$UNROLL" lab mixers --quick --seed 2 > /dev/null 2> fourth.err &
	lab=$!
	sleep 0.5
	kill -TERM $lab
	ended $lab 143
	! grep -q "going on" fourth.err
	"$UNROLL" lab mixers --quick --fresh > /dev/null 2> fifth.err &
	lab=$!
	sleep 0.5
	kill -TERM $lab
	ended $lab 143
	! grep -q "going on" fifth.err
	"$UNROLL" runs --json > runs.json
	[ "$(field runs.json "[(c['id'], c['status']) for c in d['comparisons']]")" = \
		"[(4, 'killed'), (3, 'killed'), (2, 'killed'), (1, 'done')]" ]
}
