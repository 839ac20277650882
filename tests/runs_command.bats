#!/usr/bin/env bats
# unroll runs, and what unroll train writes into the store.
bats_require_minimum_version 1.5.0

PYTHON=${PYTHON:-/usr/bin/python3}
SMALL="--batch-size 4 --seq-len 16 -q"

setup_file() {
	export TOP=$BATS_FILE_TMPDIR
	export UNROLL_STORE=$TOP/runs.db HOME=$TOP/home XDG_CACHE_HOME=$TOP/cache TZ=UTC
	mkdir -p "$HOME"
	cd "$TOP"
	seq 1 9000 > text.txt
	"$UNROLL" train --arch gru:1x16 --data text.txt -o one.safetensors $SMALL --steps 400 --eval-every 100 --json > one.json
	"$UNROLL" train --arch lstm:1x8 --data text.txt -o two.safetensors $SMALL --steps 10 --seed 7
}

setup() { cd "$BATS_FILE_TMPDIR"; }

# check FILE EXPRESSION: it holds of the JSON d
check() {
	"$PYTHON" -c 'import json, sys; d = json.load(open(sys.argv[1])); assert eval(sys.argv[2]), d' "$1" "$2"
}

refuses() { # exit code, words that must be said, arguments
	local code=$1 say=$2
	shift 2
	run --separate-stderr "$UNROLL" runs "$@"
	echo "unroll runs $*: exit $status: $output $stderr"
	[ "$status" -eq "$code" ] && [ -z "$output" ] && [[ "$stderr" == *"$say"* ]]
}

# A store of hostile texts, and of comparisons: FILE
hostile() {
	"$UNROLL" train --arch gru:1x8 --data text.txt -o h.safetensors $SMALL --steps 1 --store "$1"
	"$PYTHON" - "$1" << 'END'
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
bad = "\x1b[31m\x07 \"a\", b\nc"
db.execute("INSERT INTO comparison VALUES (3, 'k', ?, 1, ?, 'm', '0', 1700000000, 1700000100, 'done', '')",
           ("/data/" + bad + "x" * 300, bad))
db.execute("INSERT INTO comparison VALUES (4, 'k', 'text.txt', 1, 'c', 'm', '0', 1700000200, 0, 'running', '1-00.lock')")
doc = {"schema": 1, "state": "done", "advice": {"pick": "lstm" + bad}}
db.execute("INSERT INTO fact VALUES (3, 'document', ?)", (json.dumps(doc),))
db.execute("INSERT INTO fact VALUES (4, 'document', ?)",
           (json.dumps({"stage": {"what": "training", "name": "gru", "share": 0.43}}),))
for i, (kind, name, status) in enumerate([("trial", "lstm/trial-1", "done"), ("trial", "lstm/trial-2", "diverged"),
                                          ("main", "lstm" + bad, "done")]):
    db.execute("INSERT INTO run VALUES (?, 3, ?, ?, 'lstm:1x8', 1, ?, 1, 'c', 'm', '0', 1700000000, 1700000050, ?, '',"
               " 100, 2000, 1.5, ?, NULL)", (50 + i, kind, name, bad, status, 1.5 if status == "done" else None))
db.execute("UPDATE run SET spec = CAST(x'ff1b5b33316d' AS TEXT), name = ? WHERE id = 1", (bad,))
db.commit()
END
}

@test "a run is listed, and shown with its settings, result and metrics" {
	run -0 "$UNROLL" runs
	[[ "${lines[1]}" == *id*started*status*steps*loss*spec* ]]
	[[ "${lines[2]}" =~ ^\ +2\ .*done\ +10\ .*lstm:1x8$ ]]
	[[ "${lines[3]}" =~ ^\ +1\ .*done\ +400\ .*gru:1x16$ ]]
	! grep -E '^.{81}' <<< "$output"
	run -0 "$UNROLL" runs 1
	for words in "model        one.safetensors" "spec         gru:1x16" "data         text.txt" "trained      400 steps" \
		"command      unroll train --arch gru:1x16" "recipe       steps 400" "min-lr 0.0003" "version      0.1.0"; do
		[[ "$output" == *"$words"* ]] || { echo "no '$words' in $output"; false; }
	done
	[[ "$output" =~ train_loss\ +200\ .*val_loss\ +4\  ]]
	shown=$output
	run -0 "$UNROLL" runs show 1
	[ "$output" = "$shown" ]
}

