#!/usr/bin/env bats
# Pairs as a user meets them: trained, translated, evaluated, stopped and refused. UNROLL is the program's path.

bats_require_minimum_version 1.5.0

load commands
ARCH=seq2seq:gru:1x32,attention=bahdanau,encoder=bi
LEARN="-t 1 --steps 200 --lr 1e-2 --batch-size 32 --eval-every 100"

setup_file() {
	export TOP=$BATS_FILE_TMPDIR
	export HOME=$TOP/home XDG_CACHE_HOME=$TOP/cache UNROLL_STORE=$TOP/runs.db
	mkdir -p "$HOME" "$TOP/work"
	cd "$TOP/work"
	# words of 2 to 5 letters and the same from their end, the same on every machine; then sentences of six words, each
	# word put into other letters
	awk 'function draw(n) { seed = (seed * 1103515245 + 12345) % 2147483648; return int(seed / 65536) % n }
	BEGIN {
		seed = 1
		for (i = 0; i < 1200; i++) {
			s = t = ""
			for (n = 2 + draw(4); n > 0; n--) {
				c = substr("abcdef", draw(6) + 1, 1)
				s = s c
				t = c t
			}
			print s "\t" t
		}
	}' > pairs.tsv
	awk 'function draw(n) { seed = (seed * 1103515245 + 12345) % 2147483648; return int(seed / 65536) % n }
	BEGIN {
		split("der alte junge mann hund schläft läuft", from, " ")
		split("the old young man dog sleeps runs", to, " ")
		seed = 7
		for (i = 0; i < 300; i++) {
			s = t = ""
			for (n = 4 + draw(4); n > 0; n--) {
				k = draw(7) + 1
				s = s (s ? " " : "") from[k]
				t = t (t ? " " : "") to[k]
			}
			print s "\t" t
		}
	}' > words.tsv
	head -n 1000 pairs.tsv > train.tsv
	tail -n 200 pairs.tsv > held.tsv
	for part in train held; do
		cut -f 1 $part.tsv > $part.source
		cut -f 2 $part.tsv > $part.target
	done
	"$UNROLL" train --arch $ARCH --data train.tsv -o trained.safetensors $LEARN --json > trained.json 2> trained.log
	# one without attention, with a context, and of texts
	"$UNROLL" train --arch seq2seq:lstm:1x8 --data train.tsv -o state.safetensors --steps 3 --no-store -t 1 -q > state.out
	"$UNROLL" train --arch seq2seq:transformer:1x16,heads=2,context=6 --data train.tsv -o short.safetensors --steps 3 \
		--no-store -t 1 -q > short.out
	"$UNROLL" train --arch gru:1x8 --data train.source -o text.safetensors --steps 3 --seq-len 16 --no-store -t 1 -q > text.out
}

setup() {
	cd "$TOP/work"
}

# Runs it and checks the exit code, the whole of what it says on standard error's first line, and that a wrong call
# leaves standard output empty.
refuses() {
	local code=$1 says=$2
	shift 2
	run --separate-stderr "$UNROLL" "$@"
	echo "unroll $*: exit $status"
	echo "$stderr"
	[ "$status" -eq "$code" ]
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = "unroll $1: $says" ]
}

# ---- training ----

@test "train on lines of SOURCE, tab, TARGET" {
	[ "$(field trained.json "(d['spec'], d['steps'], d['vocabulary'], d['source_vocabulary'], d['best_loss'] < 0.1)")" = \
		"('$ARCH', 200, 'char', 'char', True)" ]
	[ "$(field trained.json "(d['train_pairs'] + d['val_pairs'], 60 < d['val_pairs'] < 140)")" = "(1000, True)" ]
	grep -q "^data        train.tsv: .* pairs to train on, .* to validate" trained.log
	grep -q "source char, 8 tokens; target char, 8 tokens" trained.log
	# what it suggests is a way to go on
	grep -q "^try .*translate --model state.safetensors" state.out
	# the store has it
	"$UNROLL" runs --json > runs.json
	grep -q "$ARCH" runs.json
}

