/* What the files of the experiment on distance share. */
#ifndef UR_DISTANCE_H
#define UR_DISTANCE_H

#include "lab/lab.h"
#include "train/train.h"

#include <math.h>

/* What is trained, by size of the lab. Lengths double from `shortest` until a task is not solved, at most to
 * `longest`. */
typedef struct ur_distance_plan {
	int shortest, longest, seeds;
	int reach;                      /* the T of the sequences along which gradients are looked at */
	double tokens;                  /* each run may read */
} ur_distance_plan;
ur_distance_plan ur_distance_plan_of(const ur_lab *lab);
double ur_distance_seconds(const ur_lab *lab);

/* Tasks by number: a word for facts and tables, and the text at a length. */
enum { UR_DISTANCE_TASKS = 3 };
extern const char *const ur_distance_tasks[UR_DISTANCE_TASKS];
void ur_distance_task(int task, int T, char text[UR_TASK_TEXT]);
/* The spec of a mixer that reads `positions` tokens. */
ur_status ur_distance_spec(const char *mixer, int positions, ur_spec *spec, ur_err *err);

/* Whether a task counts as solved: 90 % of the answers right or, where they are numbers, a squared error of at most a
 * tenth of what always answering 1 gives. mse NaN: they are none. */
int ur_distance_solved(double accuracy, double mse);

/* What is not finite is null. */
static inline json_t *ur_distance_number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

/* -- facts: -- */

/* "ahead/NAME": {"output", "gradient"}, what a layer of it lets through from later steps: 0 and 0, or it cheats; null:
 * it does, by what is no number. */
ur_status ur_distance_ahead(const ur_lab_mixer *mixer, const ur_ctx *c, json_t **fact, ur_err *err);
/* How far back a model looks on a task, as ur_reach_json. The model is made for training, and packed. */
ur_status ur_distance_reach(const ur_model *m, const ur_ctx *c, const char *task, json_t **fact, ur_err *err);
/* "gates/TASK/T/SEED": of the first layer of an LSTM on sequences of a task over 500 steps, {"mean", "low", "median",
 * "high" (10 %, 50 %, 90 %), "above" (share over 0.99), "bins": [share in 0 .. 0.1, ...], "kept_100", "kept_500" (what
 * the middle unit keeps of what it held), "slowest_100", "slowest_500" (the unit that keeps most)}. UR_E_INVALID: it is
 * no LSTM. */
ur_status ur_distance_gates(const ur_model *m, const char *task, json_t **fact, ur_err *err);
/* "start/NAME": ur_reach_json of a fresh model; "run/TASK/NAME/T/SEED": {"solved", "accuracy", "loss", "mse", "tokens",
 * "reach"}; and the gates. */
ur_status ur_distance_train(ur_lab *lab, ur_err *err);

/* The rest of the section: see ur_experiment. */
void ur_distance_conclude(const json_t *facts, const json_t *others, ur_section *s);

#endif