@test "what training said is what the store has" {
	check one.json "d['run'] == 1"
	"$UNROLL" runs 1 --json > run.json
	"$PYTHON" - << 'END'
import json, math
t, r = json.load(open("one.json")), json.load(open("run.json"))
assert r["loss"] == t["best_loss"] and r["steps"] == 400 and r["tokens"] == t["tokens"] == 400 * 64, (t, r)
assert abs(r["seconds"] - t["seconds"]) < 1e-6 and r["started"] <= r["finished"]
assert r["recipe"]["lr"] == t["recipe"]["lr"] and r["status"] == "done" and r["kind"] == "train" and r["comparison"] is None
m = r["metrics"]
assert set(m) == {"train_loss", "val_loss", "lr", "grad_norm"}
assert [p[0] for p in m["val_loss"]] == [100, 200, 300, 400]
assert min(p[4] for p in m["val_loss"]) == t["best_loss"] and m["val_loss"][-1][4] == t["val_loss"]
for curve in m.values():
    assert 4 <= len(curve) <= 220
    for a, b in zip(curve, curve[1:]):
        assert a[0] < b[0] and a[1] < b[1] and a[2] < b[2] and a[3] < b[3]
    assert all(p[1] == p[0] * 64 and p[3] > 0 for p in curve)
    assert curve[-1][0] == 400 and curve[-1][2] <= r["seconds"] + 1e-6
assert 0 < m["train_loss"][-1][4] < m["train_loss"][0][4]
END
	"$UNROLL" runs 1 --csv > points.csv
	"$PYTHON" -c 'import csv; r = list(csv.DictReader(open("points.csv"))); assert len(r) == 604, len(r)
assert sum(x["metric"] == "val_loss" for x in r) == 4 and float(r[0]["value"]) > 0'
}

@test "filters choose, for people and for programs" {
	run -0 "$UNROLL" runs --spec lstm
	[[ "$output" == *lstm:1x8* && "$output" != *gru:1x16* ]]
	"$UNROLL" runs --json > all.json
	check all.json "[r['id'] for r in d['runs']][-2:] == [2, 1] and d['comparisons'] == []"
	"$UNROLL" runs --json --data text --status done --kind train --own -n 1 --spec gru:1x16 > some.json
	check some.json "[r['id'] for r in d['runs']] == [1]"
	"$UNROLL" runs --csv > all.csv
	"$PYTHON" -c 'import csv; r = list(csv.DictReader(open("all.csv"))); assert [x["id"] for x in r][-2:] == ["2", "1"], r
assert r[-1]["spec"] == "gru:1x16" and r[-1]["comparison"] == "" and r[-2]["seed"] == "7"'
	run -0 "$UNROLL" runs -n 1
	[[ "$output" == *"-n 0 lists all"* && "$output" != *gru:1x16* ]]
	run -0 "$UNROLL" runs -n 0
	[[ "$output" != *"-n 0"* ]]
	run -0 "$UNROLL" runs --spec nothing
	[[ "$output" == "There is no such run in "* ]]
}

@test "no store, and an empty one, are no failure" {
	run -0 "$UNROLL" runs --store none.db
	[[ "$output" == "No runs yet: "*none.db ]]
	[ ! -e none.db ]
	"$UNROLL" runs --store none.db --json > none.json
	check none.json "d == {'store': 'none.db', 'comparisons': [], 'runs': []}"
	[ "$("$UNROLL" runs --store none.db --csv | wc -l)" -eq 1 ]
	refuses 2 "there is no run 1" 1 --store none.db
	refuses 2 "nothing to delete" delete 1 --yes --store none.db
	: > zero.db
	run -0 "$UNROLL" runs --store zero.db
	[[ "$output" == "No runs yet: "* ]]
	[ ! -e none.db ]
}