@test "train on two files, validate on two others: the same pairs give the same weights" {
	"$UNROLL" train --arch $ARCH --data train.tsv --val-data held.tsv -o one.safetensors --steps 20 --json -q \
		--no-store -t 1 > one.json
	"$UNROLL" train --arch $ARCH --data train.source --target train.target --val-data held.source \
		--val-target held.target -o two.safetensors --steps 20 --json -q --no-store -t 1 > two.json
	[ "$(field one.json "(d['train_pairs'], d['val_pairs'])")" = "(1000, 200)" ]
	[ "$(field two.json "(d['train_pairs'], d['val_pairs'])")" = "(1000, 200)" ]
	"$PYTHON" - one two <<-'END'
		import json, struct, sys
		def data(name):
		    raw = open(name + ".safetensors", "rb").read()
		    return raw[8 + struct.unpack("<Q", raw[:8])[0]:]
		assert data(sys.argv[1]) == data(sys.argv[2])
		a, b = (json.load(open(n + ".json")) for n in sys.argv[1:])
		assert a["best_loss"] == b["best_loss"], (a, b)
	END
	# and eval of those pairs is what training validated
	"$UNROLL" eval -m two.safetensors --data held.source --target held.target --part all --translate 0 --json > eval.json
	[ "$(field eval.json "abs(d['loss'] - $(field two.json "d['best_loss']")) < 1e-6")" = True ]
}

@test "sources and targets may be of other vocabularies" {
	"$UNROLL" train --arch $ARCH --data words.tsv --source-vocab byte --vocab word -o mixed.safetensors --steps 10 \
		--json -q --no-store -t 1 > mixed.json
	[ "$(field mixed.json "(d['source_vocabulary'], d['source_vocabulary_size'], d['vocabulary'])")" = \
		"('byte', 256, 'word')" ]
	# bytes lack nothing
	"$UNROLL" translate -m mixed.safetensors $'\xff\x01 der' -q > out
	[ "$(wc -l < out)" = 1 ]
	"$UNROLL" info mixed.safetensors --json | "$PYTHON" -m json.tool > /dev/null
}

@test "words and byte pairs go all the way round" {
	for kind in bpe:300 word; do
		"$UNROLL" train --arch $ARCH --data words.tsv --vocab $kind -o kind.safetensors --steps 120 --lr 1e-2 \
			--batch-size 32 --overwrite --json -q --no-store -t 1 > kind.json
		[ "$(field kind.json "(d['vocabulary'], d['source_vocabulary'])")" = "('${kind%:*}', '${kind%:*}')" ]
		# four words and more: here BLEU says something
		"$UNROLL" eval -m kind.safetensors -d words.tsv --part all --json > eval.json
		[ "$(field eval.json "all(b['bleu'][1] <= b['bleu'][0] <= b['bleu'][2]
			for b in d['translations']['by_source_length'])")" = True ]
	done
	"$UNROLL" translate -m kind.safetensors 'der alte mann schläft läuft' -q > out
	[ "$(cat out)" = "the old man sleeps runs" ]
	[ "$(field eval.json "d['translations']['bleu'] > 50")" = True ]
	run -0 "$UNROLL" eval -m kind.safetensors -d words.tsv --part all -q
	[[ $output =~ BLEU\ +[1-9][0-9.]+$'\n' ]]
	[[ $output =~ [0-9]\ \[[\ 0-9.]+,\ [\ 0-9.]+\]$'\n' ]]
	# what a vocabulary of words lacks is its unknown token
	"$UNROLL" translate -m kind.safetensors 'der blaue mann' -q > out
	[ "$(wc -l < out)" = 1 ]
}

@test "train --dry-run tells of pairs and writes nothing" {
	"$UNROLL" train --arch $ARCH --data train.tsv -o dry.safetensors --dry-run --json > dry.json
	[ "$(field dry.json "(d['spec'], d['source_vocabulary'], d['train_pairs'] + d['val_pairs'])")" = \
		"('$ARCH', 'char', 1000)" ]
	run -0 --separate-stderr "$UNROLL" train --arch $ARCH --data train.tsv -o dry.safetensors --dry-run
	[[ $output == *"train.tsv: "*" pairs to train on, "*" to validate"*"each side at most"* ]]
	[ -z "$stderr" ]
	[ ! -e dry.safetensors ]
}

@test "a model of pairs is trained on from" {
	"$UNROLL" train --from state.safetensors --data held.tsv -o tuned.safetensors --steps 2 --json -q --no-store -t 1 > tuned.json
	[ "$(field tuned.json "d['spec']")" = seq2seq:lstm:1x8 ]
	refuses 2 "--from has a model with its own vocabularies: leave out --source-vocab" train --from state.safetensors \
		--source-vocab byte --data held.tsv -o t.safetensors
}

