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
	run --separate-stderr "$UNROLL" compare --data text.txt --archs gru,transformer --params 8k --tokens 12k --trials 2 --out-dir a/models
	[ "$status" -eq 0 ]
	[[ "$output" == *"nats/token"* && "$output" == *"Use "* && "$output" == *"How sure"* ]]
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
	"$UNROLL" compare --data text.txt --archs gru,rnn --params 5k --tokens 8k --trials 2 --json --quiet > one.json
	again=$(python3 - << 'END'
import json, math
c = json.load(open("one.json"))
by = {k["name"]: k for k in c["contenders"]}
assert set(by) == {"gru", "rnn"}, by
assert c["target_parameters"] == 5000 and c["tokens"] == 8000
for k in by.values():
    assert not k["diverged"]
    assert abs(k["deviation"] - (k["parameters"] / 5000 - 1)) < 1e-6
    assert len(k["trials"]) == 2 and k["lr"] in [t["lr"] for t in k["trials"]]
    assert k["lr"] == min(k["trials"], key=lambda t: t["val_loss"])["lr"]
    assert 0.3 < k["loss"] < 4 and k["bits_per_byte"] > 0
    assert abs(k["bits_per_byte"] - k["loss"] * c["heldout_tokens"] / c["heldout_bytes"] / math.log(2)) < 1e-6
    assert k["tokens_per_second"] > 0 and k["memory_planned"] > 0
    assert all(s["p50_us"] > 0 and s["p99_us"] >= s["p50_us"] and s["state_bytes"] > 0 for s in k["steps"])
    assert k["weight_bytes"] == 4 * k["parameters"] and k["model"] is None
best = by[c["best_quality"]]
assert best["loss"] == min(k["loss"] for k in by.values()) and best["above_best"]["mean"] == 0
assert by[c["recommended"]]["tied_with_best"] and c["recommendation"].startswith("Use " + c["recommended"])
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
END
}

@test "specs keep their shape, and the rest is matched to them" {
	"$UNROLL" compare --data text.txt --arch gru:1x16 --arch 'lstm,dropout=0.1' --tokens 4k --trials 1 --json --quiet > specs.json
	python3 - << 'END'
import json
c = json.load(open("specs.json"))
a, b = c["contenders"]
assert a["spec"] == "gru:1x16" and b["spec"].startswith("lstm:2x") and b["spec"].endswith(",dropout=0.1")
assert c["target_parameters"] == a["parameters"] and abs(b["deviation"]) < 0.2
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
	refuse "not a time" --data text.txt --budget soon
	refuse "not both" --data text.txt --budget 5m --tokens 1M
	refuse "too few" --data text.txt --budget 0.01s
	refuse "too long" --data text.txt --archs gru --tokens 1k --out-dir "$(printf 'x%.0s' {1..4100})"
	run "$UNROLL" compare --data nothing.txt
	[ "$status" -eq 1 ]
}
