/* What learner.c and learner_file.c share. */
#ifndef UR_LEARNER_PARTS_H
#define UR_LEARNER_PARTS_H

#include "train/backward.h"
#include "train/learner.h"
#include "train/optimizer.h"

/* A running mean and variance of about n values. */
typedef struct ur_normal { double n, mean, variance; } ur_normal;

/* The last W rows of what a model's layers read: rows [from, from + count) of 2 W, so that they always lie together. */
typedef struct ur_ring {
	float *rows;                    /* values, (2 W, in) */
	int32_t *ids;                   /* tokens, (2 W) */
	int from, count;
} ur_ring;

/* A model that looks at the stream: the one that learns, or the frozen one. */
typedef struct ur_watcher {
	ur_model *m;
	ur_net net, ahead;              /* over the window; over one event, for what carries state */
	ur_ring ring;
	void *state, *scratch;          /* before the ring's oldest event (frozen: after its newest); a copy to run on */
	float *said;                    /* (V) as the layers say it; zeros where that was no number */
	int sound;                      /* whether it was */
	ur_normal *normal;              /* of the features, then of the answer where it is a number */
} ur_watcher;

struct ur_learner {
	ur_learning how;
	const ur_optimizer *optimizer;
	ur_recipe recipe;
	const ur_ctx *ctx;
	ur_watcher live, frozen;
	ur_backward back;
	int values, numbers;            /* reads values; says a number */
	int carries, units;             /* state is carried; values are normalised */
	int numbered;                   /* classes are 0, 1, ...: outputs of a file's model that names none */
	int V, in, features, fed;       /* outputs; inputs of the layers, features and those of the previous answer */
	float *m1, *m2, *out;           /* moments; what predict gives */
	double *parts;
	/* answers, of the rows of the ring: like rows, 2 W of them */
	int32_t *targets;
	float *wanted;
	int frozen_lives;               /* it is frozen already */
	int pending;                    /* something was foretold and has no answer yet */
	int64_t events, unanswered, steps, drifts, last_drift, skipped, restarts, resets;
	int64_t bad;                    /* events in a row without a finite gradient */
	int64_t classes;                /* found */
	int64_t *counts;                /* (V) answers by class */
	int64_t usual;                  /* the commonest; -1: none yet */
	int has_last;
	int64_t last;                   /* the last answer */
	double last_value, value_sum;
	double boost;                   /* of the rate */
	ur_adwin adwin;
	ur_prequential score;
	ur_arena memory;
};

/* Takes its weights, means and scales as they are, from the start of a sequence. */
void ur_learner_freeze(ur_learner *l);
/* Means and scales into the model's ports. */
void ur_learner_tell_ports(ur_learner *l);
/* Packs both models after their weights were set. */
void ur_learner_pack(ur_learner *l);

#endif
