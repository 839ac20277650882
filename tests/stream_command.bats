#!/usr/bin/env bats
# unroll stream as a user meets it: answers as events come, stopped and gone on with, every kind of event and of model,
# and what is refused. UNROLL is the program's path; make_model, beside it, makes the models and says what they answer.

bats_require_minimum_version 1.5.0

load commands

setup_file() {
	export TOP=$BATS_FILE_TMPDIR MAKE=$(dirname "$UNROLL")/tests/make_model
	export HOME=$TOP/home XDG_CACHE_HOME=$TOP/cache UNROLL_STORE=$TOP/runs.db
	mkdir -p "$HOME" "$TOP/work"
	cd "$TOP/work"
	for i in $(seq 40); do
		echo "line $i of a text, with $((i * 37 % 101)) in it"
	done > text.txt
	awk 'BEGIN { print "rain,temp,note,wind"; for (i = 1; i <= 40; i++) print i % 3 "," i * 7 % 11 - 4.5 ",n" i "," i % 5 / 4 }' > values.csv
	(cat text.txt; echo "to be or not") | "$MAKE" text text.safetensors lstm:1x16 char
	"$MAKE" text bytes.safetensors gru:1x16 byte < text.txt
	"$MAKE" text words.safetensors attention:1x16,block=llama,heads=2,context=64 word < text.txt
	"$MAKE" classes classes.safetensors lstm:2x8 temp,wind,rain dry,wet
	"$MAKE" classes unnamed.safetensors gru:1x8 3 4
	"$MAKE" values values.safetensors attention:2x8,block=llama,heads=2,window=4 temp,wind tomorrow,after
}

setup() {
	cd "$TOP/work"
	rm -f state*
}

# stream MODEL ARGUMENTS
stream() {
	local model=$1
	shift
	"$UNROLL" stream -m "$model.safetensors" -q "$@"
}

# until_lines FILE N: waits for so many lines
until_lines() {
	for _ in $(seq 400); do
		[ "$(wc -l < "$1")" -ge "$2" ] && return 0
		sleep 0.05
	done
	echo "$1 has $(wc -l < "$1") lines after 20 s, not $2"
	return 1
}

# ---- what is answered ----

@test "text: each line's tokens, how it was foreseen and what is likeliest next, as the library has them" {
	"$MAKE" answers text.safetensors < text.txt > expected
	stream text < text.txt > answers
	[ "$(wc -l < answers)" -eq 40 ]
	"$PYTHON" - <<-'END'
		steps = 0
		lines = open('text.txt').read().splitlines(keepends=True)
		for i, (answer, expected, line) in enumerate(zip(open('answers'), open('expected'), lines)):
		    number, position, tokens, surprise, text, p = answer.rstrip('\n').split('\t')
		    nats, best = expected.split()
		    steps += len(line)
		    assert (int(number), int(position), int(tokens)) == (i + 1, steps, len(line)), answer
		    seen = len(line) - (i == 0)  # nothing foresees the first token
		    assert abs(float(surprise) - float(nats) / seen) < 1e-4, (answer, expected)
		    assert 0 < float(p) <= 1
	END
	# the likeliest token by number
	stream text --json < text.txt > answers.json
	diff <("$PYTHON" -c 'import json, sys; [print(json.loads(l)["token"]) for l in open("answers.json")]') <(cut -d ' ' -f 2 expected)
}

@test "text: the first token is foreseen by nothing, and says so" {
	[[ "$(printf 'l' | stream text)" =~ ^1$'\t'1$'\t'1$'\t'-$'\t' ]]
	printf 'l' | stream text --json | "$PYTHON" -c 'import json, sys; assert json.load(sys.stdin)["surprise"] is None'
}

