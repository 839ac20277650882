#!/usr/bin/env bats
# The program as a user meets it. UNROLL is its path.

bats_require_minimum_version 1.5.0

load commands
SMALL="--batch-size 4 --seq-len 16"

setup_file() {
	export TOP=$BATS_FILE_TMPDIR
	export HOME=$TOP/home XDG_CACHE_HOME=$TOP/cache UNROLL_STORE=$TOP/runs.db
	mkdir -p "$HOME" "$TOP/work"
	cd "$TOP/work"
	# 60,000 bytes of words in sentences, the same on every machine
	awk 'BEGIN {
		split("the a old young king river house bird walks sleeps sings under over with green cold light and", word, " ")
		seed = 1
		while (bytes < 60000) {
			line = "The"
			for (i = 0; i < 9; i++) {
				seed = (seed * 1103515245 + 12345) % 2147483648
				line = line " " word[int(seed / 65536) % 18 + 1]
			}
			print line "."
			bytes += length(line) + 2
		}
	}' > corpus.txt
	"$UNROLL" train --arch gru:1x16 --data corpus.txt -o trained.safetensors $SMALL --steps 60 --eval-every 20 --json \
		> trained.json 2> trained.log
}

setup() {
	cd "$TOP/work"
}

verbs() { "$UNROLL" help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p'; }

# ---- help ----

@test "help, --help and -h are one text, and name every command" {
	run -0 "$UNROLL" help
	[[ $output == *"usage: unroll COMMAND"* ]]
	local help=$output
	run -0 "$UNROLL" --help
	[ "$output" = "$help" ]
	run -0 "$UNROLL" -h
	[ "$output" = "$help" ]
	for verb in train eval generate compare runs info help version; do
		verbs | grep -qx "$verb"
	done
}

@test "every command explains itself the same way three times" {
	for verb in $(verbs); do
		run -0 --separate-stderr "$UNROLL" "$verb" --help
		[[ $output == "unroll $verb: "* ]]
		[[ $output == *"usage: unroll $verb"* ]]
		[[ $output == *"examples:"*"  unroll "* ]]
		[ -z "$stderr" ]
		local help=$output
		run -0 "$UNROLL" help "$verb"
		[ "$output" = "$help" ]
		run -0 "$UNROLL" "$verb" -h
		[ "$output" = "$help" ]
	done
	# --help wins over whatever else is wrong
	run -0 "$UNROLL" train --bogus --steps x --help
}

@test "no line of help is wider than 90 columns, but for examples" {
	for verb in $(verbs); do
		"$UNROLL" "$verb" --help | sed '/^examples:/,$d' | awk 'length > 90 { print; bad = 1 } END { exit bad }'
	done
}

@test "the examples in the help texts run" {
	mkdir -p "$TOP/examples"
	cd "$TOP/examples"
	cp ../work/corpus.txt .
	printf 'The ' > prompt.txt
	awk 'BEGIN { for (i = 0; i < 200; i++) printf "ein hund %d\ta dog %d\n", i, i }' > pairs.tsv
	cut -f 1 pairs.tsv | head -n 3 > sources.txt
	# compare's take minutes each by design
	printf "to be\nor not\n" > events.txt
	for verb in train eval generate translate runs stream quantize info help version; do
		"$UNROLL" "$verb" --help | sed -n '/^examples:/,$ s/^  unroll //p' > lines
		[ -s lines ]
		while read -r line; do
			case $line in
			train*--epochs* | *--dry-run* | eval*task:*) ;;
			train*task:*) line="$line --steps 2 --batch-size 4" ;;
			train*) line="$line --steps 2 --batch-size 4 --seq-len 16" ;;
			eval*pairs*) line="$line --translate 3" ;;
			eval*) line="$line --tokens 2000" ;;
			esac
			echo "unroll $line"
			eval "\"\$UNROLL\" $line" > out 2> err < /dev/null || { cat err; false; }
			[ -s out ]
			case $line in *--json*) "$PYTHON" -m json.tool out > /dev/null ;; esac
		done < lines
	done
	[ -s model.safetensors ] && [ -s tuned.safetensors ] && [ -s pieces.safetensors ]
}

