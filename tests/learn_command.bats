#!/usr/bin/env bats
# Learning online as a user meets it: rows, records and text, stopped and resumed, refused. UNROLL is the program's path.

bats_require_minimum_version 1.5.0

load commands

setup_file() {
	export TOP=$BATS_FILE_TMPDIR
	export HOME=$TOP/home XDG_CACHE_HOME=$TOP/cache UNROLL_STORE=$TOP/runs.db
	mkdir -p "$HOME" "$TOP/work"
	cd "$TOP/work"
	# 4,000 rows; what is "high" turns around at 2,000
	awk 'BEGIN { print "a,b,day,what"; s = 7; for (i = 0; i < 4000; i++) { s = (s * 16807) % 2147483647; a = s / 2147483647
		s = (s * 16807) % 2147483647; high = (a > 0.5) != (i >= 2000)
		printf "%.6f,%.6f,Mon,%s\n", a, s / 2147483647, high ? "high" : "low" } }' > rows.csv
	awk -F, 'NR > 1 { printf "{\"a\": %s, \"extra\": \"x\", \"b\": %s, \"y\": %s}\n", $1, $2, 3 * $1 + 0.5 }' rows.csv > rows.jsonl
	printf 'some text that is long enough to train on, and then some more of it\n%.0s' $(seq 40) > text.txt
	"$UNROLL" train --arch gru:1x8 --data text.txt -o text.safetensors --steps 3 --seq-len 16 --no-store -t 1 -q > text.out
}

setup() {
	cd "$TOP/work"
}

LEARN=(learn -m gru:1x16 --data rows.csv --without day --lr 0.01)

@test "rows of a file: the model, the same frozen, the baselines, a drift" {
	"$UNROLL" "${LEARN[@]}" --every 1000 > out.txt
	cat out.txt
	[ "$(grep -c '^ *[1-4],000 .*%' out.txt)" -eq 4 ]
	grep 'the same, frozen' out.txt
	grep '4,000 events in .* [1-9] drifts\?, the last at event 2,' out.txt
	"$UNROLL" "${LEARN[@]}" --every 2000 --json > out.json
	[ "$(wc -l < out.json)" -eq 3 ]
	tail -n 1 out.json > last.json
	[ "$(field last.json 'd["done"] and d["events"] == 4000 and d["drifts"] >= 1 and d["last_drift"] > 2000')" = True ]
	[ "$(field last.json 'd["model"]["accuracy_now"]["mean"] > 0.85 > 0.4 > d["frozen"]["accuracy_now"]["mean"]')" = True ]
	[ "$(field last.json 'd["model"]["kappa_now"] > 0.6 and abs(d["last"]["accuracy"]["mean"] - 0.5) < 0.05')" = True ]
	[ "$(field last.json 'd["frozen"]["behind"]["low"] > 0')" = True ]
}

@test "a pipe gives what a file gives, and events come one by one" {
	"$UNROLL" "${LEARN[@]}" --json --every 0 | sed 's/"seconds.*//' > a.json
	cat rows.csv | "$UNROLL" learn -m gru:1x16 --without day --lr 0.01 --json --every 0 | sed 's/"seconds.*//' > b.json
	cmp a.json b.json
	# a report comes while the pipe is still open
	mkfifo pipe
	"$UNROLL" learn -m gru:1x16 --without day --every 10 --json < pipe > piped.out &
	pid=$!
	exec 9> pipe
	head -n 11 rows.csv >&9
	for _ in $(seq 400); do [ -s piped.out ] && break; sleep 0.05; done
	grep '"events":10,' piped.out
	exec 9>&-
	ended $pid 0
}

@test "JSON lines, a number to foretell" {
	"$UNROLL" learn -m lstm:1x16 --data rows.jsonl --target y --without extra --lr 0.01 --every 0 --blind -o number.safetensors > out.txt
	cat out.txt
	grep 'the mean of all answers so far' out.txt
	"$UNROLL" learn -m lstm:1x16 --data rows.jsonl --target y --without extra --lr 0.01 --every 0 --blind --json > out.json
	[ "$(field out.json 'd["model"]["rmse_now"] < 0.2 * d["usual"]["rmse_now"]')" = True ]
	# the file streams like any other
	head -n 3 rows.jsonl | "$UNROLL" stream -m number.safetensors --events jsonl > streamed.txt
	[ "$(wc -l < streamed.txt)" -eq 3 ]
	# a model that reads the previous answer has inputs for it
	"$UNROLL" learn -m lstm:1x16 --data rows.jsonl --target y --without extra -n 10 --json > out.json
	[ "$(field out.json 'd["events"]')" = 10 ]
}