@test "stopped or killed, --resume ends with the same model file" {
	local t="train --arch seq2seq:lstm:2x32,dropout=0.1 --data train.tsv -o model.safetensors --steps 400 --batch-size 16 --eval-every 100
		--threads 1 --no-store --checkpoint-every 40"
	mkdir -p whole halves killed
	# the command is in the model file
	(cd whole && ln -sf ../train.tsv . && "$UNROLL" $t > out 2> log)
	(cd halves && ln -sf ../train.tsv . && exec "$UNROLL" $t 2> log 3>&-) &
	local pid=$!
	wait_for halves/model.ckpt.safetensors
	kill -TERM $pid
	ended $pid 143
	grep -q "stopped after step .* of 400" halves/log
	! cmp -s whole/model.safetensors halves/model.safetensors
	(cd halves && eval "$(grep -- --resume log)" > out 2> /dev/null)
	cmp whole/model.safetensors halves/model.safetensors
	(cd killed && ln -sf ../train.tsv . && exec "$UNROLL" $t 2> log 3>&-) &
	pid=$!
	wait_for killed/model.ckpt.safetensors
	kill -KILL $pid
	ended $pid 137
	(cd killed && "$UNROLL" $t --resume > out 2> log)
	cmp whole/model.safetensors killed/model.safetensors
	# other pairs are not gone on with
	(cd killed && rm train.tsv && sort ../train.tsv > train.tsv)
	cd killed
	run -2 --separate-stderr "$UNROLL" $t --resume --steps 600 -q
	[[ $stderr == *"of a run on other data"* || $stderr == *"other data"* || $stderr == *"had --steps 400"* ]]
}

# ---- translating ----

@test "translate: from arguments and from lines, in order, however many at once" {
	run -0 --separate-stderr "$UNROLL" translate -m trained.safetensors abc fed ab
	[ "$output" = $'cba\ndef\nba' ]
	[[ $stderr == "3 sources in "*" tokens a second" ]]
	"$UNROLL" translate -m trained.safetensors -q < held.source > all.out 2> all.err
	[ ! -s all.err ]
	[ "$(wc -l < all.out)" = 200 ]
	# it has learnt to reverse, and line i is of source i
	[ "$(paste all.out held.target | awk '$1 == $2' | wc -l)" -gt 180 ]
	for batch in 1 3 199 200 4096; do
		"$UNROLL" translate -m trained.safetensors -q -b $batch < held.source | cmp - all.out
	done
	"$UNROLL" translate -m trained.safetensors -q --threads 1 < held.source | cmp - all.out
	"$UNROLL" translate -m trained.safetensors -q -b 7 $(cat held.source) | cmp - all.out
	# greedy is another search, and another of the two is no surprise; the loss of a line end is none
	printf 'abc\r\nfed' | "$UNROLL" translate -m trained.safetensors -q --beam 1 > out
	[ "$(cat out)" = $'cba\ndef' ]
}

@test "translate: nothing, empty lines, unknown characters, lengths" {
	run -0 --separate-stderr "$UNROLL" translate -m trained.safetensors < /dev/null
	[ -z "$output" ]
	[[ $stderr == "0 sources"* ]]
	printf '\nab\n\n' | "$UNROLL" translate -m trained.safetensors -q > out
	[ "$(wc -l < out)" = 3 ]
	[ "$(sed -n 2p out)" = ba ]
	printf 'xyz\nä€\n\nab\n' | "$UNROLL" translate -m trained.safetensors -q > out
	[ "$(wc -l < out)" = 4 ]
	[ "$(sed -n 4p out)" = ba ]
	"$UNROLL" translate -m trained.safetensors -q --max-tokens 2 abcde --json > out
	[ "$(field out "(d['translation'], d['tokens'], d['ended'])")" = "('ed', 2, False)" ]
	# a long one among short ones
	(cat held.source; printf 'abcdef%.0s' {1..40}; echo; cat held.source) |
		"$UNROLL" translate -m trained.safetensors -q > long.out
	[ "$(wc -l < long.out)" = 401 ]
	"$UNROLL" translate -m trained.safetensors -q < held.source > all.out
	head -n 200 long.out | cmp - all.out
	tail -n 200 long.out | cmp - all.out
}