@test "bytes: each is an event, and steps are those of lines" {
	printf 'line 1\nline' | stream bytes -e bytes > answers
	[ "$(cut -f 1 answers | tr '\n' ' ')" = "1 2 3 4 5 6 7 8 9 10 11 " ]
	[ "$(cut -f 1,3,4 --complement answers | tail -n 1)" = "$(printf 'line 1\nline' | stream bytes | cut -f 1,3,4 --complement | tail -n 1)" ]
	# a byte that is no text is shown as its number
	printf '\300' | stream bytes -e bytes -k 256 | grep -F '\xC0'
	printf 'li' | stream text -e bytes | tail -n 1 | grep -P '^2\t2\t1\t'
}

@test "values: columns by name or in order, missing ones, classes and numbers, as the library has them" {
	"$PYTHON" - > expected.in <<-'END'
		import csv
		for row in csv.DictReader(open('values.csv')):
		    print(row['temp'] + ',' + row['wind'] + ',' + row['rain'])
	END
	"$MAKE" answers classes.safetensors < expected.in > expected
	stream classes -k 2 < values.csv > answers
	"$PYTHON" - <<-'END'
		import math
		for i, (answer, expected) in enumerate(zip(open('answers'), open('expected'))):
		    number, position, *said = answer.rstrip('\n').split('\t')
		    assert int(number) == int(position) == i + 1
		    logits = [float(x) for x in expected.split()]
		    p = {n: math.exp(x) / sum(math.exp(y) for y in logits) for n, x in zip(['dry', 'wet'], logits)}
		    assert float(said[1]) >= float(said[3]) and {said[0], said[2]} == {'dry', 'wet'}
		    assert all(abs(float(said[k + 1]) - p[said[k]]) < 1e-5 for k in (0, 2)), (answer, p)
		assert i == 39
	END
	# the same in order, and as JSON lines by key or in order
	stream classes -k 2 < expected.in | cmp - answers
	"$PYTHON" -c 'import csv, json
for row in csv.DictReader(open("values.csv")): print(json.dumps({k: v if k == "note" else float(v) for k, v in row.items()}))' \
		> values.jsonl
	stream classes -k 2 -e jsonl < values.jsonl | cmp - answers
	sed 's/.*/[&]/' expected.in | stream classes -k 2 -e jsonl | cmp - answers
	tr , ';' < values.csv | stream classes -k 2 --separator ';' | cmp - answers
	tr , '\t' < values.csv | stream classes -k 2 --separator '\t' | cmp - answers
	# numbers, in the data's units; a window bounds what is kept, not how far it goes
	"$MAKE" answers values.safetensors < expected.in > expected
	stream values < values.csv | cut -f 3- | tr '\t' ' ' | cmp - expected
	# classes without names are numbers
	printf '1,2,3\n' | stream unnamed -k 4 | cut -f 3,5,7,9 | tr '\t' '\n' | sort | tr '\n' ' ' | grep '^0 1 2 3 $'
	# a missing cell, a missing key
	printf 'temp,wind,rain\n1,,2\n1,NA,2\n' | stream classes | cut -f 3- > missing
	printf '{"temp": 1, "rain": 2}\n{"temp": 1, "wind": null, "rain": 2}\n' | stream classes -e jsonl | cut -f 3- | cmp - missing
	printf '1,,2\n1,?,2\n' | "$MAKE" answers classes.safetensors | wc -l | grep 2
}

@test "--json is one object a line" {
	stream text --json -k 3 < text.txt > text.json
	stream values --json < values.csv > values.json
	stream classes --json -k 2 < values.csv > classes.json
	"$PYTHON" - <<-'END'
		import json
		text = [json.loads(line) for line in open('text.json')]
		assert [t['event'] for t in text] == list(range(1, 41)) and all(len(t['top']) == 3 for t in text)
		assert all(t['top'][0]['next'] == t['next'] and t['top'][0]['probability'] >= t['top'][2]['probability'] for t in text)
		assert all(set(json.loads(line)['values']) == {'tomorrow', 'after'} for line in open('values.json'))
		assert all(json.loads(line)['class'] in ('dry', 'wet') for line in open('classes.json'))
	END
}