@test "help specs names every architecture, and each trains" {
	run -0 "$UNROLL" help specs
	[[ $output == *$'\n  attention='*$'\n    none '*$'\n    luong '*$'\n    bahdanau '* ]]
	[[ $output != *$'\n  luong '* && $output != *$'\n  bahdanau '* && $output != *cell=* ]]
	for arch in rnn gru lstm transformer; do
		[[ $output == *"$arch"* ]]
		"$UNROLL" train --arch $arch:1x16,context=16 --data corpus.txt -o "arch-$arch.safetensors" $SMALL --steps 2 -q
		"$UNROLL" generate -m "arch-$arch.safetensors" -n 40 -q > /dev/null
	done
}

@test "version" {
	run -0 "$UNROLL" --version
	[[ ${lines[0]} =~ ^unroll\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	"$UNROLL" version --json | "$PYTHON" -m json.tool > /dev/null
}

@test "help and version start at once" {
	local best=999999 from to
	for _ in $(seq 20); do
		from=${EPOCHREALTIME/[.,]/}
		"$UNROLL" --version > /dev/null
		to=${EPOCHREALTIME/[.,]/}
		[ $((to - from)) -lt $best ] && best=$((to - from))
	done
	echo "$best us"
	[ $best -lt 100000 ] # a few milliseconds without sanitizers
}

# ---- wrong calls: exit 2 ----

@test "no command, and unknown ones" {
	run -2 --separate-stderr "$UNROLL"
	[[ $stderr == usage:* ]]
	refuses 2 "no command 'trian'; did you mean 'train'" trian
	refuses 2 "no command 'zzzzzz'" zzzzzz
	refuses 2 "did you mean 'train'" help trian
}

@test "options: unknown, without value, no number, out of range, too much" {
	local t="train --arch gru:1x8 --data corpus.txt -o bad.safetensors"
	refuses 2 "no option --step; did you mean --steps\?.*try: unroll train --help" $t --step 3
	refuses 2 "no option --batch; did you mean --batch-size" $t --batch 3
	refuses 2 "no option --stpes; did you mean --steps" $t --stpes 3
	refuses 2 "no option --xyzzyplugh" $t --xyzzyplugh
	refuses 2 "no option -x" $t -x
	refuses 2 "two dashes: --steps" $t -steps 3
	refuses 2 "steps needs a value" $t --steps
	refuses 2 "steps needs a value.*--steps=--lr" $t --steps --lr 1
	refuses 2 "--steps 'abc': not a whole number" $t --steps abc
	refuses 2 "--steps '1.5': not a whole number" $t --steps=1.5
	refuses 2 "--steps '': not a whole number" $t --steps ''
	refuses 2 "--steps '99999999999999999999': not a whole number" $t --steps 99999999999999999999
	refuses 2 "--steps 0: it must be 1 to" $t --steps 0
	refuses 2 "--threads 5000: it must be 1 to 1,024" $t --threads 5000
	refuses 2 "--lr 'nan': not a number" $t --lr nan
	refuses 2 "--lr '1e-3x': not a number" $t --lr 1e-3x
	refuses 2 "--val 0.95: it must be 0 to 0.9" $t --val 0.95
	refuses 2 "--schedule 'linear': it must be one of" $t --schedule linear
	refuses 2 "beta1" $t --beta1 1
	refuses 2 "--quiet takes no value" $t --quiet=yes
	refuses 2 "'more.txt' is one argument too many" $t more.txt
	refuses 2 "'--steps' is one argument too many" $t -- --steps
	[ ! -e bad.safetensors ]
}

@test "options: every way to write one" {
	local t="train --dry-run --json --data corpus.txt"
	for way in "--arch gru:1x8 --steps 2000 --batch-size 4" "--arch=gru:1x8 --steps=2k -b 4" "-a gru:1x8 --steps 2e3 -b4" \
		"-agru:1x8 -qb4 --steps 7 --steps 2000"; do
		"$UNROLL" $t $way > ways.json
		[ "$(field ways.json "(d['spec'], d['recipe']['steps'], d['recipe']['batch-size'])")" = "('gru:1x8', 2000, 4)" ]
	done
}

@test "options that are missing, or do not go together" {
	refuses 2 "--data FILE is missing" train --arch gru:1x8 -o bad.safetensors
	refuses 2 "--arch SPEC is missing" train --data corpus.txt -o bad.safetensors
	refuses 2 "--out FILE is missing" train --arch gru:1x8 --data corpus.txt
	refuses 2 "not both" train --arch gru:1x8 --data corpus.txt -o bad.safetensors --steps 2 --epochs 2
	refuses 2 "goes with --vocab word" train --arch gru:1x8 --data corpus.txt -o bad.safetensors --vocab-size 100
	refuses 2 "goes with --vocab word" train --arch gru:1x8 --data corpus.txt -o bad.safetensors --vocab-min-count 2
	refuses 2 "byte, char, word, bpe" train --arch gru:1x8 --data corpus.txt -o bad.safetensors --vocab bytes
	refuses 2 "takes no size" train --arch gru:1x8 --data corpus.txt -o bad.safetensors --vocab char:9
	refuses 2 "257 to 65536" train --arch gru:1x8 --data corpus.txt -o bad.safetensors --vocab bpe --vocab-size 100
	refuses 2 "as in bpe:8000" train --arch gru:1x8 --data corpus.txt -o bad.safetensors --vocab bpe:8k
	refuses 2 "give one of them" train --arch gru:1x8 --data corpus.txt -o bad.safetensors --vocab bpe:300 --vocab-size 400
	refuses 2 "takes no least count" train --arch gru:1x8 --data corpus.txt -o bad.safetensors --vocab bpe --vocab-min-count 2
	refuses 2 "not both" generate -m trained.safetensors --prompt a --prompt-file corpus.txt
	refuses 2 "--model FILE is missing" generate
	refuses 2 "give a model file, or --spec" info
	refuses 2 "one model file, or --spec" info trained.safetensors --spec gru:1x8
}

@test "bad specs, with an arrow under the place" {
	refuses 2 $'lstn:1x8\n  \\^\ntry: unroll help specs' train --arch lstn:1x8 --data corpus.txt -o bad.safetensors
	refuses 2 $'  gru:1y8\n       \\^' train --arch gru:1y8 --data corpus.txt -o bad.safetensors
	refuses 2 $'  gru:1x8,bogus=1\n          \\^' info --spec gru:1x8,bogus=1
}

# ---- bad input ----

@test "data: missing, empty, too short, a folder, no UTF-8" {
	local t="train --arch gru:1x8 -o bad.safetensors --steps 2"
	mkdir -p folder
	: > empty
	printf T > one
	printf 'hello \xff\n' > latin
	refuses 1 "nowhere.txt.*No such file" $t --data nowhere.txt
	refuses 1 "folder is a directory" $t --data folder
	refuses 1 "not a regular file" $t --data /dev/null
	refuses 2 "empty is empty" $t --data empty
	refuses 2 "too few" $t --data one
	refuses 2 "invalid UTF-8 at byte 6" $t --data latin --vocab char
	[ ! -e bad.safetensors ]
	refuses 1 "nowhere.txt.*No such file" eval -m trained.safetensors -d nowhere.txt
	refuses 2 "too few" eval -m trained.safetensors -d one
}

@test "data that is not UTF-8 is read as bytes, and that is said" {
	head -c 20000 "$UNROLL" > binary
	run -0 --separate-stderr "$UNROLL" train --arch gru:1x8 --data binary -o binary.safetensors $SMALL --steps 2
	[[ $stderr == *"byte, 256 tokens (the text is not valid UTF-8)"* ]]
	"$UNROLL" generate -m binary.safetensors -n 20 --json -q | "$PYTHON" -m json.tool > /dev/null
}

@test "models: missing, a folder, no model, cut short, changed" {
	head -c 2000 trained.safetensors > cut.safetensors
	sed 's/gru:1x16/gru:1x99/' trained.safetensors > other.safetensors
	for verb in "generate -m" "info" "eval -d corpus.txt -m"; do
		refuses 1 "nothing.safetensors" $verb nothing.safetensors
		refuses 1 "folder|directory" $verb .
		refuses 2 "corpus.txt" $verb corpus.txt
		refuses 2 "cut.safetensors" $verb cut.safetensors
		refuses 2 "other.safetensors" $verb other.safetensors
	done
	refuses 2 "no model|not a model|metadata" info trained.ckpt.safetensors
}

@test "prompts the vocabulary lacks, or that cannot be read" {
	refuses 2 "U\+00DF at byte 3" generate -m trained.safetensors --prompt 'TheßThe'
	refuses 1 "nowhere" generate -m trained.safetensors --prompt-file nowhere
	refuses 1 "[Dd]irectory" generate -m trained.safetensors --prompt-file .
}

@test "places a model must not or cannot go" {
	local t="train --arch gru:1x8 --data corpus.txt --steps 2 $SMALL"
	cp corpus.txt precious.txt
	refuses 1 "no directory 'no'" $t -o no/such.safetensors
	refuses 1 "is a directory" $t -o .
	refuses 2 "is the data itself" $t -o corpus.txt
	refuses 2 "exists and is no model" $t -o precious.txt
	cmp corpus.txt precious.txt
}

@test "names cannot steer the terminal" {
	run -1 --separate-stderr "$UNROLL" info $'\e[31mred'
	[[ $stderr == *'\x1B[31mred'* ]]
	[[ $stderr != *$'\e'* ]]
}

@test "kernels that are not there" {
	UNROLL_CPU=nonsense refuses 2 "UNROLL_CPU is 'nonsense'; this processor can run: c" info trained.safetensors
}

# ---- what works ----

@test "train: one JSON object, progress apart" {
	[ "$(field trained.json "(d['spec'], d['steps'], d['vocabulary'], d['best_loss'] < 3, d['stopped_early'])")" = \
		"('gru:1x16', 60, 'char', True, False)" ]
	grep -q "gru:1x16, .* parameters" trained.log
	grep -q "needs .* of memory, .* is free" trained.log
	grep -q "step 40: validation loss" trained.log
	run -0 --separate-stderr "$UNROLL" train --arch gru:1x8 --data corpus.txt -o quiet.safetensors $SMALL --steps 2 -q
	[ -z "$stderr" ]
	[[ $output == *"validation loss "*" bits a byte"*" generate --model quiet.safetensors --prompt "* ]]
	# the command it suggests runs
	eval "${output##*try}" > /dev/null 2>&1
}

@test "eval gives the loss that training gave" {
	"$UNROLL" eval --model trained.safetensors --data corpus.txt --json > eval.json
	"$PYTHON" -c 'import json; a = json.load(open("trained.json")); b = json.load(open("eval.json"))
assert abs(a["best_loss"] - b["loss"]) < 1e-6 and abs(a["bits_per_byte"] - b["bits_per_byte"]) < 1e-6, (a, b)
assert b["tokens"] == a["scored"] and b["part"] == "val"'
	run -0 "$UNROLL" eval -m trained.safetensors -d corpus.txt --part all
	[[ $output == *"nats a token"*"bits"*"a byte"* ]]
}

@test "generate: the same seed gives the same text, streamed or as JSON" {
	run -0 --separate-stderr "$UNROLL" generate -m trained.safetensors --prompt 'The ' -n 60 --seed 5
	[[ $output == "The "* ]]
	[[ $stderr == *"60 tokens in "*"--seed 5"* ]]
	local text=$output
	run -0 "$UNROLL" generate -m trained.safetensors --prompt 'The ' -n 60 --seed 5 --no-echo -q
	[ "The $output" = "$text" ]
	"$UNROLL" generate -m trained.safetensors --prompt 'The ' -n 60 --seed 5 --json > text.json
	[ "$(field text.json "d['prompt'] + d['text']")" = "$text" ]
	[ "$(field text.json "(d['tokens'], d['seed'])")" = "(60, 5)" ]
	printf 'The ' | "$UNROLL" generate -m trained.safetensors --prompt-file - -n 60 --seed 5 -q > text
	[ "$(cat text)" = "$text" ]
	run -0 "$UNROLL" generate -m trained.safetensors --prompt 'The ' -n 20 --temp 0 -q
	local greedy=$output
	run -0 "$UNROLL" generate -m trained.safetensors --prompt 'The ' -n 20 --top-k 1 --seed 9 -q
	[ "$output" = "$greedy" ]
	"$UNROLL" generate -m trained.safetensors --prompt 'The ' -n 5000 --stop e -q --no-echo > text
	[ "$(tr -cd e < text)" = e ] && [ "$(tail -c 1 text)" = e ]
}

@test "info: of a file and of a spec" {
	"$UNROLL" info trained.safetensors --json > info.json
	[ "$(field info.json "(d['spec'], d['vocabulary'], d['limit'], d['metadata']['unroll.recipe']['steps'])")" = \
		"('gru:1x16', 'char', None, 60)" ]
	[ "$(field info.json "sum(t['count'] for t in d['tensors']) - d['parameters']")" = 0 ]
	[ "$(field info.json "d['file_bytes']")" = "$(stat -c %s trained.safetensors)" ]
	run -0 "$UNROLL" info --model trained.safetensors
	[[ $output == *"spec         gru:1x16"*"with         unroll train --arch gru:1x16"*"rnn.weight_ih_l0"*"in all"* ]]
	# 4 x 2 x 256 x (256 + 256 + 2), embedding and head
	"$UNROLL" info --spec lstm:2x256 --vocab-size 65 --json > info.json
	[ "$(field info.json "d['parameters']")" = $((2 * 4 * 256 * 514 + 65 * 256 + 65 * 257)) ]
	"$UNROLL" info --spec transformer:2x32,context=64 --json --position 1 > one.json
	"$UNROLL" info --spec transformer:2x32,context=64 --json --position 64 > all.json
	# two layers keep a key and a value of 32 floats a step
	[ $(($(field all.json "d['state_bytes_used']") - $(field one.json "d['state_bytes_used']"))) -eq $((63 * 2 * 2 * 32 * 4)) ]
	refuses 2 "ends after 64 steps" info --spec transformer:2x32,context=64 --position 65
	# far beyond any memory, and still an answer
	run -0 "$UNROLL" info --spec lstm:512x65536
}

@test "train --dry-run says what it takes and writes nothing; too much is refused" {
	run -0 --separate-stderr "$UNROLL" train --arch lstm:2x256 --data corpus.txt -o dry.safetensors --dry-run
	[[ $output == *"parameters"*"needs "*" is free"* ]]
	[ -z "$stderr" ]
	[ ! -e dry.safetensors ]
	run -1 --separate-stderr "$UNROLL" train --arch lstm:200x20000 --data corpus.txt -o dry.safetensors
	[[ $stderr == *"needs "*" is free; make --batch-size or --seq-len smaller"* ]]
	[ ! -e dry.safetensors ]
}

@test "train --profile accounts for the time" {
	"$UNROLL" train --arch gru:1x8 --data corpus.txt -o profile.safetensors $SMALL --steps 20 -q --profile > profile
	grep -q "^mixer " profile && grep -q "^in all " profile && grep -q "GFLOP/s" profile
	"$UNROLL" train --arch gru:1x8 --data corpus.txt -o profile.safetensors $SMALL --steps 20 -q --profile --json > profile.json
	[ "$(field profile.json "sum(o['seconds'] for o in d['profile']['operations']) <= d['profile']['seconds']")" = True ]
	[ "$(field profile.json "d['profile']['peak_flops'] > 1e8")" = True ]
}

@test "train --from goes on from a model, with its spec and vocabulary" {
	"$UNROLL" train --from trained.safetensors --data corpus.txt -o tuned.safetensors $SMALL --steps 60 --json -q > tuned.json
	"$PYTHON" -c 'import json; a = json.load(open("trained.json")); b = json.load(open("tuned.json"))
assert b["spec"] == a["spec"] and b["best_loss"] < a["best_loss"], (a, b)'
	refuses 2 "of gru:1x16, not of lstm:1x8" train --from trained.safetensors --arch lstm:1x8 --data corpus.txt -o t.safetensors
	printf '%2000s' 'straße' > foreign
	refuses 2 "U\+00DF" train --from trained.safetensors --data foreign -o t.safetensors $SMALL
}

@test "word vocabularies go all the way round" {
	"$UNROLL" train --arch gru:1x16 --data corpus.txt -o word.safetensors $SMALL --steps 20 --vocab word --vocab-size 15 -q
	run -0 "$UNROLL" generate -m word.safetensors --prompt 'The old king' -n 10 -q
	[[ $output == *"old king "* ]]
	"$UNROLL" eval -m word.safetensors -d corpus.txt > /dev/null
	# resuming needs no reminder of the vocabulary
	"$UNROLL" train --resume --data corpus.txt -o word.safetensors --steps 24 --json -q > word.json
	[ "$(field word.json "(d['vocabulary'], d['vocabulary_size'], d['steps'])")" = "('word', 15, 24)" ]
}

@test "bpe vocabularies go all the way round, and a least count makes characters unknown" {
	"$UNROLL" train --arch gru:1x16 --data corpus.txt -o pairs.safetensors $SMALL --steps 20 --vocab bpe:300 --json -q > pairs.json
	[ "$(field pairs.json "(d['vocabulary'], d['vocabulary_size'], d['steps'])")" = "('bpe', 300, 20)" ]
	run -0 "$UNROLL" generate -m pairs.safetensors --prompt $'The old \xff king' -n 10 -q
	[[ $output == *"king"* ]]
	"$UNROLL" eval -m pairs.safetensors -d corpus.txt --json > eval.json
	[ "$(field eval.json "1 < d['bits_per_byte'] < 8")" = True ]
	"$UNROLL" train --resume --data corpus.txt -o pairs.safetensors --steps 24 --json -q > pairs.json
	[ "$(field pairs.json "(d['vocabulary'], d['vocabulary_size'], d['steps'])")" = "('bpe', 300, 24)" ]
	# a T begins each line: about 1,200 of them
	"$UNROLL" train --arch gru:1x16 --data corpus.txt -o rare.safetensors $SMALL --steps 5 --vocab char --vocab-min-count 3k -q
	run -0 "$UNROLL" generate -m rare.safetensors --prompt 'The wé' -n 5 -q
	[[ $output == $'\xEF\xBF\xBD'he\ *$'\xEF\xBF\xBD'* ]]
}

# ---- stopping and going on ----

@test "SIGTERM: a checkpoint, a hint, and --resume ends with the same weights" {
	local t="train --arch gru:1x16 --data corpus.txt $SMALL --steps 3000 --eval-every 200 --threads 1"
	"$UNROLL" $t -o whole.safetensors -q > whole.out
	"$UNROLL" $t -o halves.safetensors 2> halves.log 3>&- &
	local pid=$!
	wait_for halves.safetensors
	kill -TERM $pid
	ended $pid 143
	grep -q "stopped after step .* of 3,000" halves.log
	[ -s halves.ckpt.safetensors ]
	# it is not written over by accident
	refuses 2 "stopped at step .* of 3,000: --resume goes on" $t -o halves.safetensors
	refuses 2 "had --steps 3000, now 2" $t -o halves.safetensors --resume --steps 2 -q
	# the very command that was suggested
	eval "$(grep -- --resume halves.log)" > halves.out 2> /dev/null
	[ "$(grep "^validation" halves.out)" = "$(grep "^validation" whole.out)" ]
	"$PYTHON" - whole.safetensors halves.safetensors <<-'END'
		import json, struct, sys
		def data(path):
		    raw = open(path, "rb").read()
		    return raw[8 + struct.unpack("<Q", raw[:8])[0]:]
		assert data(sys.argv[1]) == data(sys.argv[2])
	END
	# what is finished may be begun anew
	"$UNROLL" $t -o halves.safetensors --steps 2 -q > /dev/null
}

@test "SIGINT ends with 130 and a checkpoint; settings need not be repeated to resume" {
	run timeout --preserve-status -s INT 3 "$UNROLL" train --arch gru:1x16 --data corpus.txt -o int.safetensors $SMALL \
		--steps 1000000 --eval-every 0 --seed 7
	[ "$status" -eq 130 ]
	[[ $output == *"stopping after this step"*"To go on:"*"--resume"* ]]
	[ -s int.ckpt.safetensors ]
	[ ! -e int.safetensors ]
	"$UNROLL" train --resume --data corpus.txt -o int.safetensors --dry-run --json > int.json
	[ "$(field int.json "(d['spec'], d['recipe']['seed'], d['recipe']['batch-size'], d['recipe']['steps'])")" = \
		"('gru:1x16', 7, 4, 1000000)" ]
	"$UNROLL" train --arch gru:1x16 --data corpus.txt -o int.safetensors $SMALL --steps 2 --overwrite -q > /dev/null
	[ -s int.safetensors ]
}

@test "SIGKILL: what was saved stays, and --resume works" {
	local t="train --arch gru:1x16 --data corpus.txt $SMALL --steps 1500 --checkpoint-every 20 --eval-every 0"
	"$UNROLL" $t -o killed.safetensors -q 3>&- &
	local pid=$!
	wait_for killed.ckpt.safetensors
	kill -KILL $pid
	ended $pid 137
	"$UNROLL" $t -o killed.safetensors --resume -q > /dev/null
	"$UNROLL" info killed.safetensors > /dev/null
}

@test "resuming from nothing, and from another run" {
	local t="train --arch gru:1x8 --data corpus.txt $SMALL"
	refuses 1 "no checkpoint none.ckpt.safetensors" $t -o none.safetensors --resume
	"$UNROLL" $t -o else.safetensors --steps 4 -q > /dev/null
	refuses 2 "gru:1x8.*gru:1x9" train --arch gru:1x9 --data corpus.txt $SMALL -o else.safetensors --steps 4 --resume -q
	refuses 2 "had --lr" $t -o else.safetensors --steps 4 --lr 0.5 --resume -q
	refuses 2 "another part of the data" $t -o else.safetensors --steps 4 --val 0.3 --resume -q
	head -c 30000 corpus.txt > half.txt
	refuses 2 "other data" train --arch gru:1x8 --data half.txt $SMALL -o else.safetensors --steps 4 --resume -q
	cp corpus.txt broken.ckpt.safetensors
	refuses 2 "broken.ckpt.safetensors" $t -o broken.safetensors --steps 4
}

@test "data that shrinks while it is trained on" {
	head -c 200000 /dev/zero | tr '\0' 'a' > shrinking
	"$UNROLL" train --arch gru:1x8 --data shrinking --vocab byte --windows random $SMALL --steps 10000000 --eval-every 0 \
		--checkpoint-every 20 -o shrunk.safetensors 2> shrunk.log 3>&- &
	local pid=$!
	wait_for shrunk.ckpt.safetensors
	truncate -s 100 shrinking
	ended $pid 1
	grep -q "unroll train: shrinking" shrunk.log
	[ -s shrunk.ckpt.safetensors ]
}

# ---- pipes ----

@test "a reader that goes away ends things quietly" {
	set -o pipefail
	run --separate-stderr bash -c "set -o pipefail; '$UNROLL' generate -m trained.safetensors -n 1000000 -q | head -c 10"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	run -0 bash -c "set -o pipefail; '$UNROLL' help train | head -n 1"
	# training outlives its progress
	"$UNROLL" train --arch gru:1x8 --data corpus.txt -o piped.safetensors $SMALL --steps 100 --eval-every 1 2>&1 > /dev/null \
		3>&- | head -n 2 > /dev/null
	grep -aqF '\"step\":100,' piped.ckpt.safetensors
}

@test "a full disk is an error" {
	[ -e /dev/full ] || skip "no /dev/full"
	for line in "--version" "help" "info trained.safetensors" "generate -m trained.safetensors -n 10 -q" \
		"eval -m trained.safetensors -d corpus.txt -q"; do
		run bash -c "'$UNROLL' $line 2>&1 > /dev/full"
		[ "$status" -eq 1 ]
		[[ $output == *"standard output: No space left on device"* ]]
	done
}
