/* Measurements in, words out. Quality decides first; those whose loss lies within UR_TIE of the best tie, and among
 * them the cheapest step decides, then the smallest state. Every number said was measured in the comparison. */
#include "compare/recommend.h"
#include "compare/words.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void ur_tell(ur_advice *a, const char *format, ...)
{
	size_t n = strlen(a->text);
	va_list list;

	va_start(list, format);
	(void)vsnprintf(a->text + n, sizeof a->text - n, format, list);
	va_end(list);
}

/* -- costs: each a number of a contender, smaller is better. Of pairs a sentence stands for a step -- */

static double step_cost(const ur_comparison *c, int i)
{
	const ur_latency *l = ur_latency_at(&c->of[i], ur_common_position(c));

	if (c->pairs)
		return c->of[i].sentence.samples ? c->of[i].sentence.p50 : INFINITY;
	return l ? l->p50 : INFINITY;
}

static double state_cost(const ur_comparison *c, int i)
{
	const ur_latency *l = ur_latency_at(&c->of[i], ur_common_position(c));

	if (c->pairs)
		return c->of[i].sentence.samples ? (double)(c->of[i].sentence.remembered + c->of[i].sentence.state) : INFINITY;
	return l ? (double)l->state : INFINITY;
}

static double training_cost(const ur_comparison *c, int i) { return 1 / c->of[i].tokens_per_second; }
static double loss_cost(const ur_comparison *c, int i) { return c->of[i].loss.mean; }

typedef double cost_of(const ur_comparison *c, int i);

/* The least of those marked (NULL: all that finished), but for one (-1: none); -1: none. */
static int least(const ur_comparison *c, cost_of *cost, const int *marked, int but)
{
	int best = -1;
	for (int i = 0; i < c->n; i++)
		if (!c->of[i].diverged && i != but && (!marked || marked[i]) && (best < 0 || cost(c, i) < cost(c, best)))
			best = i;
	return best;
}

static void choose(const ur_comparison *c, ur_advice *a)
{
	int cheap[UR_MOST_CONTENDERS];
	double margin;

	a->best = least(c, loss_cost, NULL, -1);
	a->pick = -1;
	if (a->best < 0)
		return;
	margin = UR_TIE * c->of[a->best].loss.mean;
	for (int i = 0; i < c->n; i++) {
		const ur_contender *k = &c->of[i];
		a->tied[i] = !k->diverged && (i == a->best || k->above.difference.mean < margin);
	}
	a->pick = least(c, step_cost, a->tied, -1);
	for (int i = 0; i < c->n; i++)
		cheap[i] = a->tied[i] && step_cost(c, i) <= step_cost(c, a->pick) * (1 + UR_CLOSE);
	a->pick = least(c, state_cost, cheap, -1);
}

/* -- words -- */

/* "60 us", of a sentence "2.41 ms". */
static const char *say_time(const ur_comparison *c, double us, ur_number out)
{
	(void)snprintf(out, sizeof(ur_number), c->pairs ? "%.3g ms" : "%.0f us", c->pairs ? us / 1e3 : us);
	return out;
}

/* "0.021 higher (95% interval 0.015 to 0.027, p = 0.003)": over seeds where there are some, else over the text. */
static void put_gap(ur_advice *a, const ur_comparison *c, int i)
{
	const ur_contender *k = &c->of[i];
	const ur_mean *d = &k->above.difference;

	ur_tell(a, "%.3f higher", d->mean);
	if (c->seeds > 1)
		ur_tell(a, " (95%% interval over %d seeds %.3f to %.3f, adjusted p = %.2g)", c->seeds, d->low, d->high,
		        k->p_holm);
	else if (!isnan(k->gap.low))
		ur_tell(a, " (95%% interval %s %.3f to %.3f)", ur_data_words_of(c->pairs)->over, k->gap.low, k->gap.high);
}

