#include "compare/tune.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FACTOR 3.0

static const ur_tunable tunables[] = {
	{ "lr", "the peak learning rate", offsetof(ur_recipe, lr), 1e-3 },
	{ "weight-decay", "AdamW's decay of matrices", offsetof(ur_recipe, weight_decay), 0.03 },
	{ "clip", "the norm gradients are cut to", offsetof(ur_recipe, clip), 1 },
};

const ur_tunable *ur_tunable_nth(int n)
{
	return n >= 0 && n < (int)(sizeof tunables / sizeof *tunables) ? &tunables[n] : NULL;
}

const ur_tunable *ur_tunable_find(const char *name)
{
	for (int i = 0; ur_tunable_nth(i); i++)
		if (!strcmp(tunables[i].name, name))
			return &tunables[i];
	return NULL;
}

double ur_tune_round(double value)
{
	char text[32];
	(void)snprintf(text, sizeof text, "%.2e", value);
	return strtod(text, NULL);
}

/* The nearest value tried above (side 1) or below (side -1) that of trial `of`; 0: none. */
static double neighbour(const ur_tuning *t, int of, int side)
{
	double near = 0, value = t->trial[of].value;

	for (int i = 0; i < t->trials; i++) {
		double other = t->trial[i].value;
		if ((side > 0 ? other > value : other < value) && (near == 0 || fabs(log(other / value)) < fabs(log(near / value))))
			near = other;
	}
	return near;
}

static double loss_at(const ur_tuning *t, double value)
{
	for (int i = 0; i < t->trials; i++)
		if (t->trial[i].value == value)
			return t->trial[i].loss;
	return INFINITY;
}

/* Where to look next. */
static double next_value(const ur_tuning *t)
{
	double below, above, lowest;

	if (t->best < 0) { /* all diverged: lower than any */
		lowest = t->trial[0].value;
		for (int i = 1; i < t->trials; i++)
			if (t->trial[i].value < lowest)
				lowest = t->trial[i].value;
		return lowest / FACTOR;
	}
	below = neighbour(t, t->best, -1);
	above = neighbour(t, t->best, 1);
	if (above == 0)
		return t->trial[t->best].value * FACTOR;
	if (below == 0)
		return t->trial[t->best].value / FACTOR;
	/* towards the better side, halfway */
	return sqrt(t->trial[t->best].value * (loss_at(t, above) < loss_at(t, below) ? above : below));
}

ur_status ur_tune(double start, int trials, ur_trial_run *run, void *arg, ur_tuning *out, ur_err *err)
{
	*out = (ur_tuning){ .best = -1 };
	if (trials < 1 || trials > UR_MOST_TRIALS)
		return ur_fail(err, UR_E_INVALID, "tuning takes 1 to %d trials, not %d", UR_MOST_TRIALS, trials);
	for (int i = 0; i < trials; i++) {
		ur_trial *t = &out->trial[i];
		ur_status status;

		*t = (ur_trial){ ur_tune_round(i == 0 ? start : next_value(out)), INFINITY };
		status = run(arg, i, t->value, &t->loss, err);
		if (status && status != UR_E_DIVERGED)
			return status;
		if (status || !isfinite(t->loss))
			t->loss = INFINITY;
		out->trials = i + 1;
		if (isfinite(t->loss) && (out->best < 0 || t->loss < out->trial[out->best].loss))
			out->best = i;
	}
	if (out->best >= 0)
		out->open = neighbour(out, out->best, 1) == 0 ? 1 : neighbour(out, out->best, -1) == 0 ? -1 : 0;
	return UR_OK;
}
