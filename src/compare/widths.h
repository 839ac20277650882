/* Sizes that make different architectures comparable: the width at which a spec has a given number of parameters. */
#ifndef UR_WIDTHS_H
#define UR_WIDTHS_H

#include "kernel/kernel.h"
#include "model/model.h"

/* How far from the target still counts as the same size. */
#define UR_WIDTH_TOLERANCE 0.03

typedef struct ur_width {
	ur_spec spec;
	int64_t parameters;
	double deviation;       /* parameters / target - 1 */
	int64_t limit;          /* steps the model can take (ur_model_limit); of pairs, tokens of a side */
} ur_width;

/* Parses a spec for comparing: one without a shape ("lstm", "transformer,heads=8") gets 2 layers (of pairs on either
 * side), or 4 where layers of a text's model are residual blocks, and *open says that its width is to be found. */
ur_status ur_width_parse(const char *text, ur_spec *spec, int *open, ur_err *err);
/* What `spec` amounts to as it stands with these tokens; target 0: none, no deviation. */
ur_status ur_width_measure(const ur_spec *spec, const ur_words *words, int64_t target, const ur_kernels *k,
                           ur_width *out, ur_err *err);
/* The width at which `like` has about `target` parameters with these tokens: a multiple of 16 if one is within the
 * tolerance, else one of 8, else any that is; else the nearest width the spec allows, whose deviation says how far off
 * it is. */
ur_status ur_width_solve(const ur_spec *like, const ur_words *words, int64_t target, const ur_kernels *k,
                         ur_width *out, ur_err *err);

#endif
