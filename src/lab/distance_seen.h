/* The facts of the experiment on distance, read: what its rules, tables and questions go by. */
#ifndef UR_DISTANCE_SEEN_H
#define UR_DISTANCE_SEEN_H

#include "lab/distance.h"

enum { UR_SEEN_MIXERS = 16 };
#define UR_KEPT_99 0.00657048    /* 0.99^500 */

/* One mixer on one task. A length counts once all seeds of it were run. */
typedef struct ur_seen_task {
	int tried, solved;              /* the longest lengths that count, and that at least half of the seeds solved; 0:
	                                 * none */
	int tried_by, solved_by;        /* seeds that solved it, at each of them */
	int part, part_runs, part_did;  /* the length at which time was up: seeds run and solved; 0: there is none */
	int at;                         /* whose models the rest is of: `solved`, of the seeds that did; else the shortest,
	                                 * of all seeds; 0: none */
	double decay, low, high;        /* fitted factor a step: mean, least and most of those seeds; NaN: none */
	const json_t *reach;            /* of the first of them; NULL: none */
	double mse;                     /* at the longest tried, mean of seeds; NaN: none */
} ur_seen_task;

typedef struct ur_seen_mixer {
	const char *name;
	const json_t *start;            /* reach before training, or NULL */
	double start_decay;             /* NaN: none */
	ur_seen_task on[UR_DISTANCE_TASKS];
} ur_seen_mixer;

/* The forget gates of the LSTM of the longest length that it solved, else of the longest there is. */
typedef struct ur_seen_gates {
	const json_t *fact;             /* NULL: none */
	int at, solved;
} ur_seen_gates;

typedef struct ur_seen {
	int shortest, longest, seeds, reach;
	double tokens;
	int n;
	ur_seen_mixer of[UR_SEEN_MIXERS];
	const ur_seen_mixer *rnn, *lstm, *gru, *attention;      /* NULL: not measured */
	const char *cheat;              /* a mixer that looks ahead, or NULL */
	double cheats;                  /* by so much; infinite: by what is no number */
	ur_seen_gates gates[UR_DISTANCE_TASKS];
} ur_seen;

/* Borrows from the facts. */
void ur_seen_read(const json_t *facts, ur_seen *f);
/* The task whose LSTM solved the longest sequences and has gates; -1: none. */
int ur_seen_gates_task(const ur_seen *f);
/* Whether two have been told apart: who solved less was tried longer, and failed. Two that solve nothing are not. */
int ur_seen_apart(const ur_seen_task *a, const ur_seen_task *b);
/* Of a fact of reach: by what factor a stretch of distances is off the fitted line at most; NaN: there are too few. */
double ur_seen_off(const json_t *reach);
/* Of a fact of reach: the share of the gradient at distance 1 that is left `steps` further back, between the middles of
 * the stretches measured, by a straight line in logarithms; NaN: not measured. */
double ur_seen_share(const json_t *reach, int steps);
/* "64", "1,024", "none" */
const char *ur_seen_length(int T, ur_said out);

/* Charts, tables, figures and questions (distance_tell.c). */
void ur_distance_tell(const ur_seen *f, ur_section *s);

#endif