@test "weights are kept as asked, and a state is of those weights" {
	stream text < text.txt > stored
	stream text --weights int8 -s state < text.txt > int8
	[ "$(cut -f 1-3 stored)" = "$(cut -f 1-3 int8)" ]
	! cmp -s stored int8
	refuses 2 'of another model than this one' stream -m text.safetensors -s state -d text.txt
	[ "$(stream text --weights int8 -s state < text.txt | head -n 1 | cut -f 1)" -eq 41 ]
}

# ---- when it is answered ----

@test "each event is answered before the next one comes, and behind tail -f" {
	mkfifo in
	"$UNROLL" stream -m text.safetensors -q < in > answers &
	program=$!
	exec 7> in
	: > answers
	for n in 1 2 3; do
		echo "line $n" >&7
		until_lines answers $n
	done
	exec 7>&-
	ended $program 0
	rm in
	# a file that grows: tail ends with the first write that nobody reads
	head -n 2 text.txt > log
	tail -n +1 -f log 2> /dev/null > piped & tailing=$!
	tail -n +1 -f log 2> /dev/null | "$UNROLL" stream -m text.safetensors -q > answers & program=$!
	until_lines answers 2
	sed -n 3,5p text.txt >> log
	until_lines answers 5
	kill $tailing
	kill $(jobs -p) 2> /dev/null || true
	wait || true
	head -n 5 text.txt | stream text | cmp - answers
}

@test "a batch is shown when it is full, and when nothing is waiting" {
	mkfifo in
	"$UNROLL" stream -m text.safetensors -q --batch 1000 < in > answers &
	program=$!
	exec 7> in
	printf 'line 1\nline 2\n' >&7
	until_lines answers 2
	exec 7>&-
	ended $program 0
	rm in
	stream text --batch 7 < text.txt > batched
	stream text < text.txt | cmp - batched
	# a socket that keeps writes apart: each answer in one of its own, 40 of them in 6 batches of 7
	"$PYTHON" - <<-'END'
		import os, socket, subprocess
		for batch, writes in ((1, 40), (7, 6), (1000, 1)):
		    reader, out = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		    program = subprocess.Popen([os.environ['UNROLL'], 'stream', '-q', '-m', 'text.safetensors', '-d', 'text.txt',
		                                '-b', str(batch)], stdout=out)
		    out.close()
		    lines = []
		    while packet := reader.recv(1 << 16):
		        lines.append(packet.count(b'\n'))
		    assert program.wait() == 0
		    assert len(lines) == writes and sum(lines) == 40 and max(lines) == min(batch, 40), (batch, lines)
	END
}

@test "a reader that has had enough ends it quietly" {
	yes 'line 1' | head -n 20000 | "$UNROLL" stream -m text.safetensors -q 2> complaints | head -n 2 > answers
	[ "$(wc -l < answers)" -eq 2 ]
	[ ! -s complaints ]
	run -0 bash -c '"$UNROLL" stream -m text.safetensors < text.txt 2> full > /dev/full; echo "code $?"'
	[[ "$output" =~ "code 1" ]]
	grep 'standard output: No space left' full
}

@test "what nobody was shown is answered again: a full disk leaves the state as it was" {
	for i in $(seq 10); do cat text.txt; done > long.txt
	stream text -d long.txt > whole
	for batch in 1 100 10000; do
		rm -f state
		run -1 bash -c '"$UNROLL" stream -m text.safetensors -q -d long.txt -s state --save-every 150 -b '$batch' > /dev/full'
		stream text -d long.txt -s state | cmp whole -
	done
	# what was shown before is not answered twice
	rm state
	head -n 30 text.txt > growing
	stream text -d growing -s state > parts
	cp state before
	tail -n 10 text.txt >> growing
	run -1 bash -c '"$UNROLL" stream -m text.safetensors -q -d growing -s state > /dev/full'
	cmp state before
	stream text -d growing -s state >> parts
	head -n 40 whole | cmp - parts
}

# ---- state ----