@test "text: the next token, from a model of text on" {
	"$UNROLL" learn -m text.safetensors --data text.txt --lr 0.01 --window 16 --json --every 0 -o learnt.safetensors > out.json
	[ "$(field out.json 'd["events"]')" -eq $(($(wc -c < text.txt) - 1)) ]
	[ "$(field out.json 'd["model"]["loss_now"] < 0.5 * d["frozen"]["loss_now"]')" = True ]
	"$UNROLL" eval -m learnt.safetensors --data text.txt --part all --json > learnt.json
	"$UNROLL" eval -m text.safetensors --data text.txt --part all --json > before.json
	[ "$(echo "$(field learnt.json 'd["loss"]') < $(field before.json 'd["loss"]')" | bc)" -eq 1 ]
}

@test "stopped with -n, by a signal, or killed, it goes on to the same bytes" {
	"$UNROLL" "${LEARN[@]}" -o whole.safetensors -q > whole.txt
	"$UNROLL" "${LEARN[@]}" -o parts.safetensors -q -n 1234 > parts.txt
	"$UNROLL" "${LEARN[@]}" -o parts.safetensors -q -n 1 --resume > parts.txt
	"$UNROLL" "${LEARN[@]}" -o parts.safetensors -q --resume > parts.txt
	cmp whole.safetensors parts.safetensors
	cmp whole.ckpt.safetensors parts.ckpt.safetensors
	diff <(grep -v ' events in \|^wrote' whole.txt) <(grep -v ' events in \|^wrote' parts.txt)
	# killed at any moment: on from the last snapshot
	mkfifo slow
	"$UNROLL" "${LEARN[@]}" -o killed.safetensors -q --snapshot-every 500 > killed.txt &
	pid=$!
	wait_for killed.ckpt.safetensors
	kill -9 $pid
	wait $pid || true
	"$UNROLL" "${LEARN[@]}" -o killed.safetensors -q --resume > killed.txt
	cmp whole.safetensors killed.safetensors
	cmp whole.ckpt.safetensors killed.ckpt.safetensors
	# a signal: saved, ended cleanly; the pipe it read from goes on with other rows
	"$UNROLL" learn -m gru:1x16 --without day --lr 0.01 -o signal.safetensors --every 100 < slow > signal.txt 2> signal.err &
	pid=$!
	exec 9> slow
	head -n 301 rows.csv >&9
	for _ in $(seq 400); do grep -q '^ *300 ' signal.txt && break; sleep 0.05; done
	kill -TERM $pid
	ended $pid 143
	exec 9>&-
	grep -- --resume signal.err
	tail -n +302 rows.csv | "$UNROLL" learn -m gru:1x16 --without day --lr 0.01 -o signal.safetensors --resume -q > signal.txt
	cmp whole.safetensors signal.safetensors
}

@test "the example program learns, too" {
	awk -F, 'NR > 1 { printf "%s %s, %d\n", $1, $2, $4 == "high" }' rows.csv > rows.txt
	"${UNROLL%/*}/tests/example_learn" 2 2 < rows.txt > said.txt
	cat said.txt
	grep '^4000 events: [89].*right lately, frozen [1-5]' said.txt
	grep '^the stream has changed, as of event 2[0-9]*$' said.txt
	run "${UNROLL%/*}/tests/example_learn" 0 0 < rows.txt
	[ "$status" -eq 1 ]
}

@test "an answer that is missing is not scored, and events that cannot be read stop it or are passed over" {
	printf 'a,y\n1,2.5\n2,?\n3,3.5\n,4.5\n' > gaps.csv
	"$UNROLL" learn -m rnn:1x4 --data gaps.csv --json > out.json
	[ "$(field out.json 'd["events"] == 3 and d["unanswered"] == 1')" = True ]
	printf 'a,y\n1,2.5\nx,2\n3,3.5\n4\n5,6.5\n7,what\n' > bad.csv
	refuses 2 "bad.csv.*line 3" learn -m rnn:1x4 --data bad.csv -o bad.safetensors
	[ -e bad.safetensors ] # what was learnt is kept
	run --separate-stderr "$UNROLL" learn -m rnn:1x4 --data bad.csv --skip-bad --json
	echo "$output"
	[ "$status" -eq 0 ]
	echo "$output" > out.json
	[ "$(field out.json 'd["events"] == 3 and d["bad"] == 3')" = True ]
	[[ "$stderr" =~ "line 3" ]]
	# the first event is one of them; columns that are not there are none
	printf 'a,y\nx,2\n1,2.5\n3,3.5\nz,1\n4,1.5\n' > first.csv
	refuses 2 "first.csv.*line 2" learn -m rnn:1x4 --data first.csv
	refuses 2 "no target 'what'" learn -m rnn:1x4 --data first.csv --skip-bad --target what
	"$UNROLL" learn -m rnn:1x4 --data first.csv --skip-bad --json > out.json
	[ "$(field out.json 'd["events"] == 3 and d["bad"] == 2')" = True ]
	# -n counts those that were learnt; what was passed over, and how many events, is told of all sittings
	BAD=(learn -m rnn:1x4 --data first.csv --skip-bad --json -o sat.safetensors)
	"$UNROLL" "${BAD[@]}" -n 1 > out.json
	[ "$(field out.json 'd["events"] == 1 and d["bad"] == 1 and d["sitting_events"] == 1')" = True ]
	"$UNROLL" "${BAD[@]}" -n 1 --resume > out.json
	[ "$(field out.json 'd["events"] == 2 and d["bad"] == 1 and d["sitting_events"] == 1')" = True ]
	"$UNROLL" learn -m rnn:1x4 --data first.csv --skip-bad -o sat.safetensors --resume > out.txt
	grep '^1 events in .*, 3 with those of earlier sittings' out.txt
	grep '^2 events could not be read' out.txt
}

