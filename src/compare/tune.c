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
		if ((side > 0 ? other > value : other < value) &&
		    (near == 0 || fabs(log(other / value)) < fabs(log(near / value))))
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

void ur_tune_begin(ur_tuning *t) { *t = (ur_tuning){ .best = -1 }; }

double ur_tune_next(const ur_tuning *t, double start)
{
	double below, above, lowest;

	if (t->trials == 0)
		return ur_tune_round(start);
	if (t->best < 0) { /* all diverged: lower than any */
		lowest = t->trial[0].value;
		for (int i = 1; i < t->trials; i++)
			if (t->trial[i].value < lowest)
				lowest = t->trial[i].value;
		return ur_tune_round(lowest / FACTOR);
	}
	below = neighbour(t, t->best, -1);
	above = neighbour(t, t->best, 1);
	if (above == 0)
		return ur_tune_round(t->trial[t->best].value * FACTOR);
	if (below == 0)
		return ur_tune_round(t->trial[t->best].value / FACTOR);
	/* towards the better side, halfway */
	return ur_tune_round(sqrt(t->trial[t->best].value * (loss_at(t, above) < loss_at(t, below) ? above : below)));
}

void ur_tune_add(ur_tuning *t, double value, double loss)
{
	const int i = t->trials++;

	t->trial[i] = (ur_trial){ value, isfinite(loss) ? loss : INFINITY };
	if (isfinite(loss) && (t->best < 0 || loss < t->trial[t->best].loss))
		t->best = i;
	if (t->best >= 0)
		t->open = neighbour(t, t->best, 1) == 0 ? 1 : neighbour(t, t->best, -1) == 0 ? -1 : 0;
}
