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