@test "a comparison has its line, its runs are shown when asked for, and texts cannot steer the terminal" {
	hostile bad.db
	export UNROLL_STORE=$TOP/bad.db
	for form in "" "1" "50" "--comparison 3" "--kind trial" "--csv" "--kind main --csv" "--json"; do
		run -0 "$UNROLL" runs $form
		! grep -qP '[\x00-\x08\x0b-\x1f\x7f]' <<< "$output"
		case $form in *csv* | *json* | 1 | 50) ;; *) ! grep -vE '^(data|command)  ' <<< "$output" | grep -E '^.{81}' ;; esac
	done
	run -0 "$UNROLL" runs
	[[ "$output" == *"  3  2023-11-14 22:13  done         3 "*"use lstm"* ]]
	[[ "$output" == *"  4  2023-11-14 22:16  killed       0  text.txt            training gru 43 %"* ]]
	[[ "$output" != *trial-2* ]]
	run -0 "$UNROLL" runs --comparison 3
	[[ "$output" == *"lstm/trial-2"*"diverged"* && "$output" == *"outcome      use lstm"* ]]
	run -0 "$UNROLL" runs 51
	[[ "$output" == *"run          51, trial of comparison 3"* ]]
	"$UNROLL" runs --json > bad.json
	check bad.json "[c['id'] for c in d['comparisons']] == [4, 3] and [r['id'] for r in d['runs']] == [1]"
	"$UNROLL" runs -c 3 --json > bad.json
	check bad.json "d['comparisons'][0]['document']['advice']['pick'].startswith('lstm') and len(d['runs']) == 3"
	"$UNROLL" runs --csv > bad.csv
	"$PYTHON" -c 'import csv; r = list(csv.DictReader(open("bad.csv"))); assert [x["id"] for x in r] == ["52", "51", "50", "1"], r
assert r[0]["comparison"] == "3" and r[1]["loss"] == "" and "\"a\", b" in r[0]["data"], r'
	"$UNROLL" runs --status killed --json > bad.json
	check bad.json "[c['id'] for c in d['comparisons']] == [4] and d['runs'] == []"
	refuses 2 "there is no comparison 9" --comparison 9
	run -0 "$UNROLL" runs delete -c 3 --yes
	[ "$output" = "deleted comparison 3 and its runs" ]
	refuses 2 "there is no run 50" 50
	run -0 "$UNROLL" runs delete --comparison 4 --yes --json
	"$UNROLL" runs 1 > /dev/null
}

@test "deleting is meant, or refused" {
	export UNROLL_STORE=$TOP/delete.db
	for i in 1 2 3; do
		"$UNROLL" train --arch gru:1x8 --data text.txt -o d.safetensors $SMALL --steps 1
	done
	refuses 2 "say --yes" delete 1 < /dev/null
	refuses 2 "give ids" delete --yes
	refuses 2 "not both" delete 1 --comparison 1 --yes
	refuses 2 "no id of a run" delete 1x --yes
	refuses 2 "no id of a run" delete -- -1
	refuses 2 "there is no run 9" delete 9 --yes
	refuses 2 "takes ids" delete --spec gru --yes
	refuses 2 "goes with delete" --yes
	run -0 "$UNROLL" runs delete 1 2 --yes
	[ "$output" = "deleted 2 runs" ]
	"$UNROLL" runs --json > left.json
	check left.json "[r['id'] for r in d['runs']] == [3]"
	# on a terminal it asks
	for answer in n y; do
		"$PYTHON" - "$answer" << 'END'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(os.environ["UNROLL"], ["unroll", "runs", "delete", "3"])
said = b""
while b"[y/N]" not in said:
    said += os.read(fd, 1000)
os.write(fd, sys.argv[1].encode() + b"\n")
try:
    while os.read(fd, 1000): pass
except OSError:
    pass
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == (0 if sys.argv[1] == "y" else 1)
END
		"$UNROLL" runs --json > left.json
		check left.json "len(d['runs']) == $([ $answer = y ] && echo 0 || echo 1)"
	done
	run -0 "$UNROLL" runs
	[[ "$output" == "No runs yet: "* ]]
}

