#!/usr/bin/env bats
# unroll compare on pairs of sources and targets: the same command, tables, document and page.
bats_require_minimum_version 1.5.0

setup_file() {
	export UNROLL_STORE="$BATS_FILE_TMPDIR/runs.db"
	cd "$BATS_FILE_TMPDIR"
	# words to be said in reverse
	awk 'BEGIN {
		split("ba be bi do ka ke", w, " "); r = 7
		for (i = 0; i < 1500; i++) {
			r = (r * 1103 + 12345) % 65536; n = 1 + int(r / 8192); s = t = ""
			for (k = 0; k < n; k++) {
				r = (r * 1103 + 12345) % 65536; x = w[1 + int(r / 10923)]
				s = s (k ? " " : "") x; t = x (k ? " " : "") t
			}
			print s "\t" t
		}
	}' > pairs.tsv
	awk 'BEGIN { for (i = 0; i < 900; i++) printf "a text of some words%s", i % 4 ? " " : "\n" }' > text.txt
}

setup() { cd "$BATS_FILE_TMPDIR"; }

@test "compares two on pairs, in tables, words, models, JSON, CSV and the page" {
	run --separate-stderr "$UNROLL" compare --data pairs.tsv --vocab word --arch seq2seq:gru --arch seq2seq:gru,attention=luong \
		--params 6k --budget 20ktok --seeds 2 --trials 1 --translate 40 --out-dir models --store one.db --report page.html
	[ "$status" -eq 0 ]
	[[ "$output" == *"nats/tok"* && "$output" == *"translations"* && "$output" == *"Use gru"* && "$output" == *"How sure"* ]]
	[[ "$output" == *"Long sources"* && "$stderr" == *"gru-luong: translating, seed 2 of 2"* ]]
	! grep -vE '^(again|report|models) ' <<< "$output" | grep -qE '^.{81}'
	[ -s models/gru.safetensors ] && [ -s models/gru-luong.safetensors ] && [ -s page.html ]
	"$UNROLL" report --store one.db --json > one.json
	"$UNROLL" report --store one.db --csv > one.csv
	again=$(python3 - << 'END'
import csv, json, math
d = json.load(open("one.json"))
by = {k["name"]: k for k in d["contenders"]}
assert set(by) == {"gru", "gru-luong"} and d["setting"]["context"] is None and d["setting"]["position"] is None
for k in by.values():
    assert not k["diverged"] and k["prefill"] == k["steps"] == k["by_position"] == [] and k["loss"] == k["loss_same"]
    assert abs(k["bits_per_byte"]["mean"] - k["loss"]["mean"] * d["data"]["scored_tokens"] / d["data"]["scored_bytes"] / math.log(2)) < 1e-6
    assert 0.3 < k["loss"]["mean"] < math.log(8) and abs(k["deviation"]) < 0.05
p = d["pairs"]
assert p["sources"] == 40 and p["beam"] == 1 and p["train_pairs"] > 1200 and p["left_out"] == 0
m = {x["name"]: x for x in p["models"]}
assert m["gru-luong"]["attends"] and not m["gru"]["attends"]
for x in m.values():
    assert x["exact"]["n"] == 2 and abs(x["exact"]["mean"] - sum(r["exact"] for r in x["runs"]) / 2) < 1e-9
    assert sum(b["n"] for b in x["by_source_length"]) == 40
    for b in x["by_source_length"]:
        assert all(b[q]["low"] <= b[q]["value"] <= b[q]["high"] for q in ("exact", "token_errors", "word_errors"))
        # targets are as long as their sources: BLEU is told where they have four words
        assert b["bleu"]["low"] <= b["bleu"]["value"] <= b["bleu"]["high"] if b["to"] > 3 else b["bleu"] is None
    assert x["bleu"]["n"] == 2 and x["by_source_length"][-1]["bleu"]
    s = x["sentence"]
    assert 0 < s["p50_us"] <= s["p99_us"] and s["state_bytes"] > 0 and x["sentences_per_second"] > 0
# what attention reads of a source has to be kept
assert m["gru-luong"]["sentence"]["remembered_bytes"] > m["gru"]["sentence"]["remembered_bytes"]
assert len(p["shown"]) == 2
for s in p["shown"]:
    plain, luong = s["outputs"]
    assert plain["weights"] is None and len(luong["weights"]) == len(luong["tokens"])
    assert all(len(r) == len(s["source"]) and abs(sum(r) - 1) < 0.05 for r in luong["weights"])
rows = list(csv.DictReader(open("one.csv")))
assert len(rows) == 2 and all(float(r["token_errors"]) > 0 and float(r["sentence_p50_us"]) > 0 for r in rows)
print(d["again"])
END
	)
	# the command it gives repeats the losses
	[[ "$again" == "unroll compare --data pairs.tsv --arch seq2seq:gru:"* ]]
	eval "\"\$UNROLL\"${again#unroll} --json --quiet --threads 1 --store two.db" > two.json
	python3 - << 'END'
import json
a, b = (json.load(open(f)) for f in ("one.json", "two.json"))
for x, y in zip(a["contenders"], b["contenders"]):
    assert x["spec"] == y["spec"] and x["loss"] == y["loss"] and x["above_best"] == y["above_best"], (x["loss"], y["loss"])
for x, y in zip(a["pairs"]["models"], b["pairs"]["models"]):
    assert x["by_source_length"] == y["by_source_length"] and x["runs"] == y["runs"]
assert a["pairs"]["shown"] == b["pairs"]["shown"]
END
}

