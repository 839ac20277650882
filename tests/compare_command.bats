#!/usr/bin/env bats
# unroll compare as a user has it: from a text to tables, words, models and JSON.
bats_require_minimum_version 1.5.0

setup_file() {
	export UNROLL_STORE="$BATS_FILE_TMPDIR/runs.db"
	cd "$BATS_FILE_TMPDIR"
	awk 'BEGIN {
		split("the cat sat on a mat and then dog ran", w, " "); r = 7; k = 1
		for (i = 0; i < 9000; i++) {
			r = (r * 1103 + 12345) % 65536
			k = (k * 3 + int(r / 21846)) % 10
			printf "%s%s", w[k + 1], i % 9 == 8 ? "\n" : " "
		}
	}' > text.txt
}

setup() { cd "$BATS_FILE_TMPDIR"; }

@test "compares two on a small text, in tables, words and models" {
	run --separate-stderr "$UNROLL" compare --data text.txt --archs gru,transformer --params 8k --budget 12ktok --trials 2 --out-dir a/models
	[ "$status" -eq 0 ]
	[[ "$output" == *"nats/tok"* && "$output" == *"Use "* && "$output" == *"How sure"* ]]
	[[ "$stderr" == *"transformer: trial 2 of 2"* ]]
	# no line is wider than a terminal, but that with the command to repeat
	! grep -v '^again ' <<< "$output" | grep -qE '^.{81}'
	[ -s a/models/gru.safetensors ] && [ -s a/models/transformer.safetensors ]
	[ "$(ls a/models | wc -l)" -eq 2 ]
	best=$(sed -n 's/^Use \([^ ]*\) (.*/\1/p' <<< "$output")
	"$UNROLL" generate --model "a/models/$best.safetensors" -n 20 --seed 1 --quiet > text
	[ "$(wc -c < text)" -ge 20 ]
}

@test "the JSON is whole, and the command it gives repeats the losses" {
	"$UNROLL" compare --data text.txt --archs gru,rnn --params 5k --budget 8ktok --seeds 2 --trials 2 --json --quiet > one.json
	again=$(python3 - << 'END'
import json, math
c = json.load(open("one.json"))
by = {k["name"]: k for k in c["contenders"]}
assert set(by) == {"gru", "rnn"}, by
assert c["schema"] == 1 and c["state"] == "done" and c["setting"]["target_parameters"] == 5000
assert c["setting"]["seeds"] == [1, 2] and c["budget"]["kind"] == "tokens" and c["budget"]["value"] == 8000
for k in by.values():
    assert not k["diverged"] and k["tokens"] == 8192
    assert abs(k["deviation"] - (k["parameters"] / 5000 - 1)) < 1e-6
    (lr,) = k["tuning"]
    assert lr["parameter"] == "lr" and len(lr["trials"]) == 2
    (chosen,) = [t for t in lr["trials"] if t["chosen"]]
    assert chosen["value"] == k["lr"] and chosen["loss"] == min(t["loss"] for t in lr["trials"])
    assert 0.3 < k["loss"]["mean"] < 4 and k["loss"]["n"] == 2 and k["loss"]["low"] < k["loss"]["mean"] < k["loss"]["high"]
    assert abs(k["loss"]["mean"] - sum(r["loss"] for r in k["runs"]) / 2) < 1e-8
    assert abs(k["bits_per_byte"]["mean"] - k["loss"]["mean"] * c["data"]["scored_tokens"] / c["data"]["scored_bytes"] / math.log(2)) < 1e-6
    assert k["train_tokens_per_second"] > 0 and k["memory"]["planned"] > 0
    assert all(s["p50_us"] > 0 and s["p99_us"] >= s["p50_us"] and s["state_bytes"] > 0 for s in k["steps"])
    assert [s["position"] for s in k["steps"]] == sorted(s["position"] for s in k["steps"])
    assert k["prefill"][0]["T"] == 128 and all(p["low"] <= p["seconds"] <= p["high"] for p in k["prefill"])
    assert k["by_position"][0]["from"] == 1 and all(b["low"] <= b["loss"] <= b["high"] for b in k["by_position"])
    assert k["weight_bytes"] == 4 * k["parameters"] and k["model"] is None and k["sample"]
best = by[c["advice"]["best"]]
assert best["rank"] == 1 and best["above_best"] is None
other = [k for k in by.values() if k is not best][0]
assert other["above_best"]["mean"] > 0 and 0 <= other["above_best"]["p"] <= 1
assert abs(other["above_best"]["mean"] - other["loss"]["mean"] + best["loss"]["mean"]) < 1e-8
assert c["advice"]["text"].startswith("Use " + c["advice"]["pick"])
axes = {e["axis"] for e in c["equal"]}  # a run held up before its first score shares no moment with one that has ended
assert {"tokens", "flops"} <= axes <= {"tokens", "flops", "seconds"}, axes
(end,) = [e for e in c["equal"] if e["axis"] == "tokens"]
assert end["when"] == "finished" and end["leader"] == c["advice"]["best"]
assert all(e["predicted"] for b in c["by_length"] for e in b["entries"])
print(c["again"])
END
	)
	[[ "$again" == "unroll compare --data text.txt "* ]]
	eval "\"\$UNROLL\"${again#unroll} --json --quiet --threads 1" > two.json
	python3 - << 'END'
import json
a, b = (json.load(open(f)) for f in ("one.json", "two.json"))
for x, y in zip(a["contenders"], b["contenders"]):
    assert x["spec"] == y["spec"] and x["loss"] == y["loss"] and x["lr"] == y["lr"], (x, y)
    assert x["by_position"] == y["by_position"] and x["sample"] == y["sample"]
END
}

