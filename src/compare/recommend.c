/* Measurements in, words out. Quality decides first; those whose loss cannot be told from the best (ur_paired_gap), or
 * lies within UR_TIE of it, tie, and among them the cheapest step decides, then the smallest state. Every number said
 * was measured in the comparison. */
#include "compare/compare.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void put(ur_advice *a, const char *format, ...) UR_PRINTF(2, 3);

static void put(ur_advice *a, const char *format, ...)
{
	size_t n = strlen(a->text);
	va_list list;

	va_start(list, format);
	(void)vsnprintf(a->text + n, sizeof a->text - n, format, list);
	va_end(list);
}

/* -- costs: each a number of a contender, smaller is better -- */

static const ur_latency *at_end(const ur_comparison *c, int i)
{
	return &c->of[i].latency[c->positions > 0 ? c->positions - 1 : 0];
}

static double step_cost(const ur_comparison *c, int i) { return at_end(c, i)->p50; }
static double state_cost(const ur_comparison *c, int i) { return (double)at_end(c, i)->state; }
static double training_cost(const ur_comparison *c, int i) { return 1 / c->of[i].tokens_per_second; }
static double loss_cost(const ur_comparison *c, int i) { return c->of[i].loss; }

typedef double cost_of(const ur_comparison *c, int i);

/* The least of those marked (NULL: all that finished); -1: none. */
static int least(const ur_comparison *c, cost_of *cost, const int *marked)
{
	int best = -1;
	for (int i = 0; i < c->n; i++)
		if (!c->of[i].diverged && (!marked || marked[i]) && (best < 0 || cost(c, i) < cost(c, best)))
			best = i;
	return best;
}

static void choose(const ur_comparison *c, ur_advice *a)
{
	int cheap[UR_MOST_CONTENDERS];
	double margin;

	a->best = least(c, loss_cost, NULL);
	a->fastest_step = least(c, step_cost, NULL);
	a->smallest_state = least(c, state_cost, NULL);
	a->fastest_training = least(c, training_cost, NULL);
	a->pick = -1;
	if (a->best < 0)
		return;
	margin = UR_TIE * c->of[a->best].loss;
	for (int i = 0; i < c->n; i++)
		a->tied[i] = !c->of[i].diverged && (i == a->best || c->of[i].gap.mean < margin || c->of[i].gap.low <= 0);
	a->pick = least(c, step_cost, a->tied);
	for (int i = 0; i < c->n; i++)
		cheap[i] = a->tied[i] && step_cost(c, i) <= step_cost(c, a->pick) * (1 + UR_CLOSE);
	a->pick = least(c, state_cost, cheap);
}

/* -- words -- */

static const char *bytes_text(double bytes, char out[24])
{
	if (bytes < 10240)
		(void)snprintf(out, 24, "%.0f bytes", bytes);
	else
		(void)snprintf(out, 24, bytes < 10485760 ? "%.0f KiB" : "%.0f MiB", bytes / (bytes < 10485760 ? 1024 : 1048576));
	return out;
}

/* 950, 7.6k, 150k, 2.4M */
static const char *count_text(double n, char out[24])
{
	double unit = n < 999.5 ? 1 : n < 999.5e3 ? 1e3 : 1e6;
	(void)snprintf(out, 24, "%.*f%s", unit > 1 && n / unit < 99.95 ? 1 : 0, n / unit,
		unit > 1e3 ? "M" : unit > 1 ? "k" : "");
	return out;
}

/* "0.021 higher (95 % interval 0.015 to 0.027)" */
static void put_gap(ur_advice *a, const ur_gap *g)
{
	put(a, "%.3f higher", g->mean);
	if (!isnan(g->low))
		put(a, " (95%% interval %.3f to %.3f)", g->low, g->high);
}

/* Names of the marked but `but`: "a", "a and b", "a, b and c"; returns how many. */
static int put_names(ur_advice *a, const ur_comparison *c, const int *marked, int but)
{
	int n = 0, done = 0;

	for (int i = 0; i < c->n; i++)
		n += marked[i] && i != but;
	for (int i = 0; i < c->n; i++)
		if (marked[i] && i != but) {
			put(a, "%s%s", done == 0 ? "" : done + 1 == n ? " and " : ", ", c->of[i].name);
			done++;
		}
	return n;
}