@test "translate --json: an object a line, with attention where it is asked for" {
	printf 'abc\nfade\n' | "$UNROLL" translate -m trained.safetensors --json --show-attention > out 2> err
	[ ! -s err ]
	"$PYTHON" - <<-'END'
		import json
		a, b = map(json.loads, open("out"))
		assert (a["source"], a["translation"], b["source"], b["translation"]) == ("abc", "cba", "fade", "edaf"), (a, b)
		for d in (a, b):
		    assert d["source_tokens"] == list(d["source"]) + [None], d
		    assert d["translation_tokens"] == list(d["translation"]) + [None] and d["ended"] is True, d
		    assert d["tokens"] == len(d["translation"]) and d["log_probability"] < 0, d
		    assert len(d["attention"]) == d["tokens"] + 1
		    for row in d["attention"]:
		        assert len(row) == len(d["source_tokens"]) and abs(sum(row) - 1) < 1e-4, row
		# what it says of the first is the last letter's
		assert max(range(4), key=lambda j: a["attention"][0][j]) in (1, 2, 3), a
	END
	"$UNROLL" translate -m trained.safetensors --json abc > out
	[ "$(field out "sorted(d)")" = "['ended', 'log_probability', 'source', 'tokens', 'translation']" ]
	"$UNROLL" translate -m trained.safetensors --json $'a\x01€"' > out
	"$PYTHON" -m json.tool out > /dev/null
}

@test "translate --show-attention: a picture under each translation" {
	run -0 --separate-stderr "$UNROLL" translate -m trained.safetensors --show-attention -q abc
	[ "${lines[0]}" = cba ]
	[ "${lines[1]}" = "                a b c end" ]
	[ "${#lines[@]}" = 6 ]
	[[ ${lines[2]} =~ ^\ {13}c\ .\ *.\ .\ ... ]]
	[[ ${lines[5]} == "           end "* ]]
	"$UNROLL" translate -m short.safetensors --show-attention -q abc > out
	[ "$(head -n 2 out | tail -n 1)" = "                a b c end" ]
	# no half of a character, and bytes that are none by their number
	"$UNROLL" train --arch $ARCH --data words.tsv --vocab byte -o bytes.safetensors --steps 1 -q --no-store -t 1 > /dev/null
	"$UNROLL" translate -m bytes.safetensors --max-tokens 2 --show-attention -q 'lä' > out
	grep -qF "l <C3> <A4> end" out
	tail -n +2 out | iconv -f UTF-8 -t UTF-8 > /dev/null
}

@test "translate: what is refused" {
	refuses 2 "seq2seq:lstm:1x8 has no attention to show: its decoder knows the source by the encoder's final state alone" \
		translate -m state.safetensors --show-attention abc
	refuses 2 "gru:1x8 is a model of texts, not of pairs: see unroll generate" translate -m text.safetensors abc
	refuses 2 "--model FILE is missing" translate abc
	refuses 2 "--beam 65: it must be 1 to 64" translate -m trained.safetensors --beam 65 abc
	refuses 2 "--beam 0: it must be 1 to 64" translate -m trained.safetensors --beam 0 abc
	refuses 2 "--length-penalty 11: it must be 0 to 10" translate -m trained.safetensors --length-penalty 11 abc
	refuses 1 "nothing.safetensors: there is no such file" translate -m nothing.safetensors abc
	refuses 2 "source 1: invalid UTF-8 at byte 1 (0xFF): use --vocab byte or convert the file to UTF-8" \
		translate -m trained.safetensors $'a\xff' abc
	refuses 2 "source 1 has 6 tokens; this model takes at most 5" translate -m short.safetensors abcdef
	"$UNROLL" translate -m short.safetensors abcde -q > /dev/null
	# what came before is answered, however many at once, and the number is the line's
	for batch in 1 2 32; do
		run --separate-stderr bash -c "printf 'ab\nabc\nabcdef\nab\n' | '$UNROLL' translate -m short.safetensors -b $batch |
			wc -l; exit \${PIPESTATUS[1]}"
		[ "$status" -eq 2 ]
		[ "$output" = 2 ]
		[ "$stderr" = "unroll translate: source 3 has 6 tokens; this model takes at most 5" ]
	done
	run --separate-stderr "$UNROLL" translate -m trained.safetensors abc $'a\xff' ab
	[ "$status" -eq 2 ]
	[ "$output" = cba ]
	[[ $stderr == "unroll translate: source 2: invalid UTF-8 at byte 1 (0xFF)"* ]]
}

