/* unroll_train.h -- learn online: foretell each event of a stream, then learn its answer, in memory that does not grow.
 *
 * Links libunroll (unroll.h alone needs only libunroll-run). As there, nothing prints, exits or aborts. A learner
 * belongs to one thread at a time, and uses that thread alone.
 *
 *     unroll_learn_predict(learner, row, &said, &err);     before the answer is known: what the model says, and
 *     unroll_learn_class(learner, answer, NULL, &err);     once it is: scored against what was said, then learnt */
#ifndef UNROLL_TRAIN_H
#define UNROLL_TRAIN_H

#include "unroll.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A model that learns. */
typedef struct ur_online ur_online;

/* Zero-initialise, set `size`, change what is wanted otherwise: 0 is the default that is named. So a copy frozen as it
 * begins, means over all events ever and scores that do not fade cannot be asked for by 0: give 1 event, and as many
 * as there may be (1e15; not infinitely many). */
typedef struct unroll_learn_options {
	size_t size;                    /* sizeof(unroll_learn_options) */
	int window;                     /* events that gradients reach back over, all that attention sees; 8 */
	int whole;                      /* 1: a step learns from all answers in the window, not from the newest alone */
	double lr;                      /* learning rate; 0.003, of attention 0.001 */
	const char *optimizer;          /* "adamw" (NULL) or "sgd" */
	double fade;                    /* events over which scores fade; 1000 */
	double normalise;               /* events that means and scales of inputs look back on; 10000 */
	double delta;                   /* of the change detector ADWIN; 0.002 */
	int faster;                     /* 1: four times the rate behind a drift, fading */
	int64_t freeze_after;           /* new models: events until the frozen copy is made; 1000 */
	uint64_t seed;                  /* new models: of the first weights */
} unroll_learn_options;

/* A new model of this spec ("lstm:1x32") that reads `features` values, and its previous answer unless `blind`, and
 * says one of `classes` classes or, where that is 0, a number. options may be NULL. *learner is NULL on failure. */
ur_status unroll_learn_new(const char *spec, int features, int classes, int blind, const unroll_learn_options *options,
                           ur_online **learner, ur_err *err);
/* A model file, of values or of text, gone on from. */
ur_status unroll_learn_open(const char *path, const unroll_learn_options *options, ur_online **learner, ur_err *err);
void unroll_learn_close(ur_online *learner);

/* Values of an event: the model's inputs less those of the previous answer. 0: it reads tokens. */
int unroll_learn_features(const ur_online *learner);
/* Floats that predict gives. */
int unroll_learn_outputs(const ur_online *learner);
/* Bytes in all. They do not grow, and no call below but save and restore allocates. */
size_t unroll_learn_bytes(const ur_online *learner);

/* Foretells the answer to a row (NaN: missing), or, `values` NULL, the token after the last. *out: logits of classes or
 * tokens, or the number in its units; the learner's, valid until its next call; NULL before the first token. A row that
 * is never answered is part of the past all the same. */
ur_status unroll_learn_predict(ur_online *learner, const float *values, const float **out, ur_err *err);
/* The answer to the row foretold last. *drift (may be NULL): the error has risen, as ADWIN sees it. UR_E_INVALID:
 * nothing was foretold, no such class, or not the kind of the model; and then nothing has changed. */
ur_status unroll_learn_class(ur_online *learner, int answer, int *drift, ur_err *err);
ur_status unroll_learn_value(ur_online *learner, double answer, int *drift, ur_err *err);
/* The next token: foretold (if it was not asked for), scored, learnt. */
ur_status unroll_learn_token(ur_online *learner, int token, int *drift, ur_err *err);

/* How it goes: of the model, of the same model frozen, of saying the last answer again, and the commonest answer (or
 * the mean of all) so far; lately: fading over `fade` events. NaN: not known. */
typedef struct unroll_learn_one {
	int64_t events;                 /* it was scored on */
	double accuracy, accuracy_lately;       /* classes and tokens */
	double rmse, rmse_lately, mae, mae_lately;      /* numbers */
	double loss, loss_lately;       /* nats; of numbers squared errors in standard deviations, once answers differ */
} unroll_learn_one;
typedef struct unroll_learn_score {
	size_t size;                    /* set to sizeof(unroll_learn_score) before asking */
	int64_t events;
	int64_t drifts, last_drift;     /* and at which event; 0: none */
	int64_t skipped;                /* events whose gradient was not finite: they changed nothing */
	unroll_learn_one model, frozen, last, usual;
} unroll_learn_score;
ur_status unroll_learn_ask(const ur_online *learner, unroll_learn_score *score, ur_err *err);

/* Everything that the rest depends on, into a file, atomically; and back, into a learner that was opened in the same
 * way: from there on it is the same, to the bit. Not between predict and its answer. The file is not trusted. Where
 * restore fails the learner is of no more use. */
ur_status unroll_learn_save(ur_online *learner, const char *path, ur_err *err);
ur_status unroll_learn_restore(ur_online *learner, const char *path, ur_err *err);
/* The model as it is now, as a model file: unroll_open opens it. */
ur_status unroll_learn_write(ur_online *learner, const char *path, ur_err *err);

#ifdef __cplusplus
}
#endif
#endif