static void put_quality(const ur_comparison *c, ur_advice *a)
{
	const ur_contender *best = &c->of[a->best], *pick = &c->of[a->pick];
	int others[UR_MOST_CONTENDERS], ties = 0, finished = 0, next = -1;
	char text[24], more[24];

	for (int i = 0; i < c->n; i++) {
		others[i] = !c->of[i].diverged && !a->tied[i];
		finished += !c->of[i].diverged;
		ties += a->tied[i];
	}
	put(a, "Use %s (%s).", pick->name, pick->spec.text);
	if (finished == 1) {
		put(a, " It is the only one that finished: %.3f nats a token on the held-out text (%.3f bits a byte).", best->loss,
		    best->bits_per_byte);
	} else if (ties == 1) {
		next = least(c, loss_cost, others);
		put(a, " It has the lowest loss on the held-out text: %.3f nats a token (%.3f bits a byte). The next best, %s, is ",
		    best->loss, best->bits_per_byte, c->of[next].name);
		put_gap(a, &c->of[next].gap);
		put(a, ".");
	} else {
		put(a, " In quality ");
		put_names(a, c, a->tied, -1);
		put(a, " tie: %s has the lowest loss on the held-out text, %.3f nats a token (%.3f bits a byte)", best->name,
		    best->loss, best->bits_per_byte);
		for (int i = 0; i < c->n; i++)
			if (a->tied[i] && i != a->best) {
				put(a, "; %s is ", c->of[i].name);
				put_gap(a, &c->of[i].gap);
			}
		put(a, ". Of these %s is the cheapest to run: %.0f us a step and a state of %s", pick->name, step_cost(c, a->pick),
		    bytes_text(state_cost(c, a->pick), text));
		for (int i = 0, said = 0; i < c->n; i++)
			if (a->tied[i] && i != a->pick)
				put(a, "%s%.0f us and %s with %s", said++ ? ", " : ", against ", step_cost(c, i),
				    bytes_text(state_cost(c, i), more), c->of[i].name);
		put(a, ".");
		next = least(c, loss_cost, others);
		if (next >= 0) {
			put(a, " The next, %s, is ", c->of[next].name);
			put_gap(a, &c->of[next].gap);
			put(a, ".");
		}
	}
	put(a, "\n");
}

/* What `i` would cost in quality instead of the pick. */
static void put_price(const ur_comparison *c, ur_advice *a, int i)
{
	ur_gap g = ur_paired_gap(&c->of[i].blocks, &c->of[a->pick].blocks);

	if (g.mean <= 0)
		put(a, ", and its loss is %.3f lower", -g.mean);
	else
		put(a, ", for a loss %.3f higher", g.mean);
}

/* Whether contender i is better than the pick at this cost by more than is called equal. */
static int much_less(const ur_comparison *c, const ur_advice *a, cost_of *cost, int i)
{
	return i >= 0 && i != a->pick && cost(c, a->pick) > cost(c, i) * (1 + UR_CLOSE);
}

static void put_otherwise(const ur_comparison *c, ur_advice *a)
{
	const int pick = a->pick, said = (int)strlen(a->text);
	char x[24], y[24];

	if (a->best != pick) {
		ur_gap g = ur_paired_gap(&c->of[pick].blocks, &c->of[a->best].blocks);
		put(a, "- For the last bit of quality: %s, %.3f lower", c->of[a->best].name, g.mean);
		put(a, g.low > 0 ? "; the difference is small but larger than the text's noise.\n"
		                 : "; the held-out text is too short to tell that from chance.\n");
	}
	if (much_less(c, a, step_cost, a->fastest_step)) {
		put(a, "- For the fastest step: %s, %.0f us instead of %.0f (%.1f times as fast)", c->of[a->fastest_step].name,
		    step_cost(c, a->fastest_step), step_cost(c, pick), step_cost(c, pick) / step_cost(c, a->fastest_step));
		put_price(c, a, a->fastest_step);
		put(a, ".\n");
	}
	if (much_less(c, a, state_cost, a->smallest_state)) {
		put(a, "- For the smallest state of a live stream: %s, %s instead of %s", c->of[a->smallest_state].name,
		    bytes_text(state_cost(c, a->smallest_state), x), bytes_text(state_cost(c, pick), y));
		put_price(c, a, a->smallest_state);
		put(a, ".\n");
	}
	if (much_less(c, a, training_cost, a->fastest_training)) {
		put(a, "- For the fastest training: %s, %s tokens a second instead of %s", c->of[a->fastest_training].name,
		    count_text(c->of[a->fastest_training].tokens_per_second, x), count_text(c->of[pick].tokens_per_second, y));
		put_price(c, a, a->fastest_training);
		put(a, " after the same number of tokens.\n");
	}
	if ((int)strlen(a->text) == said && c->n > 1)
		put(a, "Nothing measured here speaks for another: none has a step or a state smaller, or trains faster, by more than "
		    "%.0f%%.\n", 100 * UR_CLOSE);
	else if (c->n > 1) {
		char head[] = "\nChoose otherwise:\n";
		size_t n = strlen(a->text + said), room = sizeof a->text - (size_t)said - sizeof head;
		if (n > room)
			n = room;
		memmove(a->text + said + sizeof head - 1, a->text + said, n);
		memcpy(a->text + said, head, sizeof head - 1);
		a->text[(size_t)said + sizeof head - 1 + n] = 0;
	}
}

