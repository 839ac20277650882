#!/bin/bash
# Measures models of pairs: the bottleneck on made data, pronunciations (cmudict), translation (Multi30k).
#   bench/pairs/run.sh made|fit|cmudict|multi30k OUT [FOLDER of the data]
# and bench/pairs/table.py OUT prints what came of it. UNROLL: the program, SEEDS: of cmudict, THREADS.
set -eu
here=$(dirname "$0")
unroll=${UNROLL:-$here/../../build/unroll}
what=${1:-} out=${2:-} data=${3:-}
[ -n "$out" ] || { sed -n '2,5p' "$0"; exit 2; }
threads=${THREADS:-1}
mkdir -p "$out"
export UNROLL_STORE=$out/runs.db

# pairs NAME TEST-FILE TEST-OPTIONS SPEC TRAIN-OPTIONS...: trains, then translates the test part
pairs() {
	local name=$1 test=$2 part=$3 spec=$4
	shift 4
	echo "$name: $spec" >&2
	"$unroll" train -a "$spec" -o "$out/$name.safetensors" --overwrite -t "$threads" --json -q "$@" > "$out/$name.train.json"
	# shellcheck disable=SC2086
	"$unroll" eval -m "$out/$name.safetensors" -d "$test" $part -t "$threads" --json -q > "$out/$name.eval.json"
}

case $what in
made) # copy and reverse, lengths 5 to 100, equal parameters, equal tokens
	"$here/prepare.py" made "$out"
	for task in reverse copy; do
		"$unroll" compare --data "$out/$task-train.tsv" --arch seq2seq:lstm --arch seq2seq:lstm,attention=luong,encoder=bi \
			--arch seq2seq:transformer,heads=4,context=128 --params 300k --budget 2Mtok --seeds 1 --lr 3e-3,3e-3,1e-3 \
			--translate 2000 --seq-len 104 -t "$threads" -q --report "$out/made-$task.html" | tee "$out/made-$task.txt"
	done
	;;
fit) # how many symbols fit into a final state
	"$here/prepare.py" fit "$out"
	for width in 64 128 256 512; do
		pairs "fit-$width" "$out/fit-test.tsv" '--part all' "seq2seq:lstm:1x$width" -d "$out/fit-train.tsv" --vocab char \
			--batch-size 64 --epochs 3 --lr 2e-3 --eval-every 600
	done
	;;
cmudict)
	"$here/prepare.py" cmudict "$data" "$out"
	for seed in ${SEEDS:-1 2 3}; do
		set -- -d "$out/cmudict.tsv" --source-vocab char --vocab word --val 0.02 --test 0.1 --batch-size 32 --seq-len 32 \
			--eval-every 1000 --epochs 5 --seed "$seed"
		part='--part test --val 0.02 --test 0.1 --beam 5'
		pairs "g2p-attention-$seed" "$out/cmudict.tsv" "$part" seq2seq:lstm:1x112,attention=luong,encoder=bi "$@" --lr 3e-3
		pairs "g2p-bottleneck-$seed" "$out/cmudict.tsv" "$part" seq2seq:lstm:1x168 "$@" --lr 3e-3
		pairs "g2p-transformer-$seed" "$out/cmudict.tsv" "$part" seq2seq:transformer:3x88,heads=4,ffn=168,context=48 "$@" \
			--lr 1.5e-3
	done
	;;
multi30k) # German to English, test 2016
	"$here/prepare.py" multi30k "$data" "$out"
	set -- -d "$out/train.tsv" --val-data "$out/val.tsv" --vocab bpe:4000 --batch-size 128 --seq-len 60 --eval-every 227 \
		--label-smoothing 0.1 --seed 1
	test=$out/test_2016_flickr.tsv part='--part all --beam 5'
	pairs m30k-gru "$test" "$part" seq2seq:gru:1x256,attention=bahdanau,encoder=bi,dropout=0.3 "$@" --epochs 6 --lr 2e-3
	pairs m30k-lstm "$test" "$part" seq2seq:lstm:2x256,dropout=0.3 "$@" --epochs 6 --lr 2e-3
	pairs m30k-transformer "$test" "$part" seq2seq:transformer:3x256,heads=8,ffn=512,dropout=0.1 "$@" \
		--epochs "${TRANSFORMER_EPOCHS:-6}" --lr 1e-3 --warmup 200
	;;
*)
	sed -n '2,5p' "$0"
	exit 2
	;;
esac