/* Names of the marked but `but`: "a", "a and b", "a, b and c"; returns how many. */
static int put_names(ur_advice *a, const ur_comparison *c, const int *marked, int but)
{
	int n = 0, done = 0;

	for (int i = 0; i < c->n; i++)
		n += marked[i] && i != but;
	for (int i = 0; i < c->n; i++)
		if (marked[i] && i != but) {
			ur_tell(a, "%s%s", done == 0 ? "" : done + 1 == n ? " and " : ", ", c->of[i].name);
			done++;
		}
	return n;
}

/* "1.794 nats a token (2.588 bits a byte)" */
static void put_loss(ur_advice *a, const ur_contender *k)
{
	ur_tell(a, "%.3f nats a token (%.3f bits a byte)", k->loss.mean, k->bits_per_byte.mean);
}

/* What a difference that is not sure lacks. */
static void put_sureness(ur_advice *a, const ur_comparison *c, int i)
{
	const ur_contender *k = &c->of[i];

	if (k->verdict != UR_UNSURE)
		return;
	if (c->seeds > 1 && !(k->p_holm < UR_SIGNIFICANT))
		ur_tell(a, "; %d seeds do not tell it from the best, more might", c->seeds);
	else
		ur_tell(a, "; %s to tell that from chance", ur_data_words_of(c->pairs)->few);
}

static void put_quality(const ur_comparison *c, ur_advice *a)
{
	const ur_contender *best = &c->of[a->best], *pick = &c->of[a->pick];
	int others[UR_MOST_CONTENDERS] = { 0 }, ties = 0, finished = 0, next;
	const char *held = ur_data_words_of(c->pairs)->held;
	ur_number text, more;

	for (int i = 0; i < c->n; i++) {
		others[i] = !c->of[i].diverged && !a->tied[i];
		finished += !c->of[i].diverged;
		ties += a->tied[i];
	}
	ur_tell(a, "Use %s (%s).", pick->name, pick->spec.text);
	if (finished == 1) {
		ur_tell(a, " It is the only one that finished: ");
		put_loss(a, best);
		ur_tell(a, " on the %s.\n", held);
		return;
	}
	next = least(c, loss_cost, others, -1);
	if (ties == 1) {
		ur_tell(a, " It has the lowest loss on the %s: ", held);
		put_loss(a, best);
		ur_tell(a, ". The next best, %s, is ", c->of[next].name);
	} else {
		ur_tell(a, " In quality ");
		put_names(a, c, a->tied, -1);
		ur_tell(a, " tie, within %.0f%%: %s has the lowest loss on the %s, ", 100 * UR_TIE, best->name, held);
		put_loss(a, best);
		for (int i = 0; i < c->n; i++)
			if (a->tied[i] && i != a->best) {
				ur_tell(a, "; %s is ", c->of[i].name);
				put_gap(a, c, i);
			}
		ur_tell(a, ". Of these %s is the cheapest to run", pick->name);
		if (step_cost(c, a->pick) > step_cost(c, least(c, step_cost, a->tied, -1)))
			ur_tell(a, c->pairs ? " (times within 10%% count as equal; it needs less memory)"
			                          : " (steps within 10%% count as equal; its state is smaller)");
		ur_tell(a, c->pairs ? ": %s a sentence and %s of memory for it" : ": %s a step and a state of %s",
		              say_time(c, step_cost(c, a->pick), more), ur_say_bytes(state_cost(c, a->pick), text));
		for (int i = 0, said = 0; i < c->n; i++)
			if (a->tied[i] && i != a->pick)
				ur_tell(a, "%s%s and %s with %s", said++ ? ", " : ", against ", say_time(c, step_cost(c, i), text),
				              ur_say_bytes(state_cost(c, i), more), c->of[i].name);
		ur_tell(a, next >= 0 ? ". The next, %s, is " : ".", next >= 0 ? c->of[next].name : "");
	}
	if (next >= 0) {
		put_gap(a, c, next);
		put_sureness(a, c, next);
		ur_tell(a, ".\n");
	} else {
		ur_tell(a, "\n");
	}
}