/* What grows with the length of a stream, where something does. */
static void put_growth(const ur_comparison *c, ur_advice *a)
{
	char x[24], y[24];
	int fixed = 0;

	for (int i = 0; i < c->n; i++)
		fixed += !c->of[i].diverged && c->of[i].limit == 0;
	for (int i = 0; i < c->n; i++) {
		const ur_contender *k = &c->of[i];
		const ur_latency *first = &k->latency[0], *last = at_end(c, i);

		if (k->diverged || k->limit == 0)
			continue;
		put(a, "\nOf live streams: %s sees at most %lld tokens back. From position %lld to %lld its step goes from %.0f to "
		    "%.0f us and its state from %s to %s; ", k->name, (long long)k->limit, (long long)first->position,
		    (long long)last->position, first->p50,
		    last->p50, bytes_text((double)first->state, x), bytes_text((double)last->state, y));
		put(a, fixed ? "the recurrent ones need the same at any position and have no limit.\n"
		             : "what lies further back is forgotten.\n");
	}
}

static void put_doubts(const ur_comparison *c, ur_advice *a)
{
	char tokens[24], scored[24];
	const int blocks = c->of[a->best].blocks.n;

	put(a, "\nHow sure: one text, one seed, %s training tokens each (%.1f passes over the training text). ",
	    count_text((double)c->tokens, tokens), c->passes);
	if (blocks > 1)
		put(a, "The intervals come from %s held-out tokens in %d blocks, compared block by block; they cover the choice of "
		    "text, not another seed, so differences below %.0f%% of the loss (%.3f) are called a tie.",
		    count_text((double)c->scored, scored), blocks,
		    100 * UR_TIE, UR_TIE * c->of[a->best].loss);
	else
		put(a, "The held-out text is too short for intervals: take the order as a hint, no more.");
	put(a, " With more training the order may change.\n");
	if (!c->own_heldout)
		put(a, "There is no test part: the text the learning rates were chosen on is also what is compared on, which "
		    "flatters all a little.\n");
	for (int i = 0; i < c->n; i++) {
		const ur_contender *k = &c->of[i];
		if (k->diverged)
			put(a, "%s is out: %s.\n", k->name, k->why);
		else if (k->tuning.trials > 1 && k->tuning.open)
			put(a, "%s did best with the %s learning rate tried, %.3g: a %s one might suit it better (more --trials would "
				"look).\n", k->name,
			    k->tuning.open > 0 ? "highest" : "lowest", k->tuning.trial[k->tuning.best].lr,
			    k->tuning.open > 0 ? "higher" : "lower");
		if (c->target > 0 && fabs(k->deviation) > UR_WIDTH_TOLERANCE)
			put(a, "%s has %.0f%% %s parameters than the target: it is not of the same size.\n", k->name,
			    100 * fabs(k->deviation), k->deviation > 0 ? "more" : "fewer");
	}
}

void ur_recommend(const ur_comparison *c, ur_advice *a)
{
	memset(a, 0, sizeof *a);
	choose(c, a);
	if (a->pick < 0) {
		put(a, "None can be recommended: every one diverged. Its learning rates may be too high for this text, or the text "
		    "may not be what it seems; train one alone with a small --lr to see.\n");
		return;
	}
	put_quality(c, a);
	put_otherwise(c, a);
	put_growth(c, a);
	put_doubts(c, a);
}
