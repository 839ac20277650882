/* What the parts of a comparison share while it runs. The order of work is compare.c's. */
#ifndef UR_COMPARE_PARTS_H
#define UR_COMPARE_PARTS_H

#include "compare/compare.h"

enum { UR_BLOCK_TOKENS = 512, UR_COMPARE_PATH = 4096 };

typedef struct ur_comparing {
	const ur_compare *what;
	ur_comparison *out;
	ur_work work;
	ur_heldout heldout;
	char doing[64];                         /* stage.what */
	double seconds[UR_MOST_CONTENDERS];     /* estimated, of each run's training */
	double scoring[UR_MOST_CONTENDERS];     /* and of its validations and scores */
	double started, before;                 /* on ur_clock; seconds of earlier sittings */
	double done, total;                     /* estimated seconds of work */
	ur_stage stage;
	double said;                            /* when the document was put last */
} ur_comparing;

/* -- progress (compare.c) -- */

/* A new stage; contender and seed as in ur_stage. UR_E_STOPPED: the user wants no more. */
ur_status ur_comparing_begin(ur_comparing *q, const char *what, int contender, int seed, ur_err *err);
/* Within it: `done` estimated seconds of work on top of q->done. Fails too when the journal does. */
ur_status ur_comparing_say(ur_comparing *q, double done, ur_err *err);

/* -- facts -- */

/* Loss by position, as the document has it and as it is kept. */
json_t *ur_positions_json(int n, const ur_position_loss *bins);
/* What is known under a name; *fact NULL: nothing yet. */
ur_status ur_recall(ur_comparing *q, json_t **fact, ur_err *err, const char *format, ...) UR_PRINTF(4, 5);
/* Keeps a fact, of which it takes the reference; NULL: there was no memory to make it. */
ur_status ur_keep(ur_comparing *q, json_t *fact, ur_err *err, const char *format, ...) UR_PRINTF(4, 5);
/* A number of a fact, NaN where it is null or not there; and how to write one. */
double ur_fact_number(const json_t *fact, const char *key);
int64_t ur_fact_integer(const json_t *fact, const char *key);
json_t *ur_fact_real(double x);

/* -- training (compare_train.c) -- */

/* Recipe of a run of so many tokens, its learning rate not set. */
void ur_comparing_recipe(const ur_comparing *q, const ur_contender *c, int64_t tokens, ur_recipe *r);
/* Speeds of one contender: q->out->of[i].rate. */
ur_status ur_comparing_calibrate(ur_comparing *q, int i, ur_err *err);
/* Tunes all, in turns: c->tuning and c->recipe. */
ur_status ur_comparing_tune(ur_comparing *q, ur_err *err);
/* All runs of all contenders, in turns, trained and scored. */
ur_status ur_comparing_train(ur_comparing *q, ur_err *err);
/* Where a run's model lies in the journal's folder. */
ur_status ur_comparing_path(const ur_comparing *q, const ur_contender *c, uint64_t seed, char path[UR_COMPARE_PATH],
                            ur_err *err);

/* -- what they cost (costs.c) -- */

/* Loss by position, steps, prefill and a sample of every contender, and the models' files where they are wanted. */
ur_status ur_comparing_measure(ur_comparing *q, ur_err *err);

#endif
