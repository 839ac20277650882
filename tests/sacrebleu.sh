#!/bin/bash
# Our BLEU is sacreBLEU's: its tokens on thousands of nasty strings, its scores on random corpora. Exits 77 (skipped),
# saying why, where sacrebleu is not to be had.
# environment: BUILD, the build folder, with tests/quality_tool in it; UNROLL_PYTHON, a Python to use
build=${BUILD:-build}
program=$build/tests/quality_tool
skip() { echo "skipped: $*"; exit 77; }
[ -x "$program" ] || skip "$program is not built"

has() { [ -x "$1" ] && "$1" -c 'import sacrebleu' 2> /dev/null; }
python=
for candidate in "$UNROLL_PYTHON" "$build/sacrebleu/bin/python" /usr/bin/python3 "$(command -v python3)"; do
	if has "$candidate"; then python=$candidate; break; fi
done
if [ -z "$python" ]; then
	# one short try, kept in the build folder for the next run; a failed one is remembered for a day
	failed=$build/sacrebleu-failed
	[ -n "$(find "$failed" -mtime -1 2> /dev/null)" ] && skip "no Python has sacrebleu ($failed remembers)"
	base=/usr/bin/python3
	[ -x "$base" ] || base=$(command -v python3)
	"${base:-false}" -m venv "$build/sacrebleu" > /dev/null 2>&1 &&
		timeout 120 "$build/sacrebleu/bin/python" -m pip install -q --disable-pip-version-check --retries 0 \
			--timeout 10 sacrebleu > /dev/null 2>&1
	if has "$build/sacrebleu/bin/python"; then python=$build/sacrebleu/bin/python; else rm -rf "$build/sacrebleu"; fi
	[ -n "$python" ] || { touch "$failed"; skip "no Python has sacrebleu, and pip could not get it"; }
fi
exec "$python" "${0%.sh}_compare.py" "$program"