/* -- who wins under which need -- */

ur_by_need *ur_add_need(ur_advice *a, const char *need, int who)
{
	ur_by_need *n = &a->need[a->needs++];

	*n = (ur_by_need){ .need = need, .who = who };
	return n;
}

/* The cheapest, and how far the next is; why is the caller's to say. NULL: there is none. */
static ur_by_need *by_cost(const ur_comparison *c, ur_advice *a, const char *need, cost_of *cost, const char *measured)
{
	const int who = least(c, cost, NULL, -1), next = least(c, cost, NULL, who);
	ur_by_need *n;

	if (who < 0 || !isfinite(cost(c, who)))
		return NULL;
	n = ur_add_need(a, need, who);
	if (next < 0 || !isfinite(cost(c, next)))
		(void)snprintf(n->sure, sizeof n->sure, "%s", measured);
	else if (cost(c, next) <= cost(c, who) * (1 + UR_CLOSE))
		(void)snprintf(n->sure, sizeof n->sure, "%s; %s is within %.0f%%, as good as equal", measured, c->of[next].name,
		               100 * UR_CLOSE);
	else
		(void)snprintf(n->sure, sizeof n->sure,
		               cost(c, who) > 0 ? "%s; the next, %s, takes %.1f times as much" : "%s; not %s",
		               measured, c->of[next].name, cost(c, next) / cost(c, who));
	return n;
}

static void need_quality(const ur_comparison *c, ur_advice *a)
{
	const int next = least(c, loss_cost, NULL, a->best);
	const ur_contender *k = &c->of[a->best];
	ur_by_need *n = ur_add_need(a, "quality", a->best);

	(void)snprintf(n->why, sizeof n->why, "lowest loss %s: %.4f nats a token, %.4f bits a byte",
	               c->pairs ? "of held-out targets" : "with all the context each can use", k->loss.mean,
	               k->bits_per_byte.mean);
	if (next < 0)
		(void)snprintf(n->sure, sizeof n->sure, "nothing to compare with");
	else if (c->seeds > 1)
		(void)snprintf(n->sure, sizeof n->sure, "%s is %.4f higher, adjusted p = %.2g over %d seeds: %s",
		               c->of[next].name, c->of[next].above.difference.mean, c->of[next].p_holm, c->seeds,
		               c->of[next].verdict == UR_WORSE ? "significant" : c->of[next].p_holm < UR_SIGNIFICANT
		               ? c->pairs ? "seeds agree, the pairs are too few to be sure"
		                          : "seeds agree, the text is too short to be sure" : "not significant");
	else
		(void)snprintf(n->sure, sizeof n->sure, "%s is %.4f higher; one seed, so how another would turn out "
		               "is not known", c->of[next].name, c->of[next].above.difference.mean);
}

/* No end to how far it can look back, then what it makes of it. */
static double context_cost(const ur_comparison *c, int i)
{
	return c->of[i].limit > 0 ? 1e6 - fmin((double)c->of[i].limit, 1e5) : c->of[i].loss.mean;
}

static void need_context(const ur_comparison *c, ur_advice *a)
{
	const int who = least(c, context_cost, NULL, -1);
	const ur_contender *k = &c->of[who];
	ur_by_need *n = ur_add_need(a, "context", who);
	const double gain = k->loss_same.mean - k->loss.mean;

	if (k->limit > 0)
		(void)snprintf(n->why, sizeof n->why, "sees furthest back: %lld tokens", (long long)k->limit);
	else
		(void)snprintf(n->why, sizeof n->why, "its stream has no end, and of those it has the lowest loss");
	(void)snprintf(n->sure, sizeof n->sure, "measured: with all its context instead of at most %lld tokens "
	               "its loss is %.4f %s", (long long)c->context, fabs(gain), gain >= 0 ? "lower" : "higher");
}