@test "translate: an interrupt ends it, a reader may leave, a full disk is an error" {
	mkfifo pipe
	"$UNROLL" translate -m trained.safetensors -b 1 < pipe > out 2> err 3>&- &
	local pid=$!
	exec 9> pipe
	echo abc >&9
	for _ in $(seq 100); do [ -s out ] && break; sleep 0.05; done
	[ "$(cat out)" = cba ]
	kill -TERM $pid
	ended $pid 143
	exec 9>&-
	run bash -c "set -o pipefail; yes abc | head -n 100000 | '$UNROLL' translate -m trained.safetensors -q | head -n 1"
	[ "$output" = cba ]
	[ -e /dev/full ] || skip "no /dev/full"
	run bash -c "'$UNROLL' translate -m trained.safetensors -q abc 2>&1 > /dev/full"
	[ "$status" -eq 1 ]
	[[ $output == *"standard output: No space left on device"* ]]
}

# ---- evaluating ----

@test "eval: the loss of training, and translations as translate has them" {
	"$UNROLL" eval -m trained.safetensors -d train.tsv --json > eval.json
	[ "$(field eval.json "abs(d['loss'] - $(field trained.json "d['best_loss']")) < 1e-6")" = True ]
	"$UNROLL" eval -m trained.safetensors -d held.tsv --part all --beam 5 --json > eval.json
	"$UNROLL" translate -m trained.safetensors -q < held.source > all.out
	"$PYTHON" - <<-'END'
		import json
		d = json.load(open("eval.json"))
		t, right, seen, wrong = d["translations"], {}, 0, 0
		for pair, said in zip(open("held.tsv"), open("all.out")):
		    source, target = pair.rstrip("\n").split("\t")
		    right[source] = target == said.rstrip("\n")
		assert t["sources"] == len(right) and t["pairs"] == 200 and d["left_out"] == 0, t
		assert abs(t["exact"] - sum(right.values()) / len(right)) < 1e-9, t
		assert abs(t["word_errors"] - (1 - t["exact"])) < 1e-9 and t["cut"] == 0 and t["beam"] == 5, t
		# words alone: BLEU has nothing to look for
		assert t["bleu"] is None
		bins = t["by_source_length"]
		assert sum(b["sources"] for b in bins) == t["sources"] and all(b["bleu"] is None for b in bins), bins
		for b in bins:
		    value, low, high = b["exact"]
		    assert 0 <= low <= value <= high <= 1 and b["sources"] >= 20, b
		    mine = [r for s, r in right.items() if b["from"] <= len(s) <= b["to"]]
		    assert len(mine) == b["sources"] and abs(sum(mine) / len(mine) - value) < 1e-9, b
		assert d["part"] == "all" and d["bytes"] == sum(len(line.split("\t")[1]) for line in open("held.tsv")), d
	END
}

@test "eval: as text, parts, and some of the sources" {
	run -0 --separate-stderr "$UNROLL" eval -m trained.safetensors -d held.tsv --part all -q
	[[ ${lines[0]} =~ ^loss\ +0\.[0-9]{4}\ nats\ a\ target\ token$ ]]
	[ "${lines[4]}" = "BLEU          not told: no target has four words" ]
	[[ $output =~ "exact         "[0-9.]+" % of sources (wrong: " ]]
	[[ $output =~ "translated    "[0-9]+" sources (200 pairs), greedily, in " ]]
	[[ $output =~ \ 5\ +[0-9]+\ +[0-9.]+\ \[[\ 0-9.]+,\ [\ 0-9.]+\]\ +[0-9.]+\ \[[\ 0-9.]+,\ [\ 0-9.]+\]\ +-$ ]]
	[ -z "$stderr" ]
	local n=0
	for part in train val test; do
		"$UNROLL" eval -m trained.safetensors -d held.tsv --part $part --val 0.2 --test 0.3 --translate 0 --json > part.json
		n=$((n + $(field part.json "d['bytes']")))
		[ "$(field part.json "('translations' in d, d['part'])")" = "(False, '$part')" ]
	done
	[ $n = "$(cut -f 2 held.tsv | wc -c)" ]
	"$UNROLL" eval -m trained.safetensors -d held.tsv --part all --translate 7 --json > some.json
	[ "$(field some.json "d['translations']['sources']")" = 7 ]
	# what is longer than the context is left out, and that is said
	printf 'abcdef\tfedcba\nab\tba\n' > longer.tsv
	run -0 "$UNROLL" eval -m short.safetensors -d longer.tsv --part all -q
	[[ $output == *"left out      1 pairs, longer than the model's context"*"translated    1 sources (1 pairs)"* ]]
}