@test "what is stopped goes on bit for bit: at the end of input, by SIGTERM and by SIGINT" {
	for model in text words values; do
		data=text.txt
		[ $model = values ] && data=values.csv
		# sequences that start anew in between, so that attention never runs full
		stream $model --reset-every 6 --json -d $data > whole
		# a pipe: header and a part, then the rest
		rm -f state
		if [ $model = values ]; then
			head -n 14 $data | stream $model --reset-every 6 --json -s state > parts
			sed -n '1p;15,$p' $data | stream $model --reset-every 6 --json -s state >> parts
		else
			head -n 13 $data | stream $model --reset-every 6 --json -s state > parts
			sed -n '14,$p' $data | stream $model --reset-every 6 --json -s state >> parts
		fi
		cmp whole parts
	done
	for signal in TERM INT; do
		mkfifo in
		rm -f state
		# without job control a shell's background jobs ignore SIGINT
		"$PYTHON" -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$UNROLL" stream -m text.safetensors -q -s state --json < in > parts &
		program=$!
		exec 7> in
		head -n 11 text.txt >&7
		until_lines parts 11
		kill -$signal $program
		ended $program 0
		exec 7>&-
		rm in
		sed -n '12,$p' text.txt | stream text -s state --json >> parts
		stream text --json < text.txt | cmp - parts
	done
}

@test "a file is gone on with behind the last answered event" {
	stream text -d text.txt > whole
	head -n 15 text.txt > growing
	stream text -d growing -s state > parts
	sed -n '16,27p' text.txt >> growing
	stream text -d growing -s state >> parts
	stream text -d growing -s state >> parts
	sed -n '28,$p' text.txt >> growing
	stream text -d growing -s state >> parts
	cmp whole parts
	# another file is read from its beginning
	stream text -d text.txt -s state | head -n 1 | grep -P '^41\t'
	# one that was cut is not the same any more
	head -n 3 text.txt > growing
	rm state
	stream text -d text.txt -s state > parts
	cp text.txt other
	mv other growing
	stream text -d growing -s state > parts
	head -n 3 text.txt > growing
	refuses 2 'growing has .* bytes, but was left at byte .*: it is another file, or was cut' stream -m text.safetensors -d growing -s state
	# csv keeps its header
	head -n 11 values.csv > growing.csv
	stream values -d growing.csv -s state2 > parts
	sed -n '12,$p' values.csv >> growing.csv
	stream values -d growing.csv -s state2 >> parts
	stream values -d values.csv | cmp - parts
}

@test "a line that is still being written is left for the next run" {
	printf 'line 1\nline 2 of a te' > growing
	run --separate-stderr -0 "$UNROLL" stream -m text.safetensors -d growing -s state
	echo "$output" > parts
	[[ "$stderr" =~ "growing ends within a line, of 14 bytes so far: it is left for the next run" ]]
	[ "$(wc -l < parts)" -eq 1 ]
	printf 'xt\n' >> growing
	stream text -d growing -s state >> parts
	stream text -d growing | cmp - parts
	# the header, a number and a record with a line end in it
	"$MAKE" values pairs.safetensors lstm:1x8 x,y said
	rm state
	: > growing.csv
	: > parts
	printf 'x,y,note\n1,2,"a\nb"\n3,0.55,c\n5,6,d\n' > whole.csv
	for n in 4 12 17 22 100; do
		head -c $n whole.csv > growing.csv
		stream pairs -d growing.csv -s state >> parts 2> complaint || true
	done
	[ "$(wc -l < parts)" -eq 3 ]
	stream pairs -d whole.csv | cmp - parts
	# without a state it is the last event, and so it is of a pipe, and of bytes
	printf 'line 1\nline 2' > growing
	[ "$(stream text -d growing | wc -l)" -eq 2 ]
	[ "$(stream text -s state2 < growing | wc -l)" -eq 2 ]
	[ "$(stream bytes -e bytes -d growing -s state3 | wc -l)" -eq 13 ]
}