@test "what repeats a budget that is no whole number of steps, and odd shares, gives the same losses" {
	cat text.txt text.txt > long.txt
	"$UNROLL" compare --data long.txt --archs gru --params 2k --budget 340ktok --trials 1 --val 0.0333333333 --test 0.8 --json \
		--quiet > odd.json
	again=$(python3 -c 'import json; print(json.load(open("odd.json"))["again"])')
	eval "\"\$UNROLL\"${again#unroll} --json --quiet" > even.json
	python3 - << 'END'
import json
a, b = (json.load(open(f)) for f in ("odd.json", "even.json"))
assert a["data"]["scored_tokens"] == b["data"]["scored_tokens"] > 32768
assert a["contenders"][0]["tokens"] == b["contenders"][0]["tokens"] == 339968
assert a["contenders"][0]["loss"] == b["contenders"][0]["loss"] and a["contenders"][0]["runs"][0]["val_loss"] == b["contenders"][0]["runs"][0]["val_loss"]
END
}

@test "a second setting is tuned after the first, and one alone against what it was" {
	"$UNROLL" compare --data text.txt --archs gru --params 2k --budget 30ktok --trials 2 --tune lr,weight-decay --json --quiet > two.json
	"$UNROLL" compare --data text.txt --archs gru --params 2k --budget 30ktok --trials 2 --lr 0.02 --tune weight-decay,lr --json --quiet > one.json
	python3 - << 'END'
import json
two, one = (json.load(open(f)) for f in ("two.json", "one.json"))
assert [t["parameter"] for t in two["contenders"][0]["tuning"]] == ["lr", "weight-decay"] and two["again"] is None
k = one["contenders"][0]
assert [t["parameter"] for t in k["tuning"]] == ["weight-decay"] and k["lr"] == 0.02
chosen = [t["value"] for t in k["tuning"][0]["trials"] if t["chosen"]]
assert k["weight_decay"] == (chosen[0] if chosen else 0)
END
}

@test "specs keep their shape, and the rest is matched to them" {
	"$UNROLL" compare --data text.txt --arch gru:1x16 --arch 'lstm,dropout=0.1' --budget 16ktok --trials 1 --json --quiet > specs.json
	python3 - << 'END'
import json
c = json.load(open("specs.json"))
a, b = c["contenders"]
assert a["spec"] == "gru:1x16" and b["spec"].startswith("lstm:2x") and b["spec"].endswith(",dropout=0.1")
assert c["setting"]["target_parameters"] == a["parameters"] and abs(b["deviation"]) < 0.2
END
}

@test "says what is wrong before it trains" {
	refuse() { # words that must be said, then arguments
		local say=$1
		shift
		run "$UNROLL" compare "$@"
		[ "$status" -eq 2 ] || { echo "$* exits $status: $output"; return 1; }
		[[ "$output" == *"$say"* ]] || { echo "$*: $output"; return 1; }
	}
	refuse "--data" --archs gru
	refuse "no architecture" --data text.txt --archs gru,lstn
	refuse "a name is missing" --data text.txt --archs gru,
	refuse "what each run may cost" --data text.txt --budget soon
	refuse "what each run may cost" --data text.txt --budget 5
	refuse "takes a time" --data text.txt --total 2Mtok
	refuse "exclude each other" --data text.txt --budget 5m --total 5m
	refuse "only tokens" --data text.txt --archs gru,rnn --budget 5s,2Mtok
	refuse "2 numbers of tokens for 3" --data text.txt --archs gru,rnn,lstm --budget 1Mtok,2Mtok
	refuse "names with commas" --data text.txt --tune lr,lr
	refuse "too few" --data text.txt --total 0.01s
	refuse "too small" --data text.txt --archs gru --budget 1e3flop
	refuse "not both" --data text.txt --json --csv
	refuse "too long" --data text.txt --archs gru --budget 1ktok --out-dir "$(printf 'x%.0s' {1..4100})"
	run "$UNROLL" compare --data nothing.txt
	[ "$status" -eq 1 ]
}