@test "eval: what is refused" {
	refuses 2 "the test part has no pair; try --part all" eval -m trained.safetensors -d held.tsv --part test
	refuses 2 "--tokens is for texts, and $ARCH is a model of pairs" eval -m trained.safetensors -d held.tsv --tokens 5
	refuses 2 "--seq-len is for texts, and $ARCH is a model of pairs" eval -m trained.safetensors -d held.tsv --seq-len 5
	for option in "--target held.target" "--translate 3" "--beam 2" "--length-penalty 1"; do
		refuses 2 "${option% *} is for pairs, and gru:1x8 is a model of texts" eval -m text.safetensors -d held.source $option
	done
	refuses 2 "held.source, line 1: no tab between source and target; a line is SOURCE, a tab, TARGET (or give the targets \
as a file of their own)" eval -m trained.safetensors -d held.source
}

# ---- bad input ----

@test "files that are no pairs, by name and line" {
	local t="train --arch $ARCH -o bad.safetensors --no-store -t 1 --steps 2"
	printf 'ab\tba\nabc\nab\tba\n' > notab.tsv
	printf 'ab\tba\nab\tba\tno\n' > tabs.tsv
	printf 'ab\tba\n\tba\n' > empty.tsv
	printf 'ab\nba\n' > two
	printf 'ba\n' > one
	printf 'ab\tb\xff\n' > latin.tsv
	: > nothing.tsv
	refuses 2 "notab.tsv, line 2: no tab between source and target; a line is SOURCE, a tab, TARGET (or give the targets as \
a file of their own)" $t --data notab.tsv
	refuses 2 "tabs.tsv, line 2: more than one tab; a line is SOURCE, one tab, TARGET: replace tabs inside a text by \
blanks, and cut off further columns (cut -f 1,2)" $t --data tabs.tsv
	refuses 2 "two has 2 lines and one has 1: line i of one is the pair of line i of the other, so both must have as many" \
		$t --data two --target one
	refuses 2 "two has 2 lines and one has 1: line i of one is the pair of line i of the other, so both must have as many" \
		$t --data train.tsv --val-data two --val-target one
	refuses 1 "nowhere.tsv cannot be opened: No such file or directory" $t --data nowhere.tsv
	refuses 1 "nowhere cannot be opened: No such file or directory" $t --data two --target nowhere
	refuses 1 "nowhere.tsv cannot be opened: No such file or directory" $t --data train.tsv --val-data nowhere.tsv
	for file in empty latin nothing; do
		run -2 --separate-stderr "$UNROLL" $t --data $file.tsv
		[[ $stderr == "unroll train: $file.tsv"* ]]
		[ -z "$output" ]
	done
	[ ! -e bad.safetensors ]
}

@test "what goes with texts, and what with pairs" {
	local t="train -o bad.safetensors --no-store -t 1 --steps 2"
	refuses 2 "--target, --val-data, --val-target and --source-vocab are for pairs: give an --arch like seq2seq:lstm:2x256" \
		$t --arch gru:1x8 --data train.source --target train.target
	refuses 2 "--target, --val-data, --val-target and --source-vocab are for pairs: give an --arch like seq2seq:lstm:2x256" \
		$t --arch gru:1x8 --data train.source --source-vocab char
	refuses 2 "--val-target needs --val-data: the sources that these are the targets of" \
		$t --arch $ARCH --data train.tsv --val-target held.target
	refuses 2 "train.source, line 1: no tab between source and target; a line is SOURCE, a tab, TARGET (or give the targets \
as a file of their own)" $t --arch $ARCH --data train.source
	refuses 2 "--source-vocab: no vocabulary is called 'bytes': there are byte, char, word, bpe" \
		$t --arch $ARCH --data train.tsv --source-vocab bytes
	refuses 2 "pairs stand alone: no state is carried from one to the next; use --windows random" \
		$t --arch $ARCH --data train.tsv --windows carried
	refuses 2 "no pair to train on is shorter than 2 tokens on both sides; use a larger --seq-len" \
		$t --arch $ARCH --data train.tsv --seq-len 2
	refuses 2 "spec: pairs need a context of at least 2, for a token and the end" \
		$t --arch seq2seq:transformer:1x16,heads=2,context=1 --data train.tsv
	refuses 2 "$ARCH is a model of pairs: it writes nothing without a source; see unroll translate" \
		generate -m trained.safetensors --prompt ab
	[ ! -e bad.safetensors ]
}

