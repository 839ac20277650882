#!/usr/bin/env bats
# Smaller weights as a user meets them: written, opened, run, trained from, and refused. UNROLL is the program's path.

bats_require_minimum_version 1.5.0

load commands

setup_file() {
	export TOP=$BATS_FILE_TMPDIR
	export HOME=$TOP/home XDG_CACHE_HOME=$TOP/cache UNROLL_STORE=$TOP/runs.db
	mkdir -p "$HOME" "$TOP/work"
	cd "$TOP/work"
	printf 'some text that is long enough to train on, and then some more of it %d\n' $(seq 400) > text.txt
	awk 'BEGIN { for (i = 0; i < 60; i++) printf "ein hund %d\ta dog %d\n", i, i }' > pairs.tsv
	train="$UNROLL train --no-store -t 1 -q"
	$train --arch lstm:2x48 --data text.txt -o full.safetensors --steps 60 --seq-len 16 --batch-size 8 > /dev/null
	$train --arch transformer:1x32,heads=2,context=32 --data text.txt -o tied.safetensors --steps 3 --batch-size 2 \
		> /dev/null
	$train --arch seq2seq:gru:1x16,attention=luong --data pairs.tsv --vocab char -o pairs.safetensors --steps 3 \
		--batch-size 4 > /dev/null
	for kind in int8 bf16; do
		"$UNROLL" quantize -m full.safetensors --weights $kind -o $kind.safetensors --data text.txt > $kind.out
		"$UNROLL" quantize -m full.safetensors --weights $kind -o $kind.safetensors --data text.txt --json > $kind.json
	done
}

setup() {
	cd "$TOP/work"
}

@test "quantize says sizes, how far the weights moved, and what it costs, with an interval" {
	for kind in int8 bf16; do
		grep "^file .*, was " $kind.out
		grep "^a step .* as $kind, .* as f32" $kind.out
		grep "^weights .* stored anew; error 0\.[0-9]* %" $kind.out
		grep "nats a token as $kind, .* as f32" $kind.out
		grep "95 % interval .* to .*, paired by block" $kind.out
		moved="d['loss'] - d['loss_f32']"
		[ "$(field $kind.json "abs($moved - d['loss_difference'][0]) < 0.6 * abs($moved)")" = True ]
		[ "$(field $kind.json "d['loss_difference'][1] <= d['loss_difference'][0] <= d['loss_difference'][2]")" = True ]
		[ "$(field $kind.json "0 < d['weights_rms_error'] <= d['weights_largest_error'] * 4 < 0.02")" = True ]
		[ "$(field $kind.json "d['file_bytes']")" = "$(stat -c %s $kind.safetensors)" ]
	done
	[ "$(field int8.json "d['file_bytes'] * 2.5 < d['file_bytes_before']")" = True ]
	[ "$(field bf16.json "d['file_bytes'] * 1.6 < d['file_bytes_before']")" = True ]
	run -0 "$UNROLL" quantize -m full.safetensors -o plain.safetensors
	[[ $output == *"not measured: give --data TEXT"* ]]
	cmp plain.safetensors int8.safetensors
	# what training wrote into it goes on
	"$UNROLL" info int8.safetensors | grep "trained  *60 steps"
}

@test "a file of smaller weights runs as the original does with --weights" {
	for kind in int8 bf16; do
		for verb in "eval -d text.txt --json -m" "generate -p some --temp 0 -n 60 -q -m"; do
			"$UNROLL" $verb full.safetensors --weights $kind | sed 's/"seconds.*//; s/"model": "[^"]*"//' > a
			"$UNROLL" $verb $kind.safetensors | sed 's/"seconds.*//; s/"model": "[^"]*"//' > b
			diff <(tr ',' '\n' < a | grep -v second) <(tr ',' '\n' < b | grep -v second)
		done
		"$UNROLL" info $kind.safetensors | grep "weights  *$kind; a step reads"
		"$UNROLL" info $kind.safetensors --weights f32 | grep "weights  *f32; a step reads"
		"$UNROLL" info --spec lstm:2x48 --weights $kind | grep "weights  *$kind; a step reads"
	done
	"$UNROLL" info --spec lstm:2x256 --weights int8 --json > a
	[ "$(field a "d['weight_bytes_per_step'] < 1.3e6")" = True ]
}

