# What tests of commands share: load it in a .bats file. PYTHON: one to read JSON with.

PYTHON=${PYTHON:-/usr/bin/python3}

# field FILE EXPRESSION: a value of a JSON object d
field() {
	"$PYTHON" -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"
}

wait_for() {
	for _ in $(seq 400); do
		[ -e "$1" ] && return 0
		sleep 0.05
	done
	echo "no $1 after 20 s"
	return 1
}

# ended PID CODE: waits for a child and checks its exit code
ended() {
	local code=0
	wait "$1" || code=$?
	echo "exit $code, expected $2"
	[ $code -eq "$2" ]
}

# refuses CODE PATTERN ARGUMENTS: runs the program and checks its exit code, what it says on standard error, and that
# nothing is on standard output. Of files with "bats_require_minimum_version 1.5.0".
refuses() {
	local code=$1 pattern=$2
	shift 2
	run --separate-stderr "$UNROLL" "$@"
	echo "unroll $*: exit $status"
	echo "$stderr"
	[ "$status" -eq "$code" ]
	[ -z "$output" ]
	[[ $stderr =~ $pattern ]]
	! [[ $stderr =~ Sanitizer ]]
}