# with_meta FILE KEY VALUE OUT: the model with other metadata; VALUE -: without it
with_meta() {
	"$PYTHON" - "$@" <<-'END'
		import json, struct, sys
		path, key, value, out = sys.argv[1:]
		raw = open(path, "rb").read()
		n, = struct.unpack("<Q", raw[:8])
		head = json.loads(raw[8:8 + n])
		assert key in head["__metadata__"], sorted(head["__metadata__"])
		if value == "-":
		    del head["__metadata__"][key]
		else:
		    head["__metadata__"][key] = value
		new = json.dumps(head).encode()
		new += b" " * (-len(new) % 8)
		open(out, "wb").write(struct.pack("<Q", len(new)) + new + raw[8 + n:])
	END
}

@test "model files that lie are refused by every command" {
	local vocabulary='{"kind": "char", "codes": [97, 98, 99, 100, 101, 102], "unknown": true}'
	local verbs=("translate abc -m" "eval -d held.tsv -m" "train --steps 2 --no-store -t 1 -o bad.safetensors -d held.tsv --from" info)
	try() {
		with_meta trained.safetensors "$1" "$2" lying.safetensors
		for verb in "${verbs[@]}"; do
			run --separate-stderr "$UNROLL" $verb lying.safetensors
			echo "$1 = ${2:0:60}: $verb: exit $status: $stderr"
			[ "$status" -eq "${3:-2}" ]
			[ -z "$output" ]
			[[ $stderr == "unroll ${verb%% *}: "*lying.safetensors* ]]
		done
	}
	# the same again is no lie
	with_meta trained.safetensors unroll.source_vocabulary "$vocabulary" same.safetensors
	[ "$("$UNROLL" translate -q -m same.safetensors abc)" = cba ]
	try unroll.spec "seq2seq:gru:1x32,attention=bahdanau"
	try unroll.spec "seq2seq:gru:9x65536,attention=bahdanau,encoder=bi" 2 # told before memory is taken for it
	try unroll.spec "seq2seq:gru:1x31,attention=bahdanau,encoder=bi"
	try unroll.spec "gru:1x32"
	try unroll.spec $'seq2seq:\e[31m'
	try unroll.spec -
	try unroll.outputs 9
	try unroll.sources 999999999999
	try unroll.source_vocabulary '{"kind": "char", "codes": [97, 98]}'
	try unroll.source_vocabulary '{"kind": "byte"}'
	try unroll.source_vocabulary '{"kind": "char", "codes": [97, 98, 99, 100, 101, -102], "unknown": true}'
	try unroll.source_vocabulary "[[[[[["
	try unroll.vocabulary '{"kind": "bpe", "merges": [[116, 104], [999999, 101]]}'
	# without vocabularies it is a model, of tokens alone
	unset "verbs[3]"
	try unroll.vocabulary -
	try unroll.source_vocabulary -
}

@test "weights that are no numbers are said to be none" {
	"$PYTHON" - <<-'END'
		import json, struct
		raw = bytearray(open("trained.safetensors", "rb").read())
		n, = struct.unpack("<Q", raw[:8])
		head = json.loads(bytes(raw[8:8 + n]))
		name = "decoder.fc_out.weight"
		at = 8 + n + head[name]["data_offsets"][0]
		raw[at:at + 4] = struct.pack("<f", float("nan"))
		open("nan.safetensors", "wb").write(raw)
	END
	refuses 2 "the model's outputs are not finite numbers: was its training cut off, or the file damaged?" \
		translate -m nan.safetensors abc
	run --separate-stderr "$UNROLL" eval -m nan.safetensors -d held.tsv --part all
	[ "$status" -ne 0 ]
	[[ $stderr == *"not finite numbers"* ]]
}
