#!/usr/bin/env bash
# All peers and Unroll, in turns, into bench/results/peers.json: about 10 minutes on a quiet machine.
#
#     bench/peers/setup.sh && bench/peers/run.sh [--build FOLDER] [--only lstm,transformer,attention,gemm] ...
set -eu
cd "$(dirname "$0")/../.."
mkdir -p bench/results
exec python3 bench/peers/run.py "$@"