static void need_training(const ur_comparison *c, ur_advice *a)
{
	for (int i = 0; i < c->equals; i++) {
		const ur_equal *e = &c->equal[i];
		ur_by_need *n;
		int ties = -1;

		if (e->axis != UR_AXIS_SECONDS || e->leader < 0)
			continue;
		for (int k = 0; k < c->n; k++)
			ties += e->tied[k];
		n = ur_add_need(a, "training time", e->leader);
		(void)snprintf(n->why, sizeof n->why, "lowest loss after the same %.3g s of training on this machine: "
		               "%.4f nats a token%s%s", e->at, e->loss[e->leader].mean,
		               e->finished ? "" : " on the validation ", e->finished ? "" : c->pairs ? "pairs" : "text");
		if (ties > 0)
			(void)snprintf(n->sure, sizeof n->sure, "measured; %d other%s cannot be told from it", ties,
			               ties == 1 ? "" : "s");
		else
			(void)snprintf(n->sure, sizeof n->sure, "measured with %d seed%s: %s", c->seeds, c->seeds == 1 ? "" : "s",
			               c->seeds > 1 ? "every other is higher" : "another might move it");
	}
}

static void list_needs(const ur_comparison *c, ur_advice *a)
{
	char at[120];
	ur_number x;
	ur_by_need *n;

	need_quality(c, a);
	if (c->pairs)
		(void)snprintf(at, sizeof at, "measured one sentence at a time on one thread, sources of %d tokens at the "
		               "median", c->of[a->best].sentence.source_tokens - 1);
	else
		(void)snprintf(at, sizeof at, "measured after %lld tokens, one stream on one thread",
		               (long long)ur_common_position(c));
	if ((n = by_cost(c, a, "latency", step_cost, at)))
		(void)snprintf(n->why, sizeof n->why, c->pairs ? "fastest sentence: %.3g ms" : "fastest step: %.1f us",
		               step_cost(c, n->who) / (c->pairs ? 1e3 : 1));
	if ((n = by_cost(c, a, "memory", state_cost, at)))
		(void)snprintf(n->why, sizeof n->why, c->pairs ? "least memory of a sentence at work: %s"
		               : "smallest state of a live stream: %s", ur_say_bytes(state_cost(c, n->who), x));
	if (c->pairs)
		ur_advise_long_sources(c, a);
	else
		need_context(c, a);
	need_training(c, a);
	if ((n = by_cost(c, a, "training speed", training_cost, "measured over all runs")))
		(void)snprintf(n->why, sizeof n->why, "most training tokens a second: %s",
		               ur_say_count(c->of[n->who].tokens_per_second, x));
}

/* -- otherwise -- */

/* What `i` would cost in quality instead of the pick. */
static void put_price(const ur_comparison *c, ur_advice *a, int i)
{
	const double d = c->of[i].loss.mean - c->of[a->pick].loss.mean;
	ur_tell(a, d <= 0 ? ", and its loss is %.3f lower" : ", for a loss %.3f higher", fabs(d));
}

/* Whether contender i is better than the pick at this cost by more than is called equal. */
static int much_less(const ur_comparison *c, const ur_advice *a, cost_of *cost, int i)
{
	return i >= 0 && i != a->pick && cost(c, a->pick) > cost(c, i) * (1 + UR_CLOSE);
}