@test "killed and asked again, it goes on and ends with the same numbers" {
	ask=(--data text.txt --archs gru,rnn --params 5k --budget 600ktok --seeds 2 --trials 2 --json --quiet)
	"$UNROLL" compare "${ask[@]}" --store whole.db > whole.json
	# all four together are shorter than the whole takes
	for pause in 0.4 1.4 1.4 1.4; do
		run timeout -s KILL "$pause" "$UNROLL" compare "${ask[@]}" --store parts.db
		[ "$status" -eq 137 ]
	done
	run --separate-stderr "$UNROLL" compare "${ask[@]/--quiet/--json}" --store parts.db
	[ "$status" -eq 0 ] && [[ "$stderr" == *"going on with comparison 1"* ]]
	echo "$output" > parts.json
	python3 - << 'END'
import json, sqlite3
a, b = (json.load(open(f)) for f in ("whole.json", "parts.json"))
for x, y in zip(a["contenders"], b["contenders"]):
    for part in ("loss", "loss_same", "lr", "above_best", "rank", "by_position", "sample"):
        assert x[part] == y[part], (part, x[part], y[part])
    for r, s in zip(x["runs"], y["runs"]):
        assert r["loss"] == s["loss"] and r["val_loss"] == s["val_loss"]
assert a["advice"]["best"] == b["advice"]["best"]
# one comparison, not one for every start; and its runs are those of the whole one
for f in ("whole.db", "parts.db"):
    d = sqlite3.connect(f)
    assert d.execute("pragma integrity_check").fetchone() == ("ok",)
END
	"$UNROLL" report --store parts.db --json > rebuilt.json
	[ "$(python3 -c 'import json; print(json.load(open("rebuilt.json"))["id"])')" = 1 ]
}

@test "two at once into one store do not disturb each other" {
	ask() { "$UNROLL" compare --data text.txt --archs gru --params 4k --budget 30ktok --trials 1 --seed "$1" --store both.db --json --quiet; }
	ask 1 > first.json &
	first=$!
	ask 2 > second.json
	wait $first
	"$UNROLL" compare --data text.txt --archs gru --params 4k --budget 30ktok --trials 1 --seed 1 --store alone.db --json --quiet > alone.json
	python3 - << 'END'
import json, sqlite3
first, second, alone = (json.load(open(f)) for f in ("first.json", "second.json", "alone.json"))
assert first["contenders"][0]["loss"] == alone["contenders"][0]["loss"] != second["contenders"][0]["loss"]
assert sqlite3.connect("both.db").execute("pragma integrity_check").fetchone() == ("ok",)
END
}

@test "a rerun of a budget of time trains on the same tokens" {
	ask=(--data text.txt --archs gru --params 4k --budget 0.5s --step-tokens 128 --trials 1 --json --quiet --store again.db)
	"$UNROLL" compare "${ask[@]}" > first.json
	"$UNROLL" compare "${ask[@]}" > second.json
	"$UNROLL" compare "${ask[@]}" --fresh > fresh.json
	python3 - << 'END'
import json
first, second, fresh = (json.load(open(f))["contenders"][0] for f in ("first.json", "second.json", "fresh.json"))
assert first["tokens"] == second["tokens"] and first["loss"] == second["loss"] and first["calibration"] == second["calibration"]
assert fresh["calibration"] != first["calibration"]
END
}

@test "tables again, CSV and the page, from the store alone" {
	"$UNROLL" compare --data text.txt --archs gru,rnn --params 4k --budget 12ktok --trials 1 --store kept.db --quiet > table
	mv text.txt away.txt
	"$UNROLL" report --text --store kept.db > table.again
	"$UNROLL" report --csv --store kept.db > table.csv
	"$UNROLL" report --store kept.db -o page.html --quiet
	mv away.txt text.txt
	diff <(grep -v '^report ' table) table.again
	python3 - << 'END'
import csv
rows = list(csv.DictReader(open("table.csv")))
assert [r["name"] for r in rows] and {r["verdict"] for r in rows} <= {"best", "worse", "tie", "unsure"}
assert float(rows[0]["loss"]) <= float(rows[1]["loss"]) and rows[0]["verdict"] == "best"
page = open("page.html").read()
assert "<script src" not in page and "src=\"http" not in page
END
}

@test "a full disk is said clearly, spoils nothing, and with room it goes on" {
	mkdir small
	mount -t tmpfs -o size=600k tmpfs small 2> /dev/null || skip "a small disk cannot be mounted here"
	ask=(--data text.txt --archs gru --params 20k --budget 30ktok --trials 1 --store small/runs.db --quiet)
	run "$UNROLL" compare "${ask[@]}"
	code=$status said=$output
	sound=$(python3 -c 'import sqlite3; print(sqlite3.connect("small/runs.db").execute("pragma integrity_check").fetchone()[0])')
	mount -o remount,size=50M small
	run "$UNROLL" compare "${ask[@]}"
	umount small
	[ "$code" -eq 1 ] && [[ "$said" == *"disk is full"* ]]
	[ "$sound" = ok ]
	[ "$status" -eq 0 ] && [[ "$output" == *"unroll report 1 "* ]]
}
