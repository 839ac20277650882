#!/usr/bin/env bash
# One step at batch 1 on one thread: Unroll in float32, bfloat16 and int8 beside its floor, ONNX Runtime and PyTorch,
# all in turns in one run; a few minutes on a quiet machine. What the installed peers cannot do is left out.
#
#     bench/peers/steps.sh [--rounds N] [--steps N] [--peers onnxruntime,torch] > bench/results/steps.txt
#
# BUILD (default build): where bench/bench_step is. PEERS (default BUILD/peers): what setup.sh made; it is run when
# there is no such folder.
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
peers=${PEERS:-$build/peers}

if [ ! -x "$build/bench/bench_step" ]; then
	echo "steps.sh: no $build/bench/bench_step; build Unroll first, or say BUILD=FOLDER" >&2
	exit 1
fi
[ -x "$peers/venv/bin/python" ] || bench/peers/setup.sh "$peers" >&2
exec python3 bench/peers/steps.py --program "$build/bench/bench_step" --python "$peers/venv/bin/python" \
	--script bench/peers/peer_steps.py "$@"