@test "a file that another one has replaced is not gone on in" {
	head -n 20 text.txt > log
	stream text -d log -s state > parts
	cp state before
	# longer, and other lines
	tac text.txt > log
	refuses 2 'log is not what it was when it was left at byte [0-9]+: .*--state-file' stream -m text.safetensors -d log -s state
	cmp state before
	# one byte in the last 4 KB of what was read
	sed '19s/line/lint/' text.txt > log
	refuses 2 'log is not what it was' stream -m text.safetensors -d log -s state
	cp text.txt log
	stream text -d log -s state >> parts
	stream text -d text.txt | cmp - parts
	# a pipe with a name has no place to go on from
	mkfifo named
	for part in 1,20p '21,$p'; do
		sed -n $part text.txt > named &
		stream text -d named -s state2
	done > parts
	wait
	rm named
	stream text -d text.txt | cmp - parts
}

@test "the state is saved every so many events, or seconds, and where an event is bad" {
	mkfifo in
	"$UNROLL" stream -m text.safetensors -q -s state --save-every 2 < in > parts &
	program=$!
	exec 7> in
	head -n 5 text.txt >&7
	until_lines parts 5
	kill -KILL $program
	ended $program 137
	exec 7>&-
	rm in
	# four events are in it; the fifth was lost, and is answered again
	sed -n '5,$p' text.txt | stream text -s state > rest
	stream text < text.txt | sed -n '5,$p' | cmp - rest
	# by time, while nothing comes
	mkfifo in
	"$UNROLL" stream -m text.safetensors -q -s state3 --save-every 0.05s < in > parts &
	program=$!
	exec 7> in
	head -n 5 text.txt >&7
	until_lines parts 5
	for _ in $(seq 400); do
		grep -aq 'events.": 5,' state3 && break
		sleep 0.05
	done
	kill -KILL $program
	ended $program 137
	exec 7>&-
	sed -n '6,$p' text.txt | stream text -s state3 > rest
	stream text < text.txt | sed -n '6,$p' | cmp - rest
	# stopped by a bad event
	(head -n 6 text.txt; printf 'line \303\n'; sed -n '7,$p' text.txt) > spoilt
	refuses_after=$("$UNROLL" stream -m text.safetensors -q -d spoilt -s state4 2> complaint | wc -l)
	[ "$refuses_after" -eq 6 ]
	grep 'spoilt, line 7: .*--skip-bad leaves such events out' complaint
	stream text -d spoilt -s state4 --skip-bad 2> complaint > rest
	stream text < text.txt | sed -n '7,$p' | cmp - rest
}

@test "sequences begin anew after so many events, or after an empty line" {
	head -n 3 text.txt | stream text | cut -f 2- > one
	(head -n 3 text.txt; head -n 3 text.txt) | stream text --reset-every 3 | cut -f 2- > two
	cat one one | cmp - two
	(head -n 3 text.txt; echo; head -n 3 text.txt) | stream text --reset-at-blank > two
	cat one one | cmp - <(cut -f 2- two)
	[ "$(tail -n 1 two | cut -f 1)" -eq 6 ]
	(head -n 4 values.csv; echo; sed -n 2,4p values.csv) | stream values --reset-at-blank | cut -f 2- > two
	head -n 4 values.csv | stream values | cut -f 2- > one
	cat one one | cmp - two
	# without it an empty line is text, and nothing between records
	(head -n 2 text.txt; echo) | stream text | tail -n 1 | grep -P '^3\t\d+\t1\t'
	(head -n 2 values.csv; echo; sed -n 3p values.csv) | stream values | tail -n 1 | grep -P '^2\t2\t'
}

# ---- what is refused ----

