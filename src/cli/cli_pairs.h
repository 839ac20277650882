/* Pairs as commands take them: files, vocabularies, parts. */
#ifndef UR_CLI_PAIRS_H
#define UR_CLI_PAIRS_H

#include "cli/cli.h"

#include "data/pairs.h"
#include "run/translate.h"

/* Opens them, with progress on a terminal unless `quiet`. Returns 0, or the exit code once it has complained. */
int ur_open_pairs(const ur_args *args, const ur_pairs_request *request, int quiet, ur_pairs **pairs);
/* The vocabularies of a model of pairs, for request->use. */
void ur_use_vocabs(const ur_model *m, ur_pairs_request *request);
/* What --vocab was read as, for both sides unless --source-vocab (`source`, may be NULL) says otherwise; `least` is
 * --vocab-min-count. */
int ur_read_pair_vocabs(const ur_args *args, const ur_vocab_request *target, const char *source, int64_t least,
                        ur_pairs_request *request);

/* ---- eval of a model of pairs (cli_eval_pairs.c) ---- */

typedef struct ur_pairs_asked {
	const char *model, *data, *target, *part;
	double val, test, penalty;
	int batch, beam;                /* batch 0: some */
	int64_t translate;              /* sources at most; -1: all; 0: none */
	int json, quiet;
} ur_pairs_asked;
/* Returns the exit code. */
int ur_eval_pairs(const ur_args *args, const ur_model *m, const ur_ctx *ctx, const ur_pairs_asked *v);

#endif
