/* Words on pairs: what becomes of long sources. Nothing is claimed that intervals do not bear. */
#include "compare/recommend.h"

#include <stdio.h>

static const ur_length_bin *shortest(const ur_contender *k) { return &k->length[0]; }
static const ur_length_bin *longest(const ur_contender *k) { return &k->length[k->length_bins - 1]; }

/* "of 2 to 5 tokens" */
static void put_lengths(ur_advice *a, const ur_length_bin *b)
{
	if (b->from == b->to)
		ur_tell(a, "of %d token%s", b->from, b->from == 1 ? "" : "s");
	else
		ur_tell(a, "of %d to %d tokens", b->from, b->to);
}

/* "3.1% (2.0 to 4.4)" */
static void put_errors(ur_advice *a, const ur_length_bin *b)
{
	ur_tell(a, "%.1f%% (%.1f to %.1f)", 100 * b->errors, 100 * b->errors_low, 100 * b->errors_high);
}

static void put_lines(const ur_comparison *c, ur_advice *a)
{
	for (int i = 0; i < c->n; i++) {
		const ur_contender *k = &c->of[i];

		if (k->diverged || k->length_bins < 2)
			continue;
		ur_tell(a, "- %s, %s attention: ", k->name, k->attends ? "with" : "without");
		put_errors(a, shortest(k));
		ur_tell(a, ", then ");
		put_errors(a, longest(k));
		ur_tell(a, longest(k)->errors_low > shortest(k)->errors_high   ? ": more on long sources"
		                 : longest(k)->errors_high < shortest(k)->errors_low ? ": fewer on long sources"
		                                                                     : ": not to be told apart");
		ur_tell(a, ".\n");
	}
}

static void put_conclusion(const ur_comparison *c, ur_advice *a)
{
	const ur_bottleneck *b = &c->bottleneck;
	const ur_contender *without, *with;

	if (b->without < 0 || b->with < 0) {
		ur_tell(a, "All of them work %s attention, so what it would change cannot be told.\n",
		              b->without < 0 ? "with" : "without");
		return;
	}
	without = &c->of[b->without];
	with = &c->of[b->with];
	if (b->kind == UR_BOTTLENECK_SHOWS)
		ur_tell(a, "The bottleneck shows: on the longest sources %s makes fewer errors than %s, outside the "
		    "intervals, and by more than on the shortest, whatever within the intervals is true; %s. What does not fit "
		    "into an encoder's last state, attention looks up.\n", with->name, without->name,
		              c->seeds > 1 ? "every seed says the same" : "of one seed, though: another might say otherwise");
	else if (b->kind == UR_BOTTLENECK_UNSURE)
		ur_tell(a, "On the longest sources the kept %s makes fewer errors than the kept %s, and gains more there than "
		    "on the shortest, outside the intervals; but only %d of %d seeds agree, so that may be these two models "
		    "and no bottleneck.\n", with->name, without->name, b->agree, c->seeds);
	else if (b->kind == UR_BOTTLENECK_EVERYWHERE)
		ur_tell(a, "On the longest sources %s makes fewer errors than %s, outside the intervals; but that it gains "
		    "more there than on the shortest these do not show. It may be the better model without a bottleneck in the "
		    "other.\n", with->name, without->name);
	else if (longest(with)->errors_low > longest(without)->errors_high)
		ur_tell(a, "On the longest sources %s makes more errors than %s, outside the intervals: no bottleneck shows.\n",
		              with->name, without->name);
	else
		ur_tell(a, "On the longest sources the intervals of %s and %s overlap: no bottleneck shows here.\n",
		              without->name, with->name);
}

void ur_advise_bottleneck(const ur_comparison *c, ur_advice *a)
{
	const ur_contender *some = NULL;

	for (int i = 0; i < c->n && !some; i++)
		if (!c->of[i].diverged && c->of[i].length_bins > 1)
			some = &c->of[i];
	if (!some) {
		ur_tell(a, "\nLong sources: the held-out sources are too few, or too much alike in length, to tell what "
		              "length does.\n");
		return;
	}
	ur_tell(a, "\nLong sources: tokens that are wrong (to insert, delete or change, of each in the target), on "
	              "the shortest sources (");
	put_lengths(a, shortest(some));
	ur_tell(a, ", %lld of them) and on the longest (", (long long)shortest(some)->n);
	put_lengths(a, longest(some));
	ur_tell(a, ", %lld), with 95%% intervals over sources, each of one kept model.\n", (long long)longest(some)->n);
	put_lines(c, a);
	ur_tell(a, "\n");
	put_conclusion(c, a);
}

void ur_advise_long_sources(const ur_comparison *c, ur_advice *a)
{
	int who = -1, next = -1;
	const ur_length_bin *b, *other;
	ur_by_need *n;

	for (int i = 0; i < c->n; i++) {
		if (c->of[i].diverged || c->of[i].length_bins < 2)
			continue;
		if (who < 0 || longest(&c->of[i])->errors < longest(&c->of[who])->errors) {
			next = who;
			who = i;
		} else if (next < 0 || longest(&c->of[i])->errors < longest(&c->of[next])->errors) {
			next = i;
		}
	}
	if (who < 0)
		return;
	b = longest(&c->of[who]);
	n = ur_add_need(a, "long sources", who);
	(void)snprintf(n->why, sizeof n->why, "fewest wrong tokens on the longest sources, of %d tokens and more: %.1f%% "
	               "(95%% interval %.1f to %.1f)", b->from, 100 * b->errors, 100 * b->errors_low, 100 * b->errors_high);
	if (next < 0) {
		(void)snprintf(n->sure, sizeof n->sure, "nothing to compare with");
		return;
	}
	other = longest(&c->of[next]);
	(void)snprintf(n->sure, sizeof n->sure, "the next, %s, has %.1f%% (%.1f to %.1f): the intervals %s",
	               c->of[next].name, 100 * other->errors, 100 * other->errors_low, 100 * other->errors_high,
	               other->errors_low > b->errors_high ? "lie apart" : "overlap, which tells nothing");
}