@test "a stream that is full says what makes room" {
	head -n 2 text.txt | "$UNROLL" stream -m words.safetensors -q > few
	run --separate-stderr bash -c '"$UNROLL" stream -m words.safetensors -s state < text.txt'
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -gt 2 ]
	[[ "$stderr" =~ "the stream is full: it has taken "[0-9]+" of the 64 that attention:1x16,block=llama,heads=2,context=64 is built for" ]]
	[[ "$stderr" =~ --window && "$stderr" =~ --context && "$stderr" =~ --reset-every ]]
	# what was answered was saved, and no part of the event that did not fit
	last=$(tail -n 1 <<< "$output" | cut -f 1)
	refuses 1 "event $((last + 1)) takes" stream -m words.safetensors -s state -d <(sed -n "$((last + 1))p" text.txt)
	stream words --window 64 < text.txt > bounded
	[ "$(wc -l < bounded)" -eq 40 ]
	stream words --context 100000 < text.txt | head -n "$last" | cmp - <(head -n "$last" bounded)
	[ "$(stream words --context 100000 < text.txt | wc -l)" -eq 40 ]
}

@test "bad events stop it with their line, or are left out and counted" {
	printf 'temp,wind,rain\n1,2,3\n1,2\n1,x,3\n4,5,6\n' > bad.csv
	run --separate-stderr bash -c 'stream() { "$UNROLL" stream -m classes.safetensors "$@"; }; stream -d bad.csv'
	[ "$status" -eq 2 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ "$stderr" =~ "bad.csv, line 3: it has 2 cells, where the first line has 3; --skip-bad leaves such events out" ]]
	"$UNROLL" stream -m classes.safetensors -d bad.csv --skip-bad > answers 2> complaints
	printf 'temp,wind,rain\n1,2,3\n4,5,6\n' | stream classes | cmp - answers
	grep 'bad.csv, line 3: it has 2 cells' complaints
	grep "bad.csv, line 4: wind is 'x', which is not a number" complaints
	grep '2 events were left out' complaints
	printf '{"temp": 1, "wind": 2, "rain": [3]}\n' | run --separate-stderr stream classes -e jsonl
	printf '{"temp": 1, "wind": 2, "rain": [3]}\n' > nested.jsonl
	refuses 2 "nested.jsonl, line 1: 'rain' has values in it" stream -m classes.safetensors -e jsonl -d nested.jsonl
	printf 'temp,rain\n1,2\n' > lacking.csv
	refuses 2 "there is no column 'wind', which the model reads; there is temp, rain" stream -m classes.safetensors -d lacking.csv
	printf '1,2\n' > few.csv
	refuses 2 'few.csv, line 1: it has 2 values, where the model reads 3' stream -m classes.safetensors -d few.csv
}