@test "what cannot be is refused, and says what to do" {
	refuses 2 "model.*is no file, and no spec" learn -m lstn:1x16 --data rows.csv
	refuses 1 "nowhere.safetensors: No such file" learn -m nowhere.safetensors --data rows.csv
	refuses 1 "nothing.csv" learn -m gru:1x8 --data nothing.csv
	refuses 2 "line 2.*day.*Mon" learn -m gru:1x8 --data rows.csv
	refuses 2 "there is no target 'nothing'; the fields are a, b, day, what" learn -m gru:1x8 --data rows.csv --target nothing
	refuses 2 "there is no field 'nothing'" learn -m gru:1x8 --data rows.csv --without nothing
	refuses 2 "would be class 3.*--classes" learn -m gru:1x8 --classes 2 --task class --data rows.jsonl --target y --without extra
	refuses 2 "do not fit a context of 16" learn -m transformer:1x8,context=16 --window 17 --data rows.csv --without day
	refuses 2 "reads text" learn -m text.safetensors --data rows.csv --events csv
	refuses 2 "reads values" learn -m gru:1x8 --data text.txt --events lines
	refuses 2 "--resume needs --out" learn -m gru:1x8 --data rows.csv --resume
	refuses 2 "pairs" learn -m seq2seq:gru:1x8 --data rows.csv --without day
	refuses 2 "--classes is of a new model" learn -m text.safetensors --data text.txt --classes 3
	refuses 2 "takes one character" learn -m gru:1x8 --data rows.csv --separator ';;'
	printf 'a,y\n1,caf\xe9\n' > latin.csv
	refuses 2 "latin.csv, line 2.*UTF-8" learn -m gru:1x8 --data latin.csv
	refuses 1 "nowhere/x.safetensors" learn -m gru:1x8 --data rows.csv --without day -o nowhere/x.safetensors
	printf '' > empty.csv
	refuses 2 "no event in it" learn -m gru:1x8 --data empty.csv
	"$UNROLL" "${LEARN[@]}" -o there.safetensors -q -n 50 > out.txt
	refuses 2 "resume goes on from it, --overwrite begins anew" "${LEARN[@]}" -o there.safetensors
	cp there.ckpt.safetensors before
	refuses 2 "had --lr 0.01, now 0.02" "${LEARN[@]}" -o there.safetensors --resume --lr 0.02
	cmp before there.ckpt.safetensors # what is refused is not written over
	refuses 2 "there.ckpt.safetensors is of gru:1x16, not of gru:1x17" learn -m gru:1x17 --data rows.csv --lr 0.01 \
		-o there.safetensors --resume
	refuses 2 'begun with --target not given' "${LEARN[@]}" -o there.safetensors --resume --target a
	refuses 2 'begun with --blind not given' "${LEARN[@]}" -o there.safetensors --resume --blind
	refuses 2 'begun with --classes 16' "${LEARN[@]}" -o there.safetensors --resume --classes 5
	refuses 2 'begun with --task not given' "${LEARN[@]}" -o there.safetensors --resume --task number
	refuses 2 'begun with --seed 1' "${LEARN[@]}" -o there.safetensors --resume --seed 9
	refuses 2 'begun with --without ."day".' "${LEARN[@]}" -o there.safetensors --resume --without a
	refuses 2 'begun with --model "gru:1x16"' learn -m text.safetensors --data rows.csv --lr 0.01 -o there.safetensors --resume
	"$UNROLL" "${LEARN[@]}" -o there.safetensors --resume -q -n 5 --target what --classes 16 > out.txt
	"$UNROLL" learn -m there.safetensors --data rows.csv --lr 0.01 -o there.safetensors --resume -q -n 5 > out.txt
	"$UNROLL" "${LEARN[@]}" -o there.safetensors --overwrite -q -n 50 > out.txt
	head -c 3000 there.ckpt.safetensors > cut && mv cut there.ckpt.safetensors
	refuses 2 "there.ckpt" "${LEARN[@]}" -o there.safetensors --resume
}
