#!/usr/bin/env bats
# unroll report as a user has it. UNROLL is its path; put_document, beside it, fills the store.
bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	PUT=$(dirname "$UNROLL")/tests/put_document
	echo '{"schema": 1, "state": "done", "data": {"name": "first"}, "contenders": []}' > first.json
	echo '{"schema": 1, "state": "done", "data": {"name": "second"}, "contenders": []}' > second.json
	printf 'first.json\nsecond.json\n' | "$PUT" runs.db
}

setup() { cd "$BATS_FILE_TMPDIR"; }

@test "writes the newest comparison, or the one that is asked for" {
	run --separate-stderr "$UNROLL" report --store runs.db
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[[ "$stderr" == "wrote report.html" ]]
	grep -q '"name":"second"' report.html
	UNROLL_STORE=runs.db run --separate-stderr "$UNROLL" report 1 -o one.html --quiet
	[ "$status" -eq 0 ]
	[ -z "$output$stderr" ]
	grep -q '"name":"first"' one.html
	[ "$(ls | grep -c tmp)" -eq 0 ]
}

@test "prints the document" {
	"$UNROLL" report 1 --json --store runs.db > one.json
	python3 -c 'import json; d = json.load(open("one.json")); assert d["id"] == 1 and d["data"]["name"] == "first", d'
}

@test "says what is wrong" {
	for wrong in "x" "0" "-3" "1x" "1 2" "--json --serve" "-o a.html --json" "--port 80" "--serve --port 70000"; do
		# shellcheck disable=SC2086
		run --separate-stderr "$UNROLL" report --store runs.db $wrong
		echo "$wrong: $status $stderr"
		[ "$status" -eq 2 ]
		[ -z "$output" ]
		[[ -n "$stderr" ]]
	done
	run --separate-stderr "$UNROLL" report 9 --store runs.db
	[ "$status" -eq 2 ]
	[[ "$stderr" == *"no comparison or lab 9"* ]]
	run --separate-stderr "$UNROLL" report --store nowhere.db
	[ "$status" -eq 1 ]
	[[ "$stderr" == *nowhere.db* ]]
	[ ! -e nowhere.db ]
	run --separate-stderr "$UNROLL" report --store runs.db -o /nowhere/report.html
	[ "$status" -eq 1 ]
	[[ "$stderr" == */nowhere* ]]
}

@test "serves until it is interrupted" {
	"$UNROLL" report --store runs.db --serve > url 2> said &
	server=$!
	for _ in $(seq 200); do [ -s url ] && break; sleep 0.05; done
	url=$(cat url)
	[[ "$url" == http://127.0.0.1:*/ ]]
	python3 - "$url" << 'END'
import sys, urllib.request
u = sys.argv[1]
urllib.request.install_opener(urllib.request.build_opener(urllib.request.ProxyHandler({})))
assert b'"name":"second"' in urllib.request.urlopen(u + "document.json").read()
assert b"</html>" in urllib.request.urlopen(u).read()
END
	kill -TERM $server
	wait $server
	grep -q Ctrl-C said
}