static void put_otherwise(const ur_comparison *c, ur_advice *a)
{
	const int pick = a->pick, step = least(c, step_cost, NULL, -1), state = least(c, state_cost, NULL, -1);
	const int training = least(c, training_cost, NULL, -1);
	const ur_data_words *w = ur_data_words_of(c->pairs);
	ur_number x, y;
	int said = 0;

#define OTHERWISE (said++ ? "" : "\nChoose otherwise:\n")
	if (a->best != pick) {
		const ur_contender *k = &c->of[pick];
		ur_tell(a, "%s- For the last bit of quality: %s, %.3f lower; ", OTHERWISE, c->of[a->best].name,
		    k->above.difference.mean);
		if (c->seeds > 1 && !(k->p_holm < UR_SIGNIFICANT))
			ur_tell(a, "%d seeds do not tell that from chance.\n", c->seeds);
		else if (k->gap.low > 0)
			ur_tell(a, "the difference is small but larger than the %s noise.\n", c->pairs ? "pairs'" : "text's");
		else
			ur_tell(a, "%s to tell that from chance.\n", w->few);
	}
	if (much_less(c, a, step_cost, step)) {
		ur_tell(a, "%s- For the fastest %s: %s, %s instead of %s (%.1f times as fast)", OTHERWISE,
		              c->pairs ? "translations" : "step", c->of[step].name, say_time(c, step_cost(c, step), x),
		              say_time(c, step_cost(c, pick), y), step_cost(c, pick) / step_cost(c, step));
		put_price(c, a, step);
		ur_tell(a, ".\n");
	}
	if (much_less(c, a, state_cost, state)) {
		ur_tell(a, "%s- For %s: %s, %s instead of %s", OTHERWISE, c->pairs ? "the least memory of a translation"
		              : "the smallest state of a live stream", c->of[state].name, ur_say_bytes(state_cost(c, state), x),
		              ur_say_bytes(state_cost(c, pick), y));
		put_price(c, a, state);
		ur_tell(a, ".\n");
	}
	if (much_less(c, a, training_cost, training)) {
		ur_tell(a, "%s- For the fastest training: %s, %s tokens a second instead of %s", OTHERWISE,
		        c->of[training].name,
		    ur_say_count(c->of[training].tokens_per_second, x), ur_say_count(c->of[pick].tokens_per_second, y));
		put_price(c, a, training);
		ur_tell(a, " at the end.\n");
	}
#undef OTHERWISE
	if (!said && c->n > 1)
		ur_tell(a, "Nothing measured here speaks for another: none %s, or trains faster, by more than %.0f%%.\n",
		              c->pairs ? "translates faster, or in less memory" : "has a step or a state smaller",
		              100 * UR_CLOSE);
}

/* What grows with the length of a stream, where something does. */
static void put_growth(const ur_comparison *c, ur_advice *a)
{
	const int64_t at = ur_common_position(c);
	ur_number x, y;
	int fixed = 0;

	for (int i = 0; i < c->n; i++)
		fixed += !c->of[i].diverged && c->of[i].limit == 0;
	for (int i = 0; i < c->n; i++) {
		const ur_contender *k = &c->of[i];
		const ur_latency *first = k->positions > 0 ? &k->latency[0] : NULL, *last = ur_latency_at(k, at);

		if (k->diverged || k->limit == 0 || !first || !last)
			continue;
		ur_tell(a, "\nOf live streams: %s sees at most %lld tokens back. From position %lld to %lld its step goes from "
		    "%.0f to %.0f us and its state from %s to %s; ", k->name, (long long)k->limit, (long long)first->position,
		    (long long)last->position, first->p50, last->p50, ur_say_bytes((double)first->state, x),
		    ur_say_bytes((double)last->state, y));
		ur_tell(a, fixed ? "the recurrent ones need the same at any position and have no limit.\n"
		             : "what lies further back is forgotten.\n");
	}
}

/* Of whole sequences: who overtakes whom. */
static void put_crossings(const ur_comparison *c, ur_advice *a)
{
	for (int i = 0; i < c->crossings[0]; i++) {
		const ur_pair_cross *p = &c->crossing[0][i];
		const int first = p->cross.first ? p->b : p->a, second = p->cross.first ? p->a : p->b;

		if (p->cross.kind != UR_CROSS_AT || (p->a != a->pick && p->b != a->pick))
			continue;
		ur_tell(a, "\nWhole sequences: %s reads them faster up to about %.0f tokens", c->of[first].name, p->cross.at);
		if (!isnan(p->cross.low))
			ur_tell(a, " (95%% interval %.0f to %.0f)", p->cross.low, p->cross.high);
		ur_tell(a, ", %s beyond.\n", c->of[second].name);
	}
}