@test "attention and cross-attention, targets in a file of their own, characters, a beam" {
	cut -f 1 pairs.tsv | head -400 > source.txt
	cut -f 2 pairs.tsv | head -400 | tr -d ' ' > target.txt
	"$UNROLL" compare --data source.txt --target target.txt --vocab char --archs seq2seq:transformer,seq2seq:lstm --params 8k \
		--budget 20ktok --trials 1 --beam 2 --translate 12 --show-attention 1 --store other.db --json --quiet > other.json
	python3 - << 'END'
import json
d = json.load(open("other.json"))
p = d["pairs"]
assert p["beam"] == 2 and len(p["shown"]) == 1 and p["sources"] == 12
assert ",context=" in d["contenders"][0]["spec"] and p["models"][0]["attends"] and not p["models"][1]["attends"]
assert "--target target.txt" in d["again"] and "--beam 2" in d["again"]
# targets of one word: BLEU is not told
for x in p["models"]:
    assert x["bleu"] is None and all(r["bleu"] is None for r in x["runs"]), x
    assert x["by_source_length"] and all(b["bleu"] is None for b in x["by_source_length"])
END
	"$UNROLL" report --store other.db --text > other.txt
	grep -qE '^lstm +[0-9.]+ +- +- +- +[0-9.]+' other.txt
	"$UNROLL" report --store other.db --csv | python3 -c 'import csv, sys; assert all(r["bleu"] == "" for r in csv.DictReader(sys.stdin))'
}

@test "says what is wrong before it trains" {
	refuse() { # exit code, words that must be said, then arguments
		local code=$1 say=$2
		shift 2
		run "$UNROLL" compare "$@" --store refuse.db
		[ "$status" -eq "$code" ] || { echo "$* exits $status: $output"; return 1; }
		[[ "$output" == *"$say"* ]] || { echo "$*: $output"; return 1; }
	}
	refuse 2 "either all specs begin with seq2seq: or none does" --data pairs.tsv --archs seq2seq:gru,lstm
	refuse 2 "--target is for pairs" --data text.txt --target text.txt --archs gru
	refuse 2 "--beam is for pairs" --data text.txt --archs gru --beam 3
	refuse 2 "--translate" --data pairs.tsv --archs seq2seq:gru --translate 0
	refuse 2 "text.txt, line 1" --data text.txt --archs seq2seq:gru --budget 20ktok
	sed '7s/\t/ /' pairs.tsv > bad.tsv
	refuse 2 "bad.tsv" --data bad.tsv --archs seq2seq:gru --budget 20ktok
	[[ "$output" == *"line 7"* ]]
	refuse 2 "validation" --data pairs.tsv --archs seq2seq:gru --budget 20ktok --val 0.0001
}

@test "killed and asked again, it goes on and ends with the same numbers" {
	ask=(--data pairs.tsv --vocab word --archs seq2seq:gru,seq2seq:rnn --params 6k --budget 400ktok --seeds 2 --trials 2 --translate 60
		--json --quiet)
	"$UNROLL" compare "${ask[@]}" --store whole.db > whole.json
	killed=0
	for pause in 0.4 1.4 1.4 1.4; do
		run timeout -s KILL "$pause" "$UNROLL" compare "${ask[@]}" --store parts.db
		[ "$status" -eq 137 ] && killed=$((killed + 1))
	done
	[ "$killed" -ge 2 ]
	"$UNROLL" compare "${ask[@]}" --store parts.db > parts.json
	python3 - << 'END'
import json
a, b = (json.load(open(f)) for f in ("whole.json", "parts.json"))
for x, y in zip(a["contenders"], b["contenders"]):
    for part in ("loss", "lr", "above_best", "rank", "tokens"):
        assert x[part] == y[part], (part, x[part], y[part])
    for r, s in zip(x["runs"], y["runs"]):
        assert r["loss"] == s["loss"] and r["val_loss"] == s["val_loss"] and r["tokens"] == s["tokens"]
for x, y in zip(a["pairs"]["models"], b["pairs"]["models"]):
    assert x["runs"] == y["runs"] and x["by_source_length"] == y["by_source_length"]
assert a["pairs"]["shown"] == b["pairs"]["shown"] and a["advice"]["best"] == b["advice"]["best"]
END
}

@test "a budget of time is one of tokens the second time; what was stopped leaves a document" {
	ask=(--data pairs.tsv --vocab word --archs seq2seq:gru --params 4k --budget 0.5s --step-tokens 128 --trials 1 --translate 20 --json --quiet
		--store again.db)
	"$UNROLL" compare "${ask[@]}" > first.json
	"$UNROLL" compare "${ask[@]}" > second.json
	python3 - << 'END'
import json
first, second = (json.load(open(f))["contenders"][0] for f in ("first.json", "second.json"))
assert first["tokens"] == second["tokens"] and first["loss"] == second["loss"] and first["calibration"] == second["calibration"]
END
	run timeout -s INT 1.5 "$UNROLL" compare --data pairs.tsv --vocab word --archs seq2seq:gru,seq2seq:lstm --params 8k --budget 20s \
		--trials 1 --quiet --store cut.db
	[ "$status" -ne 0 ]
	"$UNROLL" report --store cut.db --json > cut.json
	"$UNROLL" report --store cut.db --text > cut.txt
	python3 -c 'import json; d = json.load(open("cut.json")); assert d["state"] == "running" and d["pairs"]["models"] == []'
}