@test "tied heads, and models of pairs" {
	"$UNROLL" quantize -m tied.safetensors -o tied8.safetensors -d text.txt | grep "paired by block\|too few tokens"
	"$UNROLL" generate -m tied8.safetensors -n 5 -q --seed 1 > /dev/null
	run -0 "$UNROLL" quantize -m pairs.safetensors -o pairs8.safetensors
	[[ $output == *"not measured: it is a model of pairs; compare what unroll eval says of both files"* ]]
	"$UNROLL" translate -m pairs8.safetensors 'ein hund 3' > a
	"$UNROLL" translate -m pairs.safetensors --weights int8 'ein hund 3' > b
	cmp a b
	refuses 2 "compare what unroll eval says" quantize -m pairs.safetensors -o no.safetensors --data pairs.tsv
	[ ! -e no.safetensors ]
}

@test "training goes on from such a file, in float32" {
	"$UNROLL" train --from int8.safetensors --data text.txt -o tuned.safetensors --steps 2 --seq-len 16 --no-store \
		-t 1 -q
	"$UNROLL" info tuned.safetensors | grep "weights  *f32"
}

# with_weight IN OUT TENSOR VALUE: the file with VALUE as a tensor's first
with_weight() {
	"$PYTHON" - "$@" <<- 'END'
		import json, struct, sys
		data = bytearray(open(sys.argv[1], "rb").read())
		n = struct.unpack("<Q", data[:8])[0]
		at = 8 + n + json.loads(data[8:8 + n])[sys.argv[3]]["data_offsets"][0]
		data[at:at + 4] = struct.pack("<f", float(sys.argv[4]))
		open(sys.argv[2], "wb").write(data)
	END
}

@test "nothing is written before all that can be refused was" {
	printf before > kept.safetensors
	for value in nan inf -inf 3.4e38; do
		with_weight full.safetensors odd.safetensors rnn.weight_hh_l0 $value
		for kind in int8 bf16; do
			refuses 2 "tensor rnn.weight_hh_l0: one of its weights is .*, which $kind cannot hold" \
				quantize -m odd.safetensors -o kept.safetensors --weights $kind
			[ "$(cat kept.safetensors)" = before ]
		done
	done
	# the largest that both hold
	with_weight full.safetensors odd.safetensors rnn.weight_hh_l0 3.3895313892515355e38
	for kind in int8 bf16; do
		"$UNROLL" quantize -m odd.safetensors -o large.safetensors --weights $kind | grep "of a row's largest"
	done
	head -c 3 text.txt > short.txt
	refuses 2 "too few" quantize -m full.safetensors -o kept.safetensors -d short.txt
	refuses 1 "nowhere.txt" quantize -m full.safetensors -o kept.safetensors -d nowhere.txt
	printf 'no such \xc3\xa9' > alien.txt
	refuses 2 "vocabulary" quantize -m full.safetensors -o kept.safetensors -d alien.txt
	[ "$(cat kept.safetensors)" = before ]
}

@test "what cannot be is refused" {
	refuses 2 "could not be had back" quantize -m full.safetensors -o ./full.safetensors
	refuses 2 "must be one of bf16|int8" quantize -m full.safetensors -o x.safetensors --weights f32
	refuses 2 "must be one of f32|bf16|int8" generate -m full.safetensors --weights int4
	refuses 1 "nowhere" quantize -m nowhere.safetensors -o x.safetensors
	sed 's/"unroll.weights":"int8"/"unroll.weights":"int9"/' int8.safetensors > odd.safetensors
	for verb in "generate -m" info "eval -d text.txt -m"; do
		refuses 2 "int9" $verb odd.safetensors
	done
}