static void put_doubts(const ur_comparison *c, ur_advice *a)
{
	const int blocks = c->of[a->best].run[0].blocks.n;
	const ur_data_words *w = ur_data_words_of(c->pairs);
	ur_number scored;

	ur_tell(a, "\nHow sure: %s, %d seed%s. ", w->one, c->seeds, c->seeds == 1 ? "" : "s");
	if (c->seeds > 1)
		ur_tell(a, "A difference is called real when a paired t-test over seeds, adjusted by Holm for all pairs%s, "
		    "gives p < %.2f and %s (%s held-out tokens in %d block%s) does not explain it; one below %.0f%% of the "
		    "loss (%.3f) is too small to choose by, however sure. By seed the order is %s.",
		    c->pairs ? " of models" : "",
		    UR_SIGNIFICANT, w->noise, ur_say_count((double)c->scored, scored), blocks, blocks == 1 ? "" : "s",
		    100 * UR_TIE, UR_TIE * c->of[a->best].loss.mean,
		    c->same_order ? "the same each time" : "not the same each time");
	else if (blocks > 1)
		ur_tell(a, "The intervals come from %s held-out tokens in %d blocks, compared block by block, each by itself; "
		    "they cover %s, not another seed, so differences below %.0f%% of the loss (%.3f) are called a "
		    "tie; --seeds 3 would tell more.",
		    ur_say_count((double)c->scored, scored), blocks, w->choice, 100 * UR_TIE,
		    UR_TIE * c->of[a->best].loss.mean);
	else
		ur_tell(a, "T%s for intervals: take the order as a hint, no more.", w->few + 1);
	ur_tell(a, " With more training the order may change.\n");
	if (!c->own_heldout)
		ur_tell(a, "There is no test part: %s also what is compared on, which flatters all a little.\n",
		              w->tuned);
	if (c->left_out > 0)
		ur_tell(a, "%lld held-out pairs are too long for the most limited model and are left out for all.\n",
		              (long long)c->left_out);
	for (int i = 0; i < c->n; i++) {
		const ur_contender *k = &c->of[i];

		if (k->diverged)
			ur_tell(a, "%s is out: %s.\n", k->name, k->why);
		for (int p = 0; p < c->tuned && !k->diverged; p++) {
			const ur_tuning *t = &k->tuning[p];
			if (t->trials > 1 && t->best >= 0 && t->open)
				ur_tell(a, "%s did best with the %s %s tried, %.3g: a %s one might suit it better "
				    "(more --trials would look).\n",
				    k->name, t->open > 0 ? "highest" : "lowest", c->tune[p]->name, t->trial[t->best].value,
				    t->open > 0 ? "higher" : "lower");
		}
		if (c->target > 0 && fabs(k->deviation) > UR_WIDTH_TOLERANCE)
			ur_tell(a, "%s has %.0f%% %s parameters than the target: it is not of the same size.\n", k->name,
			    100 * fabs(k->deviation), k->deviation > 0 ? "more" : "fewer");
	}
}

void ur_recommend(const ur_comparison *c, ur_advice *a)
{
	memset(a, 0, sizeof *a);
	choose(c, a);
	if (a->pick < 0) {
		ur_tell(a, "None can be recommended: every one diverged. Its learning rates may be too high for this text, or "
		    "the text may not be what it seems; train one alone with a small --lr to see.\n");
		return;
	}
	put_quality(c, a);
	put_otherwise(c, a);
	put_growth(c, a);
	put_crossings(c, a);
	if (c->pairs)
		ur_advise_bottleneck(c, a);
	put_doubts(c, a);
	list_needs(c, a);
}
