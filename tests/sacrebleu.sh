#!/bin/bash
# Our BLEU is sacreBLEU's: its tokens on thousands of nasty strings, its scores on random corpora. Exits 77 (skipped),
# saying why, where sacrebleu is not to be had.
# environment: BUILD, the build folder, with tests/quality_tool in it; UNROLL_PYTHON, a Python to use
. "${0%/*}/python_with.bash"
program=$build/tests/quality_tool
[ -x "$program" ] || skip "$program is not built"
python_with sacrebleu 120 '' sacrebleu
exec "$python" "${0%.sh}_compare.py" "$program"
