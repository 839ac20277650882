# For tests that need Python packages: source it.
# environment: BUILD, the build folder; UNROLL_PYTHON, a Python to use

build=${BUILD:-build}
skip() { echo "skipped: $*"; exit 77; }

# python_with FOLDER SECONDS VENV-OPTION PACKAGE...: sets `python` to a Python that has the packages, one made in the
# build's FOLDER where there is no other, or skips
python_with() {
	local folder=$build/$1 seconds=$2 option=$3 failed=$build/$1-failed base candidate imports
	shift 3
	imports=$*
	has() { [ -x "$1" ] && "$1" -c "import ${imports// /, }" 2> /dev/null; }
	python=
	for candidate in "$UNROLL_PYTHON" "$folder/bin/python" /usr/bin/python3 "$(command -v python3)"; do
		if has "$candidate"; then python=$candidate; return; fi
	done
	# one short try, kept in the build folder for the next run; a failed one is remembered for a day
	[ -n "$(find "$failed" -mtime -1 2> /dev/null)" ] && skip "no Python has $imports ($failed remembers)"
	base=/usr/bin/python3
	[ -x "$base" ] || base=$(command -v python3)
	# shellcheck disable=SC2086
	"${base:-false}" -m venv $option "$folder" > /dev/null 2>&1 &&
		timeout "$seconds" "$folder/bin/python" -m pip install -q --disable-pip-version-check --retries 0 --timeout 10 \
			"$@" > /dev/null 2>&1
	if has "$folder/bin/python"; then python=$folder/bin/python; else rm -rf "$folder"; fi
	[ -n "$python" ] || { touch "$failed"; skip "no Python has $imports, and pip could not get it"; }
}