@test "bad calls and files that are no store are said" {
	refuses 2 "there is no run 99" 99
	refuses 2 "no id of a run" shw 1
	refuses 2 "one run at a time" 1 2
	refuses 2 "show which run" show
	refuses 2 "not both" --json --csv
	refuses 2 "nothing else" 1 --spec gru
	refuses 2 "no comparison" --own --comparison 1
	refuses 2 "must be one of" --status finished
	refuses 2 "text.txt: is not a store" --store text.txt
	refuses 1 "a directory" --store .
	refuses 1 "text.txt/x.db" --store text.txt/x.db
	run "$UNROLL" train --arch gru:1x8 --data text.txt -o x.safetensors --store a.db --no-store
	[ "$status" -eq 2 ]
}

@test "training goes on without a store" {
	run -0 --separate-stderr "$UNROLL" train --arch gru:1x8 --data text.txt -o w.safetensors $SMALL --steps 2 --store text.txt
	[[ "$stderr" == *"text.txt: is not a store"*"--no-store"* && "$output" != *recorded* ]]
	cp w.safetensors with.safetensors
	run -0 --separate-stderr "$UNROLL" train --arch gru:1x8 --data text.txt -o w.safetensors $SMALL --steps 2 --no-store
	[ -z "$stderr" ]
	# the very same weights
	"$UNROLL" generate -m with.safetensors -n 50 --temp 0 -q > a
	"$UNROLL" generate -m w.safetensors -n 50 --temp 0 -q > b
	cmp a b
	# refused before its first step: no run
	"$UNROLL" runs --json > before.json
	run "$UNROLL" train --arch gru:1x8 --data text.txt -o w.safetensors $SMALL --steps 9 --lr 0.5 --resume
	[ "$status" -ne 0 ]
	"$UNROLL" runs --json > after.json
	cmp before.json after.json
}

@test "two at once into one store, of which one is killed and one interrupted" {
	export UNROLL_STORE=$TOP/two.db
	local options="--data text.txt --batch-size 4 --seq-len 16 -q --steps 100M --eval-every 0"
	"$UNROLL" train --arch gru:1x8 $options -o k.safetensors 3>&- & killed=$!
	"$UNROLL" train --arch gru:1x9 $options -o i.safetensors 3>&- & stopped=$!
	for _ in $(seq 200); do
		[ "$("$UNROLL" runs --json --status running | grep -c '"id"')" -eq 2 ] && break
		sleep 0.05
	done
	"$UNROLL" runs --status running --json > live.json
	check live.json "len(d['runs']) == 2"
	id=$("$PYTHON" -c 'import json; print([r["id"] for r in json.load(open("live.json"))["runs"] if r["spec"] == "gru:1x8"][0])')
	refuses 2 "is running" delete "$id" --yes
	sleep 0.3
	kill -KILL $killed
	kill -TERM $stopped # SIGINT is ignored in the background of a script
	wait $killed || true
	wait $stopped || code=$?
	[ "$code" -eq 143 ]
	"$UNROLL" runs --json > end.json
	check end.json "{r['spec']: r['status'] for r in d['runs']} == {'gru:1x8': 'killed', 'gru:1x9': 'stopped'}"
	check end.json "[r['steps'] > 0 for r in d['runs'] if r['status'] == 'stopped'] == [True]"
	run -0 "$UNROLL" runs delete "$id" --yes
	# diverged is diverged
	run "$UNROLL" train --arch transformer:1x8,context=16 --data text.txt -o v.safetensors $SMALL --steps 200 \
		--lr 1000 --warmup 0 --clip 0 --optimizer sgd
	[ "$status" -eq 1 ]
	"$UNROLL" runs --json -n 1 > end.json
	check end.json "d['runs'][0]['status'] == 'diverged'"
}
