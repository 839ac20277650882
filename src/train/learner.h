/* Learning online: each event is foretold, scored, then learnt, once, in constant memory for ever.
 *
 * An event is a row of values with an answer (a class, or a number), or a token, whose answer is the token after it.
 * The last W events lie in a ring. One forward pass over it gives what is foretold of the newest, before its answer is
 * known; once it is, backward goes over the same pass, and one step of the optimiser follows. A model that carries
 * gradients through its state (and has no positions) begins the pass with the state before the ring's oldest event,
 * which moves on with the ring, by the weights of that time: truncated backpropagation through time with carried state
 * (Williams and Peng 1990; Jaeger 2002). Others see their window alone, positions from its start.
 *
 * Beside it, on the same events: the same model frozen (that of a file as it was; a new one as it is after some
 * events), with the means and scales of that time; "as the last time"; the commonest class, or the mean, so far.
 *
 * Values are normalised by running means and variances, in which the present event counts already (so what a layer sees
 * is at most the square root of the events they look back on). A value that is missing or infinite is the mean, and so
 * is one that has not moved, but for rounding, as far as they look back; where that is the answer, the mean is what is
 * said, and there is no loss.
 *
 * It does not die of numbers: an event whose gradient is not finite changes no weight and is counted; a state that is
 * not finite starts anew; where a whole window and one more in a row came to that, the weights go back to the frozen
 * ones. The same events, settings and kernels give the same weights, to the bit, at any number of threads, stopped and
 * resumed wherever. */
#ifndef UR_LEARNER_H
#define UR_LEARNER_H

#include "train/adwin.h"
#include "train/prequential.h"
#include "train/train.h"

typedef struct ur_learner ur_learner;

/* Everything that decides the result, but for the model and its spec. */
typedef struct ur_learning {
	int window;                     /* W >= 1 events */
	int whole;                      /* a step learns from all answers in the window, each 1 / W of it; 0: from the
	                                 * newest alone, so that each answer is learnt once */
	const char *optimizer;          /* a name of ur_optimizer_find */
	double lr, beta1, beta2, eps, momentum, weight_decay;
	double clip;                    /* gradient norm at most this; 0: no clipping */
	double norm;                    /* events that means and variances look back on; 0: all */
	double fade;                    /* events of the fading scores; at least 1 */
	double delta;                   /* ADWIN's */
	int faster;                     /* after a drift: four times the rate, fading back over `fade` events */
	int64_t freeze_after;           /* events after which a new model is frozen beside; 0: as it begins */
} ur_learning;

void ur_learning_defaults(ur_learning *h, const ur_spec *spec);
ur_status ur_learning_check(const ur_learning *h, ur_err *err);

/* What a new model of values reads and says. */
typedef struct ur_learn_shape {
	int features;
	const char *const *name;        /* of features, or NULL */
	int classes;                    /* outputs; 0: a number is foretold */
	const char *target;             /* its name, or NULL */
	int blind;                      /* does not read the previous answer, which inputs behind the features are else:
	                                 * "answer[-1]", one for each class, or the number */
} ur_learn_shape;
/* A model with starting weights, for training. UR_E_INVALID, UR_E_NOMEM. */
ur_status ur_learn_model(const ur_spec *spec, const ur_learn_shape *shape, uint64_t seed, const ur_kernels *k,
                         ur_model **model, ur_err *err);

/* Takes the model, one made for training (ur_learn_model, ur_model_load), whether it succeeds or not. `fresh`: it is
 * yet to be frozen. ctx must outlive it. UR_E_INVALID: no model that learns online (of pairs, of hidden outputs, of
 * several numbers, of a context shorter than the window), or weights that are no numbers; UR_E_NOMEM. */
ur_status ur_learner_open(const ur_learning *how, ur_model *model, int fresh, const ur_ctx *ctx, ur_learner **learner,
                          ur_err *err);
void ur_learner_close(ur_learner *l);
/* Whether a model's state is carried from event to event; else it sees its window alone. */
int ur_learner_carries(const ur_model *m);
/* The model as it is now: weights, and means and scales in its ports. */
const ur_model *ur_learner_model(ur_learner *l);
/* Values it is given: inputs less those of the previous answer. 0: it reads tokens. */
int ur_learner_features(const ur_learner *l);
/* Bytes in all; they do not grow. */
size_t ur_learner_bytes(const ur_learner *l);

/* -- one event; nothing allocates -- */
/* Foretells the answer to a row of features (NaN: missing), or, NULL, the token after the last. *out (outputs floats):
 * logits, or the number in its own units; valid until the next call. NULL where there is nothing to go by yet (no token
 * so far). An event that was foretold and not answered stays in the window without an answer. */
ur_status ur_learner_predict(ur_learner *l, const float *features, const float **out, ur_err *err);
/* The answer to what was foretold last: a class, or the token (which needs no predict before: it is done), or the
 * number. Scores, learns. *drift: the error rose (ADWIN). UR_E_INVALID: nothing was foretold, no such class or token,
 * the other kind. A number that is not finite is no answer: UR_E_INVALID. */
ur_status ur_learner_answer(ur_learner *l, int answer, int *drift, ur_err *err);
ur_status ur_learner_answer_value(ur_learner *l, double answer, int *drift, ur_err *err);
/* No answer will come to the row that was foretold last. */
void ur_learner_pass(ur_learner *l);
/* The class of that name, found or, where it is new, taken: its number, below the model's outputs. A file's model that
 * names no classes keeps what its outputs meant: their names are "0", "1", and so on. UR_E_INVALID: there are more
 * classes than outputs, or no such number. */
ur_status ur_learner_class(ur_learner *l, const char *name, size_t bytes, int *number, ur_err *err);
/* Its name; NULL: it has none. */
const char *ur_learner_class_name(const ur_learner *l, int number);

/* -- how it goes -- */
typedef struct ur_learned {
	int64_t events;                 /* foretold, answered and learnt */
	int64_t unanswered;
	int64_t drifts, last_drift;     /* rises of the error that ADWIN saw, and the event of the last (0: none) */
	int64_t skipped;                /* gradients that were not finite */
	int64_t restarts;               /* of weights, to the frozen ones */
	int64_t resets;                 /* of states */
	int classes;                    /* found so far */
	int says_values;
	ur_prequential score;
} ur_learned;
ur_learned ur_learner_score(const ur_learner *l);

/* -- stopping and resuming (learner_file.c) -- */
/* Everything that the rest depends on, and `place` (JSON, the caller's; may be NULL), in one safetensors file, written
 * atomically. UR_E_INVALID: an event was foretold and not answered. */
ur_status ur_learner_save(ur_learner *l, const json_t *place, const char *path, ur_err *err);
/* The `place` of a checkpoint: a new reference, NULL where it has none. UR_E_FORMAT: it is no checkpoint; UR_E_IO. */
ur_status ur_learner_place(const char *path, json_t **place, ur_err *err);
/* Into a learner opened with the same settings and a model of the same spec, inputs and outputs. *place (may be NULL):
 * a new reference. The file is not trusted: UR_E_FORMAT; UR_E_INVALID: it is of other settings or another model; and
 * then the learner is to be closed. */
ur_status ur_learner_restore(ur_learner *l, const char *path, json_t **place, ur_err *err);

#endif