@test "an answer that is no number ends it, and the state before it stays" {
	# weights of which one character's are not numbers: the model meets it on the fourth line
	"$PYTHON" - <<-'END'
		import json, struct
		data = bytearray(open('text.safetensors', 'rb').read())
		n, = struct.unpack_from('<Q', data)
		head = json.loads(data[8:8 + n])
		row = json.loads(head['__metadata__']['unroll.vocabulary'])['codes'].index(ord('b'))
		table = head['encoder.weight']
		width = 4 * table['shape'][1]
		at = 8 + n + table['data_offsets'][0] + row * width
		data[at:at + width] = struct.pack('<f', float('nan')) * (width // 4)
		open('damaged.safetensors', 'wb').write(data)
	END
	stream damaged -s state < <(head -n 3 text.txt) > first
	[ "$(wc -l < first)" -eq 3 ]
	cp state before
	printf 'to be\n' > be.txt
	for more in "" --skip-bad "--save-every 1"; do
		refuses 1 "event 4: the model's answer is not a number" stream -m damaged.safetensors -d be.txt -s state $more
		cmp state before
	done
	stream text < text.txt | head -n 4 | tail -n 1 > fourth
	sed -n 4p text.txt | stream damaged -s state | cmp - fourth
	printf '1,2,3\n3e38,1,1\n1,2,3\n' > huge.csv
	run --separate-stderr "$UNROLL" stream -m unnamed.safetensors -d huge.csv
	[ "$status" -eq 2 ]
	[[ "$stderr" =~ "huge.csv, line 2: "[a-z].*"too large" ]]
	stream unnamed -d huge.csv --skip-bad 2> complaints > left
	printf '1,2,3\n1,2,3\n' | stream unnamed | cmp - left
}

@test "wrong calls are refused in words" {
	refuses 2 'text.safetensors reads text: it takes --events lines or bytes' stream -m text.safetensors -e csv
	refuses 2 'classes.safetensors reads values: it takes --events csv or jsonl' stream -m classes.safetensors -e lines
	refuses 2 "there are no events of kind 'tsv'; there are bytes, lines, csv, jsonl" stream -m text.safetensors -e tsv
	refuses 2 'of several bytes: --events lines' stream -m words.safetensors -e bytes
	refuses 2 'header and --separator go with --events csv' stream -m text.safetensors --header no
	refuses 2 'header and --separator go with --events csv' stream -m text.safetensors --separator ';'
	refuses 2 'separator takes one character' stream -m classes.safetensors --separator '::'
	refuses 2 'cannot separate cells' stream -m classes.safetensors --separator '.'
	refuses 2 'save-every goes with --state-file' stream -m text.safetensors --save-every 5
	refuses 2 'save-every takes a number of events' stream -m text.safetensors -s state --save-every soon
	refuses 2 'save-every takes a number of events' stream -m text.safetensors -s state --save-every 1.5
	refuses 2 'reset-at-blank does not go with --events bytes' stream -m text.safetensors -e bytes --reset-at-blank
	refuses 1 'nothing.csv could not be opened' stream -m classes.safetensors -d nothing.csv
	refuses 1 'none.safetensors' stream -m none.safetensors
	refuses 2 "a window is attention's" stream -m text.safetensors --window 5
	refuses 1 'nowhere' stream -m text.safetensors -s nowhere/state -d text.txt
	for model in text classes unnamed; do
		refuses 2 "answer: $model.safetensors does not read the answer before" stream -m $model.safetensors --answer rain
	done
	# states of something else
	stream text -s state -d text.txt > whole
	refuses 2 'of another model than this one' stream -m bytes.safetensors -s state -d text.txt
	refuses 2 'text.safetensors is no state of a stream' stream -m text.safetensors -s text.safetensors -d text.txt
	head -c 300 state > cut
	refuses 2 'cut' stream -m text.safetensors -s cut -d text.txt
	# counts that cannot be counted on from
	for key in events since bytes source_events lines; do
		"$PYTHON" - $key <<-'END'
			import json, struct, sys
			data = open('state', 'rb').read()
			n, = struct.unpack_from('<Q', data)
			head = json.loads(data[8:8 + n])
			memo = json.loads(head['__metadata__']['unroll.stream'])
			assert memo[sys.argv[1]] > 0
			memo[sys.argv[1]] = 2 ** 63 - 1
			head['__metadata__']['unroll.stream'] = json.dumps(memo)
			head = json.dumps(head).encode()
			head += b' ' * (-len(head) % 8)
			open('endless', 'wb').write(struct.pack('<Q', len(head)) + head + data[8 + n:])
		END
		refuses 2 'endless is no state of a stream \(its counts are missing or wrong\)' stream -m text.safetensors -s endless -d text.txt
	done
	sed 's/\\"version\\": 2/\\"version\\": 1/' state > older
	refuses 2 'older is no state of a stream \(its version is not 2\)' stream -m text.safetensors -s older -d text.txt
	printf 'x' > junk
	refuses 2 'junk' stream -m text.safetensors -s junk -d text.txt
}

@test "a model that reads the answer before is told that of the events, else its own" {
	# each class is the one before it, turned over every time that x is 1
	awk 'BEGIN { print "x,class"; for (i = 1; i <= 600; i++) { x = i * 7919 % 5 == 1; c = x ? !c : c; print x "," (c ? "up" : "down") } }' > turns.csv
	"$UNROLL" learn -m gru:1x16 -d turns.csv --target class --classes 2 --lr 0.02 -o turns.safetensors -q > /dev/null
	stream turns -d turns.csv > told
	[ "$(wc -l < told)" -eq 600 ]
	right() { tail -n +302 turns.csv | cut -d , -f 2 | paste - <(tail -n +301 "$1" | cut -f 3) | awk '$1 == $2 { n++ } END { print n + 0 }'; }
	[ "$(right told)" -ge 290 ]
	# one answer that is another one: the next event is the first to notice
	awk -F , 'NR == 401 { print $1 "," ($2 == "up" ? "down" : "up"); next } { print }' turns.csv > other.csv
	stream turns -d other.csv > misled
	cmp <(head -n 400 told) <(head -n 400 misled)
	run -1 cmp -s <(sed -n 401p told) <(sed -n 401p misled)
	# without the column, or where it is still empty, it goes by what it said itself
	cut -d , -f 1 turns.csv | stream turns > own
	stream turns --answer none -d turns.csv > asked
	cmp own asked
	cmp own <(awk -F , 'NR == 1 { print; next } { print $1 "," }' turns.csv | stream turns)
	run -1 cmp -s own misled
	# stopped between an answer and the event that is told of it
	head -n 251 turns.csv | stream turns -s state > parts
	(head -n 1 turns.csv; tail -n +252 turns.csv) | stream turns -s state >> parts
	cmp parts told
	# a class that it never met is none
	sed '301s/,.*/,sideways/' turns.csv | stream turns > strange
	cmp <(head -n 300 told) <(head -n 300 strange)
	[ "$(wc -l < strange)" -eq 600 ]
}

@test "the answer before of classes without names goes by their numbers" {
	"$MAKE" classes plain.safetensors gru:1x8 'x,answer[-1]=0,answer[-1]=1,answer[-1]=2' 3
	"$MAKE" classes told.safetensors gru:1x8 'x,answer[-1]=0,answer[-1]=1,answer[-1]=2' 3 c
	printf 'x,c\n1,0\n2,2\n3,1.0\n4,7\n5,-1\n6,0.5\n7,z\n8,2\n9,0\n' > numbers.csv
	printf '%s\n' 1,0,0,0 2,1,0,0 3,0,0,1 4,0,1,0 5,0,0,0 6,0,0,0 7,0,0,0 8,0,0,0 9,0,0,1 > hot.csv
	stream plain -k 3 < hot.csv > expected
	[ "$(wc -l < expected)" -eq 9 ]
	stream told -k 3 < numbers.csv | cmp expected -
	sed 's/c$/d/' numbers.csv | head -n 1 > renamed.csv
	tail -n +2 numbers.csv >> renamed.csv
	stream told -k 3 --answer d < renamed.csv | cmp expected -
	run -1 cmp -s expected <(stream told -k 3 < renamed.csv)
}

@test "a column that has the name of the answer before is one like any other" {
	"$MAKE" values lag.safetensors lstm:1x8 'x,answer[-1]' y
	printf 'x,answer[-1],y\n1,4,2\n2,5,1\n3,6,9\n' > lag.csv
	printf '1,4\n2,5\n3,6\n' | "$MAKE" answers lag.safetensors > expected
	stream lag < lag.csv | cut -f 3- | cmp expected -
	# of a model that says which column it answers it is the answer before
	"$MAKE" values fed.safetensors lstm:1x8 'x,answer[-1]' y y
	printf '1,\n2,2\n3,1\n' | "$MAKE" answers fed.safetensors > expected
	stream fed < lag.csv | cut -f 3- | cmp expected -
	# inputs that are not those of all classes are the data's
	"$MAKE" classes odd.safetensors lstm:1x8 'x,answer[-1]=0,answer[-1]=2' 2 c
	printf 'x,answer[-1]=0,answer[-1]=2\n1,2,3\n' > odd.csv
	printf '1,2,3\n' | stream odd | cmp - <(stream odd < odd.csv)
}

@test "help has an example that runs" {
	"$UNROLL" stream --help > help
	example=$(grep '^  printf' help)
	cp text.safetensors model.safetensors
	bash -c "PATH=\$(dirname \"$UNROLL\"):\$PATH; $example" > said 2> log
	[ "$(wc -l < said)" -eq 2 ]
	"$PYTHON" -c 'import json; [json.loads(line) for line in open("said")]'
}
