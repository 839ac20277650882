#!/usr/bin/env bash
# Models of pairs in training, Unroll and PyTorch in turns, at 1 and at 2 threads, into bench/results/pairs_peers.txt:
# some 5 minutes. PyTorch is what setup.sh made in $PEERS or in build/peers.
#
#     bench/peers/setup.sh && bench/peers/pairs.sh [--budget SECONDS] [--threads 1,2] ...
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
for peers in ${PEERS:+"$PEERS"} "$build/peers"; do
	[ -x "$peers/venv/bin/python" ] && break
done
if ! "$peers/venv/bin/python" -c 'import torch' 2>/dev/null; then
	echo "skipped pairs: no PyTorch; bench/peers/setup.sh makes build/peers/venv" >&2
	exit 0
fi
mkdir -p bench/results
exec python3 bench/peers/run.py --build "$build" --peers "$peers" --only pairs --debian '' \
	--out "$build/pairs_peers.json" --table bench/results/pairs_peers.txt "$@"
