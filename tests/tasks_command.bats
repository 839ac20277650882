#!/usr/bin/env bats
# Tasks as a user meets them: listed, trained on, evaluated, stopped and refused. UNROLL is the program's path.

bats_require_minimum_version 1.5.0

load commands
TASK=task:adding,T=3,levels=2

setup_file() {
	export TOP=$BATS_FILE_TMPDIR
	export HOME=$TOP/home XDG_CACHE_HOME=$TOP/cache UNROLL_STORE=$TOP/runs.db
	mkdir -p "$HOME" "$TOP/work"
	cd "$TOP/work"
	"$UNROLL" train --arch gru:1x32 --data $TASK -o adder.safetensors -t 1 --steps 400 --lr 1e-2 --eval-every 100 \
		> adder.out 2> adder.log
	printf 'some text that is long enough to train on, and then some more of it\n%.0s' $(seq 40) > text.txt
	"$UNROLL" train --arch gru:1x8 --data text.txt -o text.safetensors --steps 3 --seq-len 16 --no-store -t 1 -q > text.out
}

setup() {
	cd "$TOP/work"
}

@test "help lists every task with its options" {
	run "$UNROLL" help tasks
	[ "$status" -eq 0 ]
	for name in adding copy selective recall parity T= levels= items= symbols= pairs= keys= values= queries= answers=; do
		[[ "$output" =~ "  $name" ]]
	done
	[[ "$("$UNROLL" help)" =~ "help tasks" ]]
}

@test "training says what it is on, and how well it is done" {
	grep "task        $TASK: sequences of 4 tokens, 1 of them scored" adder.log
	grep "% of answers right" adder.log
	grep "nats an answer, best of the run" adder.out
	grep "accuracy  *9[0-9]\|accuracy  *100" adder.out
	grep "mse  *0\.0" adder.out
	grep "512 sequences that training never sees" adder.out
	"$UNROLL" info adder.safetensors | grep "on  *$TASK"
	# and the store keeps the curve of it
	id=$("$UNROLL" runs --json | "$PYTHON" -c 'import json,sys; print(json.load(sys.stdin)["runs"][0]["id"])' 2> /dev/null || true)
	"$UNROLL" runs "${id:-1}" --json > run.json
	grep val_accuracy run.json
	grep "$TASK" run.json
}

@test "the line to try generates the right answer" {
	command=$(grep '^try' adder.out | sed 's/^try *//')
	echo "$command"
	said=$(eval "$command" 2> /dev/null)
	echo "$said"
	[ "${#said}" -eq 5 ]
	sum=$(echo "${said:0:3}" | tr -d 01 | tr AB 01 | sed 's/./& + /; s/$//' | bc)
	[ "${said:4:1}" = "$(printf abc | cut -c $((sum + 1)))" ]
}

@test "eval defaults to the model's own task, and takes others of the same characters" {
	"$UNROLL" eval -m adder.safetensors --json > own.json
	[ "$(field own.json 'd["task"]')" = $TASK ]
	[ "$(field own.json 'd["accuracy"][0] > 0.9 and d["sequences"] == 512')" = True ]
	# what training said at its end is what eval says
	grep "$(field own.json '"%.4f" % d["loss"][0]') nats an answer" adder.out
	"$UNROLL" eval -m adder.safetensors --data task:adding,T=9,levels=2 --sequences 100 --part test | grep "100 sequences"
	"$UNROLL" eval -m adder.safetensors | grep "task  *$TASK (part: val)"
	refuses 2 "has other characters than the model" eval -m adder.safetensors --data task:adding,T=9
	refuses 2 "has other characters than the model" eval -m text.safetensors --data $TASK
	refuses 2 "--data FILE is missing" eval -m text.safetensors
	refuses 2 "its parts are val and test" eval -m adder.safetensors --part all
	refuses 2 "--tokens is not for tasks" eval -m adder.safetensors --tokens 5
	refuses 2 "--sequences is for tasks" eval -m text.safetensors --data text.txt --sequences 5
}

