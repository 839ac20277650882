#!/bin/bash
# What a deployed program links. One that opens a model, steps and decodes must hold no training code and no
# whole-sequence code, nor one that saves states and steps groups besides; one that prefills no training code. Looks at
# the symbols of such programs, built with the library of $BUILD, and checks first that the search would find what must
# not be there.
#
# Exempt, because they come with tables of pointers that steps need: the functions of a kernel set (lstm_gates_back,
# adamw), and the rows of norm.c and ffn.c that do nothing but call one. A program that prefills holds the sums of how
# much memory a way back would take, and dropout, which a pass may ask for; no gradient.
library=${BUILD:?the build folder}/libunroll-run.a
cc=${CC:-cc}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

[ -f "$library" ] || { echo "link_run: no $library"; exit 1; }
nm "$library" > "$work/library" 2> /dev/null
if grep -qE '__(asan|tsan|ubsan|sanitizer)_' "$work/library"; then
	echo "link_run: a library with sanitizers keeps everything; skipped"
	exit 77
fi
if ! grep -qE ' [tT] unroll_step$' "$work/library"; then
	echo "link_run: $library has no unroll_step"
	exit 1
fi

training='backward|_back$|_grad$|_gains$|loss|adamw|sgd|ur_train|optimi[sz]er|ur_drop'
gradients='^ur_.*backward|^ur_.*_(grad|back|gains|loss)$|adamw|sgd|ur_train|optimi[sz]er'
sequences='ur_net_|ur_mixer_forward|ur_recurrent_forward|ur_attention_forward|ur_embed_|ur_norm_forward|ur_(ffn|cross)_forward'
rows='^((layer|rms)_row|gelu|swiglu|relu)_back$'

# the kernel sets' own functions and tables
awk '/^kernel_.*:$/ { kernel = 1; next } /^$/ { kernel = 0 } kernel && NF == 3 { print $3 }' "$work/library" | sort -u \
	> "$work/exempt"
grep -q gates_back "$work/exempt" || { echo "link_run: found no kernel set in $library"; exit 1; }

build() # name
{
	$cc -std=c11 -O2 -Wall -Wextra -Werror -Iinclude -Isrc -ffunction-sections -fdata-sections "$work/$1.c" -o "$work/$1" \
		-Wl,--gc-sections "$library" $(pkg-config --libs jansson) -lm -pthread ||
		{ echo "link_run: $1 does not link"; exit 1; }
	nm --defined-only "$work/$1" | awk '{ print $3 }' | sort -u | grep -vxF -f "$work/exempt" | grep -vE "$rows" \
		> "$work/$1.symbols"
}

cat > "$work/steps.c" << 'EOF'
#include <stdio.h>
#include <unroll.h>
int main(int argc, char **argv)
{
	ur_model *model;
	ur_stream *stream;
	ur_err err;
	const float *logits;
	const char *text;
	size_t n;

	if (argc < 2 || unroll_open(argv[1], &model, &err))
		return 1;
	if (unroll_stream_open(model, NULL, &stream, &err) || unroll_step(stream, 0, &logits, &err))
		return 1;
	n = unroll_decode(model, logits[0] > logits[1], &text);
	fwrite(text, 1, n, stdout);
	unroll_stream_close(stream);
	unroll_close(model);
	return 0;
}
EOF
sed 's/unroll_step(stream, 0,/unroll_prefill(stream, (const int32_t[]){ 0, 1 }, 2,/' "$work/steps.c" > "$work/prefills.c"
sed 's/n = unroll_decode/if (unroll_stream_save(stream, argv[1], 0, \&n, \&err) || unroll_stream_restore(stream, argv, n, \&err))\
		return unroll_group_open(model, 1, NULL, (ur_group **)argv, \&err) ||\
			unroll_group_step((ur_group *)argv, 1, \&stream, NULL, NULL, \&err);\
	n = unroll_decode/' "$work/steps.c" > "$work/keeps.c"
cat > "$work/control.c" << 'EOF'
#include "mixer/mixer.h"
int main(void) { return ur_mixer_backwards[0]->backward == 0; }
EOF

bad=0
build steps
build keeps
build prefills
build control
for pattern in "$training" "$gradients"; do
	grep -qE "$pattern" "$work/control.symbols" || { echo "link_run: the search does not find training code"; bad=1; }
done
grep -qE "$sequences" "$work/prefills.symbols" || { echo "link_run: the search does not find whole-sequence code"; bad=1; }
lacks() # program, pattern, what it is
{
	for symbol in $(grep -E "$2" "$work/$1.symbols"); do
		echo "link_run: $3 in a program that only $1: $symbol"
		bad=1
	done
}
lacks steps "$training" "training code"
lacks steps "$sequences" "whole-sequence code"
lacks keeps "$training" "training code"
lacks keeps "$sequences" "whole-sequence code"
lacks prefills "$gradients" "training code"
exit $bad
