/* What the parts of a comparison share while it runs. The order of work is compare.c's. */
#ifndef UR_COMPARE_PARTS_H
#define UR_COMPARE_PARTS_H

#include "compare/compare.h"

enum { UR_COMPARE_PATH = 4096 };

typedef struct ur_on ur_on;

typedef struct ur_comparing {
	const ur_compare *what;
	const ur_on *on;
	ur_comparison *out;
	ur_work work;
	ur_heldout heldout;                     /* of a text */
	struct ur_held_pairs *pairs;            /* of pairs (on_pairs.c) */
	char doing[64];                         /* stage.what */
	double seconds[UR_MOST_CONTENDERS];     /* estimated, of each run's training */
	double scoring[UR_MOST_CONTENDERS];     /* and of its validations and scores */
	double started, before;                 /* on ur_clock; seconds of earlier sittings */
	double done, total;                     /* estimated seconds of work */
	ur_stage stage;
	double said;                            /* when the document was put last */
} ur_comparing;

/* What is compared on: a text (on_text.c) or pairs (on_pairs.c). Everything in which the two differ, but for words. */
struct ur_on {
	ur_words (*words)(const ur_compare *w);
	/* Whether there is enough; sets in *out what is known before there are models. */
	ur_status (*begin)(ur_comparing *q, ur_err *err);
	void (*end)(ur_comparing *q);
	/* Tokens of a window for a budget of so many; and positions that models of limited context are built for. */
	int (*window)(const ur_comparing *q, int64_t tokens);
	int (*context)(const ur_comparing *q);
	/* Once sizes and limits are known: the same data for all. Sets the tokens of each part. */
	ur_status (*fit)(ur_comparing *q, ur_err *err);
	/* r->window and r->batch, for about q->out->step_tokens tokens. */
	void (*batch)(const ur_comparing *q, const ur_contender *c, ur_recipe *r);
	/* What the job trains on, and validates on unless `only`. */
	void (*job)(const ur_comparing *q, int only, ur_job *job);
	/* rate->score and rate->after, with an untrained model. */
	ur_status (*time)(ur_comparing *q, const ur_contender *c, const ur_model *m, ur_rate *rate, ur_err *err);
	/* What all are compared on: about `most` tokens. */
	ur_status (*open)(ur_comparing *q, int64_t most, ur_err *err);
	/* of->loss, loss_same, bits_per_byte, blocks; and what else a run ends with, kept as facts. */
	ur_status (*score)(ur_comparing *q, const ur_contender *c, ur_trained *of, const ur_model *m, ur_err *err);
	/* What the kept models cost, and samples. */
	ur_status (*measure)(ur_comparing *q, ur_err *err);
};
extern const ur_on ur_on_text, ur_on_pairs;

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
/* Tokens of a step of this recipe, of pairs on average. */
double ur_comparing_step_tokens(const ur_comparing *q, const ur_contender *c, const ur_recipe *r);
/* Speeds of one contender: q->out->of[i].rate. */
ur_status ur_comparing_calibrate(ur_comparing *q, int i, ur_err *err);
/* Tunes all, in turns: c->tuning and c->recipe. */
ur_status ur_comparing_tune(ur_comparing *q, ur_err *err);
/* All runs of all contenders, in turns, trained and scored. */
ur_status ur_comparing_train(ur_comparing *q, ur_err *err);
/* Where a run's model lies in the journal's folder. */
ur_status ur_comparing_path(const ur_comparing *q, const ur_contender *c, uint64_t seed, char path[UR_COMPARE_PATH],
                            ur_err *err);

/* -- the kept models (models.c) -- */

/* Of each contender the run with the lowest validation loss: its model is kept and measured. */
typedef struct ur_models { ur_model *of[UR_MOST_CONTENDERS]; } ur_models;
ur_status ur_models_open(ur_comparing *q, ur_models *kept, ur_err *err);
void ur_models_close(ur_models *kept);
/* Its file, where files are wanted. */
ur_status ur_models_save(ur_comparing *q, ur_contender *c, ur_err *err);
/* Seconds that measuring contender i may take. */
double ur_measuring_seconds(const ur_comparing *q, int i);

/* -- what they cost -- */

/* Loss by position, steps, prefill and a sample of every contender (costs.c). */
ur_status ur_text_costs(ur_comparing *q, ur_err *err);
/* Translations by length, time and memory of a sentence, sentences to show (costs_pairs.c). */
ur_status ur_pair_costs(ur_comparing *q, ur_err *err);

#endif
