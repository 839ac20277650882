#!/usr/bin/env bats
# Long sequences as a user meets them: the plan, the chunks it takes, what is refused, and runs that go on. UNROLL is
# the program's path.

bats_require_minimum_version 1.5.0

load commands

setup_file() {
	export TOP=$BATS_FILE_TMPDIR
	export HOME=$TOP/home XDG_CACHE_HOME=$TOP/cache UNROLL_STORE=$TOP/runs.db
	mkdir -p "$HOME" "$TOP/work"
}

setup() {
	cd "$TOP/work"
}

RUN="--data task:recall,T=4000 --batch-size 2 --steps 2 --eval-tokens 4 --threads 1"

@test "where whole sequences do not fit, chunks do, and the plan says so first" {
	run -0 --separate-stderr "$UNROLL" train --arch lstm:1x32 $RUN --memory 8M --dry-run
	[[ $output == *"needs "*" of memory, "*" is free"* ]]
	[[ $output == *"chunks      "*" of "*" steps, each worked out twice: --chunk "*" repeats this run"* ]]
	[[ $output == *"memory      weights "*", optimiser "*", states "*", activations "*" of a chunk, "* ]]
	[[ $output == *"tokens "*"validation "* ]]
	[[ $output == *"--memory allows 7.6 MiB"* ]]
	[[ $output == *"time        about "*" a step, "*" in all, validation apart (predicted from sequences of "* ]]
	run -0 --separate-stderr "$UNROLL" train --arch lstm:1x32 $RUN --dry-run
	[[ $output != *"chunks "* && $output != *"predicted"* ]]
}

@test "too little memory is refused with the least that would do" {
	run -1 --separate-stderr "$UNROLL" train --arch lstm:1x512 $RUN --memory 8M -o m.safetensors
	[[ $stderr == *"even in chunks, 7.6 MiB is what --memory allows"* ]]
	[ ! -e m.safetensors ]
}

@test "--context makes room for the positions, in the spec of what needs it" {
	"$UNROLL" train --arch transformer:1x16,heads=2 $RUN --context 4001 --dry-run --json > plan.json
	[ "$(field plan.json "d['spec']")" = "transformer:1x16,heads=2,context=4001" ]
	"$UNROLL" train --arch transformer:1x16,context=64,heads=2 $RUN --context 4001 --dry-run --json > plan.json
	[ "$(field plan.json "d['spec']")" = "transformer:1x16,context=4001,heads=2" ]
	"$UNROLL" train --arch gru:1x16 $RUN --context 4001 --dry-run --json > plan.json
	[ "$(field plan.json "d['spec']")" = "gru:1x16" ]
	for i in $(seq 2000); do echo "line $i of a text"; done > text.txt
	"$UNROLL" train --arch gru:1x16 --data text.txt --context 2048 --batch-size 2 --dry-run --json -q > plan.json
	[ "$(field plan.json "d['recipe']['seq-len']")" = 2048 ]
	refuses 2 "context" train --arch transformer:1x16 --data text.txt --context 64 --seq-len 65 --dry-run
	printf 'a\tb\n' > pairs.tsv
	refuses 2 "models of one text" train --arch seq2seq:gru:1x8 --data pairs.tsv --context 64 --dry-run
}

@test "a run is repeated by its chunk, and goes on with it whatever memory there is" {
	"$UNROLL" train --arch gru:1x24 $RUN --memory 6M -o one.safetensors --json -q > one.json
	chunk=$(field one.json "d['recipe']['chunk']")
	[ "$chunk" -gt 0 ]
	"$UNROLL" train --arch gru:1x24 $RUN --chunk $chunk -o two.safetensors --json -q > two.json
	[ "$(field one.json "d['train_loss'], d['val_loss']")" = "$(field two.json "d['train_loss'], d['val_loss']")" ]
	"$UNROLL" train --arch gru:1x24 $RUN -o whole.safetensors --json -q > whole.json
	[ "$(field whole.json "d['recipe']['chunk']")" = 0 ]
	# the same training, to rounding
	[ "$(field one.json "round(d['val_loss'], 4)")" = "$(field whole.json "round(d['val_loss'], 4)")" ]

	"$UNROLL" train --resume $RUN --steps 3 -o one.safetensors --json -q > more.json
	[ "$(field more.json "d['recipe']['chunk']")" = "$chunk" ]
	[ "$(field more.json "d['steps']")" = 3 ]
	refuses 2 "had --chunk $chunk" train --resume $RUN --steps 4 --chunk 512 -o one.safetensors
}

@test "what cannot be had in chunks says so" {
	refuses 2 "leave out one of --chunk and --log-gradients" train --arch gru:1x24 $RUN --chunk 512 --log-gradients \
		-o g.safetensors
	printf 'a\tb\n' > pairs.tsv
	refuses 2 "trained on whole" train --arch seq2seq:gru:1x8 --data pairs.tsv --chunk 64 --dry-run
}