@test "a stopped run goes on to the same model, and only on the same task" {
	ask="--arch lstm:1x16 --data task:recall,T=12,pairs=3 --steps 80 --eval-every 40 -t 1 -q --no-store"
	"$UNROLL" train $ask -o whole.safetensors > whole.out
	"$UNROLL" train ${ask/steps 80/steps 80} -o cut.safetensors --checkpoint-every 10 > cut.out &
	wait_for cut.ckpt.safetensors
	kill -INT $! 2> /dev/null || true
	wait $! || true
	"$UNROLL" train $ask -o cut.safetensors --resume > cut.out || "$UNROLL" train $ask -o cut.safetensors > cut.out
	# but for the command in its metadata, the file is the same
	"$UNROLL" eval -m whole.safetensors --json > a.json
	"$UNROLL" eval -m cut.safetensors --json > b.json
	[ "$(field a.json 'd["loss"]')" = "$(field b.json 'd["loss"]')" ]
	refuses 2 "was trained on other data" train ${ask/T=12/T=13,keys=15,values=17} -o cut.safetensors --steps 90 --resume
}

@test "what cannot be is refused in words" {
	t="train --arch gru:1x8 -o bad.safetensors --no-store"
	refuses 2 "'ading' is no task; there are adding, copy, selective, recall, parity.*help tasks" $t --data task:ading,T=9
	refuses 2 "T is missing: how many values there are" $t --data task:adding
	refuses 2 "must be from 1 to" $t --data task:adding,T=99999999
	refuses 2 "--target is not for tasks" $t --data $TASK --target text.txt
	refuses 2 "--vocab is not for tasks" $t --data $TASK --vocab word
	refuses 2 "--seq-len is not for tasks" $t --data $TASK --seq-len 9
	refuses 2 "--epochs is not for tasks" $t --data $TASK --epochs 2
	refuses 2 "trains on pairs; tasks are for models of one text" train --arch seq2seq:gru:1x8 --data $TASK -o bad.safetensors
	refuses 2 "do not fit a context of 256; put context=401 into the spec" \
		train --arch transformer:1x8,heads=1 --data task:adding,T=400 -o bad.safetensors
	refuses 2 "not encoded with the model's vocabulary" train --from text.safetensors --data $TASK -o bad.safetensors --no-store
	refuses 2 "comparisons are on a text or on pairs, not on a task" compare --data $TASK
	[ ! -e bad.safetensors ]
	# a file of that name is still a file
	cp text.txt task:text
	"$UNROLL" train --arch gru:1x8 --data ./task:text -o file.safetensors --steps 2 --seq-len 16 -q --no-store
}

@test "a plan says what will be done" {
	"$UNROLL" train --arch transformer:1x16,heads=2,context=64 --data task:copy,T=44 --dry-run | grep "sequences of 63 tokens, 10 of them"
	"$UNROLL" train --arch gru:1x16 --data task:copy,T=44 --dry-run --json > plan.json
	[ "$(field plan.json 'd["task"], d["sequence_tokens"], d["recipe"]["seq-len"], d["recipe"]["windows"]')" = \
		"('task:copy,T=44', 63, 63, 'random')" ]
}

@test "how far back a model looks is said, kept and refused for pairs" {
	"$UNROLL" train --arch rnn:1x16 --data text.txt -o back.safetensors --steps 20 --eval-every 10 --seq-len 32 -t 1 \
		--log-gradients > back.out 2> back.log
	[ "$(grep -c 'looking back .*step [0-9]*: it looks about .* of 31 steps back' back.log)" -eq 3 ]
	grep "looking back .*step 20: it looks about" back.out
	# the same weights without it
	"$UNROLL" train --arch rnn:1x16 --data text.txt -o plain.safetensors --steps 20 --eval-every 10 --seq-len 32 -t 1 -q > plain.out
	"$UNROLL" eval -m back.safetensors -d text.txt --json > a.json
	"$UNROLL" eval -m plain.safetensors -d text.txt --json > b.json
	[ "$(field a.json 'd["loss"]')" = "$(field b.json 'd["loss"]')" ]
	"$UNROLL" train --arch gru:1x16 --data $TASK -o back.safetensors --overwrite --steps 20 --eval-every 10 -t 1 --log-gradients \
		-q --json > back.json
	[ "$(field back.json '[r["step"] for r in d["reach"]], [b[0] for b in d["reach"][0]["bins"]], d["reach"][2]["ahead"]')" = \
		"([0, 10, 20], [0, 1, 2], 0.0)" ]
	"$UNROLL" runs "$(field back.json 'd["run"]')" --json > run.json
	[ "$(field run.json 'len(d["metrics"]["reach/2"]) if "metrics" in d else str(d).count("reach/2")')" -ge 1 ]
	printf 'ab\tba\nabc\tcba\n%.0s' $(seq 30) > pairs.tsv
	refuses 2 "of models of one text, not of pairs" train --arch seq2seq:gru:1x8 --data pairs.tsv -o bad.safetensors --log-gradients
}
