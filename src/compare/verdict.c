/* From measurements to what they say, without words: means over seeds, differences from the best with their intervals,
 * who leads at equal tokens, arithmetic and time, where costs cross, and what lengths would change. Pure. */
#include "compare/compare.h"

#include <math.h>
#include <string.h>

/* -- losses -- */

static double loss_of(const ur_trained *r) { return r->loss; }
static double same_of(const ur_trained *r) { return r->loss_same; }
static double bits_of(const ur_trained *r) { return r->bits_per_byte; }
static double exact_of(const ur_trained *r) { return r->translated.exact; }
static double bleu_of(const ur_trained *r) { return r->translated.bleu; } /* NaN: not told, of any run */
static double token_errors_of(const ur_trained *r) { return r->translated.token_errors; }
static double word_errors_of(const ur_trained *r) { return r->translated.word_errors; }
static double cut_of(const ur_trained *r) { return (double)r->translated.cut / (double)r->translated.n; }

static void over_seeds(const ur_contender *c, int seeds, double (*value)(const ur_trained *), double *out)
{
	for (int s = 0; s < seeds; s++)
		out[s] = value(&c->run[s]);
}

static ur_mean mean_over_seeds(const ur_contender *c, int seeds, double (*value)(const ur_trained *))
{
	double x[UR_MOST_SEEDS];
	over_seeds(c, seeds, value, x);
	return ur_mean_of(seeds, x);
}

/* An interval of what lies between 0 and `most` does not leave it. */
static ur_mean within(ur_mean m, double most)
{
	if (m.n > 1 && !isnan(m.mean)) {
		m.low = fmax(m.low, 0);
		m.high = fmin(m.high, most);
	}
	return m;
}

static void translations(ur_contender *c, int seeds)
{
	c->exact = within(mean_over_seeds(c, seeds, exact_of), 1);
	c->bleu = within(mean_over_seeds(c, seeds, bleu_of), 100);
	c->token_errors = within(mean_over_seeds(c, seeds, token_errors_of), INFINITY);
	c->word_errors = within(mean_over_seeds(c, seeds, word_errors_of), INFINITY);
	c->cut = within(mean_over_seeds(c, seeds, cut_of), 1);
}

/* Of those that attend, or do not, the one with the lowest loss that has lengths to compare; -1: none. */
static int best_by_lengths(const ur_comparison *c, int attends)
{
	int best = -1;

	for (int i = 0; i < c->n; i++) {
		const ur_contender *k = &c->of[i];
		if (!k->diverged && !k->attends == !attends && k->length_bins > 1 &&
		    (best < 0 || k->loss.mean < c->of[best].loss.mean))
			best = i;
	}
	return best;
}

static void find_bottleneck(ur_comparison *c)
{
	ur_bottleneck *b = &c->bottleneck;
	const ur_length_bin *without, *with;
	double gap, gap_short;

	*b = (ur_bottleneck){ UR_BOTTLENECK_UNKNOWN, best_by_lengths(c, 0), best_by_lengths(c, 1), 0 };
	if (b->without < 0 || b->with < 0)
		return;
	without = c->of[b->without].length;
	with = c->of[b->with].length;
	gap_short = without->errors_high - with->errors_low; /* at most */
	without += c->of[b->without].length_bins - 1;
	with += c->of[b->with].length_bins - 1;
	gap = without->errors_low - with->errors_high; /* at least */
	for (int s = 0; s < c->seeds; s++) {
		const ur_trained *x = &c->of[b->without].run[s], *y = &c->of[b->with].run[s];
		const double more = x->long_errors - y->long_errors;
		b->agree += more > 0 && more > x->short_errors - y->short_errors;
	}
	b->kind = !(gap > 0)             ? UR_BOTTLENECK_NONE
	          : !(gap > gap_short)   ? UR_BOTTLENECK_EVERYWHERE
	          : b->agree < c->seeds  ? UR_BOTTLENECK_UNSURE
	                                 : UR_BOTTLENECK_SHOWS;
}

/* Blocks of the text, averaged over seeds. */
static void mean_blocks(const ur_contender *c, int seeds, ur_blocks *out)
{
	*out = c->run[0].blocks;
	for (int b = 0; b < out->n; b++) {
		out->mean[b] = 0;
		for (int s = 0; s < seeds; s++)
			out->mean[b] += c->run[s].blocks.mean[b] / seeds;
	}
}

static int best_of(const ur_comparison *c)
{
	int best = -1;

	for (int i = 0; i < c->n; i++)
		if (!c->of[i].diverged && (best < 0 || c->of[i].loss.mean < c->of[best].loss.mean))
			best = i;
	return best;
}

/* What a test over seeds gives each contender against one of them, adjusted by Holm for all pairs there are: the one
 * was chosen by the same losses. NaN for itself, and for those that have no losses. */
static void test_pairs(const ur_comparison *c, double losses[][UR_MOST_SEEDS], int reference, double *p)
{
	double all[UR_MOST_CONTENDERS * UR_MOST_CONTENDERS];
	int n = 0, place[UR_MOST_CONTENDERS];

	for (int i = 0; i < c->n; i++) {
		place[i] = -1;
		for (int j = 0; j < i; j++) {
			if (isnan(losses[i][0]) || isnan(losses[j][0]))
				continue;
			if (i == reference)
				place[j] = n;
			else if (j == reference)
				place[i] = n;
			all[n++] = ur_paired_test(c->seeds, losses[i], losses[j]).p;
		}
	}
	ur_holm(n, all);
	for (int i = 0; i < c->n; i++)
		p[i] = place[i] < 0 ? NAN : all[place[i]];
}

/* Worse: by more than what is too small to matter, by the text's blocks and, where there are seeds to ask, by those. */
static ur_verdict judge(const ur_comparison *c, const ur_contender *k, double best_loss)
{
	const int by_text = k->gap.low > 0, by_seeds = c->seeds < 2 || k->p_holm < UR_SIGNIFICANT;

	if (k->above.difference.mean < UR_TIE * best_loss)
		return UR_TIED;
	return by_text && by_seeds ? UR_WORSE : UR_UNSURE;
}

static void held_out(const ur_comparison *c, double losses[][UR_MOST_SEEDS])
{
	for (int i = 0; i < c->n; i++)
		for (int s = 0; s < c->seeds; s++)
			losses[i][s] = c->of[i].diverged ? NAN : c->of[i].run[s].loss;
}

static void against_best(ur_comparison *c, int best)
{
	double losses[UR_MOST_CONTENDERS][UR_MOST_SEEDS], p[UR_MOST_CONTENDERS];
	ur_blocks blocks, best_blocks;

	held_out(c, losses);
	test_pairs(c, losses, best, p);
	mean_blocks(&c->of[best], c->seeds, &best_blocks);
	for (int i = 0; i < c->n; i++) {
		ur_contender *k = &c->of[i];

		if (k->diverged)
			continue;
		mean_blocks(k, c->seeds, &blocks);
		k->above = ur_paired_test(c->seeds, losses[i], losses[best]);
		k->gap = ur_paired_gap(&blocks, &best_blocks);
		k->p_holm = p[i];
		k->verdict = i == best ? UR_BEST : judge(c, k, c->of[best].loss.mean);
		k->rank = 1;
		for (int j = 0; j < c->n; j++)
			k->rank += !c->of[j].diverged && c->of[j].loss.mean < k->loss.mean;
	}
}

/* -- costs of training -- */

static void training_costs(const ur_comparison *c, ur_contender *k)
{
	double tokens = 0, seconds = 0, joules = 0;

	k->memory = k->run[0].memory;
	for (int s = 0; s < c->seeds; s++) {
		tokens += (double)k->run[s].tokens;
		seconds += k->run[s].seconds;
		joules += k->run[s].joules;
		if (k->run[s].memory.peak > k->memory.peak)
			k->memory = k->run[s].memory;
	}
	k->tokens_per_second = tokens / seconds;
	k->joules_per_token = joules / tokens;
	k->share_of_peak = k->flops_per_token * k->tokens_per_second / c->speed.flops;
}

const ur_latency *ur_latency_at(const ur_contender *k, int64_t position)
{
	for (int p = 0; p < k->positions; p++)
		if (k->latency[p].position == position)
			return &k->latency[p];
	return NULL;
}

int64_t ur_common_position(const ur_comparison *c)
{
	int64_t common = -1;

	for (int i = 0; i < c->n; i++) {
		const ur_contender *k = &c->of[i];
		int64_t last = -1;
		if (k->diverged)
			continue;
		for (int p = 0; p < k->positions; p++)
			if (!k->stretched[p])
				last = k->latency[p].position;
		if (last >= 0 && (common < 0 || last < common))
			common = last;
	}
	return common;
}

/* Growth at large lengths: from 1,024 on where that leaves three points, else from the smallest. */
static ur_power growth(int n, const double *x, const double *y)
{
	int from = 0;

	while (from < n && x[from] < 1024)
		from++;
	if (n - from < 3)
		from = 0;
	return ur_power_fit(n - from, x + from, y + from);
}

static void growths(ur_contender *k)
{
	double x[UR_POSITIONS + UR_LENGTHS], y[UR_POSITIONS + UR_LENGTHS], z[UR_POSITIONS];

	for (int i = 0; i < k->positions; i++) {
		x[i] = (double)k->latency[i].position + 1;
		y[i] = k->latency[i].p50;
		z[i] = (double)k->latency[i].state;
	}
	k->step_fit = growth(k->positions, x, y);
	k->state_fit = growth(k->positions, x, z);
	for (int i = 0; i < k->lengths; i++) {
		x[i] = (double)k->prefill[i].T;
		y[i] = ur_prefill_seconds(&k->prefill[i]);
	}
	k->prefill_fit = growth(k->lengths, x, y);
}

/* -- equal budgets -- */

/* The curve averaged over seeds: their points are at the same steps, and of pairs at nearly the same tokens. */
static ur_curve mean_curve(const ur_contender *c, int seeds, ur_curve_point room[2 * UR_VALIDATIONS])
{
	int n = c->run[0].points;

	for (int s = 1; s < seeds; s++)
		n = c->run[s].points < n ? c->run[s].points : n;
	for (int i = 0; i < n; i++) {
		room[i] = (ur_curve_point){ .decayed = c->run[0].curve[i].decayed };
		for (int s = 0; s < seeds; s++) {
			room[i].loss += c->run[s].curve[i].loss / seeds;
			for (ur_axis axis = 0; axis < UR_AXES; axis++)
				room[i].x[axis] += c->run[s].curve[i].x[axis];
		}
		for (ur_axis axis = 0; axis < UR_AXES; axis++)
			room[i].x[axis] /= seeds;
	}
	return (ur_curve){ n, room };
}

/* The lowest mean of losses by seed. */
static void find_leader(const ur_comparison *c, ur_equal *e, double losses[][UR_MOST_SEEDS])
{
	e->leader = -1;
	for (int i = 0; i < c->n; i++) {
		e->loss[i] = ur_mean_of(c->seeds, losses[i]);
		if (isfinite(e->loss[i].mean) && (e->leader < 0 || e->loss[i].mean < e->loss[e->leader].mean))
			e->leader = i;
	}
}

/* Who cannot be told from the leader: by a test over seeds, or, of one seed, by what is too small to matter. */
static void find_ties(const ur_comparison *c, ur_equal *e, double losses[][UR_MOST_SEEDS])
{
	double p[UR_MOST_CONTENDERS];

	if (e->leader < 0)
		return;
	test_pairs(c, losses, e->leader, p);
	for (int i = 0; i < c->n; i++)
		e->tied[i] = i == e->leader || (isfinite(e->loss[i].mean) && (c->seeds < 2
			? e->loss[i].mean - e->loss[e->leader].mean < UR_TIE * e->loss[e->leader].mean : !(p[i] < UR_SIGNIFICANT)));
}

static double spent(const ur_contender *k, const ur_trained *r, ur_axis axis)
{
	return axis == UR_AXIS_SECONDS ? r->seconds : (double)r->tokens * (axis == UR_AXIS_FLOPS ? k->flops_per_token : 1);
}

/* Mean, least and most of what whole runs took. */
static void whole_runs(const ur_comparison *c, ur_equal *e)
{
	double sum = 0;
	int n = 0;

	e->low = INFINITY;
	e->high = 0;
	for (int i = 0; i < c->n; i++)
		for (int s = 0; s < c->seeds && !c->of[i].diverged; s++, n++) {
			const double x = spent(&c->of[i], &c->of[i].run[s], e->axis);
			sum += x;
			e->low = fmin(e->low, x);
			e->high = fmax(e->high, x);
		}
	e->at = sum / n;
}

/* The runs' ends: their held-out losses, and the verdicts that were given on them. */
static void at_ends(const ur_comparison *c, ur_equal *e)
{
	double losses[UR_MOST_CONTENDERS][UR_MOST_SEEDS];

	held_out(c, losses);
	e->finished = 1;
	find_leader(c, e, losses);
	for (int i = 0; i < c->n; i++)
		e->tied[i] = !c->of[i].diverged && c->of[i].verdict != UR_WORSE;
}

/* Where no run's rate had fallen: validation losses. */
static void on_the_way(const ur_comparison *c, int n, const ur_curve *finished, ur_equal *e)
{
	double losses[UR_MOST_CONTENDERS][UR_MOST_SEEDS];

	e->at = e->low = e->high = ur_curves_common(n, finished, e->axis);
	e->finished = 0;
	for (int i = 0; i < c->n; i++)
		for (int s = 0; s < c->seeds; s++)
			losses[i][s] = c->of[i].diverged || !(e->at > 0) ? NAN
				: ur_curve_at(&(ur_curve){ c->of[i].run[s].points, c->of[i].run[s].curve }, e->axis, e->at);
	find_leader(c, e, losses);
	find_ties(c, e, losses);
}

/* Whether runs of this kind of budget end at equal values of an axis. */
static int ends_equal(ur_budget_kind kind, ur_axis axis)
{
	return kind == UR_BUDGET_TOKENS ? axis == UR_AXIS_TOKENS : kind == UR_BUDGET_FLOPS ? axis == UR_AXIS_FLOPS
	                                                                                : axis == UR_AXIS_SECONDS;
}

/* Times are only as equal as calibration was good, and tokens may have been given one by one. */
static int are_equal(const ur_equal *e)
{
	return e->high <= e->low * (e->axis == UR_AXIS_SECONDS ? 1.15 : 1.02);
}

/* -- lengths -- */

/* Seconds a token of a whole sequence of T takes, straight in log-log between what was measured, by the fit beyond;
 * NaN: not to be told. */
static double token_seconds(const ur_contender *k, double T)
{
	double x0 = 0, y0 = 0;

	for (int i = 0; i < k->lengths; i++) {
		double x = (double)k->prefill[i].T, y = ur_prefill_seconds(&k->prefill[i]) / x;
		if (x >= T)
			return i == 0 ? y : y0 * exp(log(y / y0) * log(T / x0) / log(x / x0));
		x0 = x;
		y0 = y;
	}
	return k->lengths < 2 ? NAN : y0 * pow(T / x0, k->prefill_fit.exponent - 1);
}

static void one_length(const ur_comparison *c, const ur_curve *mean, double seconds, ur_by_length *b)
{
	b->winner = -1;
	for (int i = 0; i < c->n; i++) {
		const ur_contender *k = &c->of[i];
		/* training in batches hides what a short sequence alone cannot: cost never falls with length */
		const double ratio = k->diverged ? NAN : token_seconds(k, (double)b->T) / token_seconds(k, k->recipe.window);

		b->tokens[i] = isnan(ratio) ? NAN : k->tokens_per_second * seconds / fmax(ratio, 1);
		b->loss[i] = isnan(ratio) ? NAN : ur_curve_at(&mean[i], UR_AXIS_TOKENS, b->tokens[i]);
		if (isfinite(b->loss[i]) && (b->winner < 0 || b->loss[i] < b->loss[b->winner]))
			b->winner = i;
	}
}

static void by_length(ur_comparison *c, const ur_curve *mean, int n, const ur_curve *finished)
{
	static const int64_t lengths[UR_BY_LENGTH] = { 512, 2048, 8192, 32768 };
	const double seconds = ur_curves_common(n, finished, UR_AXIS_SECONDS);

	for (int l = 0; l < UR_BY_LENGTH && seconds > 0; l++) {
		ur_by_length *b = &c->by_length[c->lengths++];
		b->T = lengths[l];
		one_length(c, mean, seconds, b);
	}
}

/* -- crossings -- */

/* A length that took too long for all repeats has NaN for those it lacks. */
static int common_lengths(const ur_contender *a, const ur_contender *b, double *x, double *ya, double *yb)
{
	int n = a->lengths < b->lengths ? a->lengths : b->lengths;

	for (int i = 0; i < n; i++) {
		x[i] = (double)a->prefill[i].T;
		for (int r = 0; r < UR_PREFILL_REPEATS; r++) {
			ya[i * UR_PREFILL_REPEATS + r] = r < a->prefill[i].repeats ? a->prefill[i].seconds[r] : NAN;
			yb[i * UR_PREFILL_REPEATS + r] = r < b->prefill[i].repeats ? b->prefill[i].seconds[r] : NAN;
		}
	}
	return n;
}

static int common_positions(const ur_contender *a, const ur_contender *b, double *x, double *ya, double *yb)
{
	int n = 0;

	while (n < a->positions && n < b->positions && a->latency[n].position == b->latency[n].position) {
		x[n] = (double)a->latency[n].position + 1;
		ya[n] = a->latency[n].p50;
		yb[n] = b->latency[n].p50;
		n++;
	}
	return n;
}

static void crossings(ur_comparison *c)
{
	double x[UR_LENGTHS], ya[UR_LENGTHS * UR_PREFILL_REPEATS], yb[UR_LENGTHS * UR_PREFILL_REPEATS];

	for (int a = 0; a < c->n; a++)
		for (int b = a + 1; b < c->n; b++) {
			ur_cross cross;
			int n;
			if (c->of[a].diverged || c->of[b].diverged)
				continue;
			n = common_lengths(&c->of[a], &c->of[b], x, ya, yb);
			if (n > 1)
				c->crossing[0][c->crossings[0]++] = (ur_pair_cross){ a, b,
					ur_crossover(n, UR_PREFILL_REPEATS, x, ya, yb) };
			n = common_positions(&c->of[a], &c->of[b], x, ya, yb);
			cross = n > 1 ? ur_crossover(n, 1, x, ya, yb) : (ur_cross){ .kind = UR_CROSS_UNKNOWN };
			/* curves that cross again and again are equal */
			if (cross.kind != UR_CROSS_UNKNOWN && cross.kind != UR_CROSS_OFTEN)
				c->crossing[1][c->crossings[1]++] = (ur_pair_cross){ a, b, cross };
		}
}

/* -- all -- */

static void order_by_seed(ur_comparison *c)
{
	c->same_order = 1;
	c->ordered = 0;
	for (int s = 0; s < c->seeds; s++) {
		int n = 0;
		for (int i = 0; i < c->n; i++) {
			int at = n;
			if (c->of[i].diverged)
				continue;
			for (; at > 0 && c->of[c->order[s][at - 1]].run[s].loss > c->of[i].run[s].loss; at--)
				c->order[s][at] = c->order[s][at - 1];
			c->order[s][at] = i;
			n++;
		}
		c->ordered = n;
		c->same_order &= !memcmp(c->order[s], c->order[0], (size_t)n * sizeof c->order[0][0]);
	}
}

void ur_conclude(ur_comparison *c, ur_budget_kind kind)
{
	ur_curve_point room[UR_MOST_CONTENDERS][2 * UR_VALIDATIONS];
	ur_curve mean[UR_MOST_CONTENDERS], finished[UR_MOST_CONTENDERS];
	int who[UR_MOST_CONTENDERS], n = 0, best;

	for (int i = 0; i < c->n; i++) {
		ur_contender *k = &c->of[i];
		mean[i] = (ur_curve){ 0, room[i] };
		if (k->diverged)
			continue;
		k->loss = mean_over_seeds(k, c->seeds, loss_of);
		k->loss_same = mean_over_seeds(k, c->seeds, same_of);
		k->bits_per_byte = mean_over_seeds(k, c->seeds, bits_of);
		if (c->pairs)
			translations(k, c->seeds);
		training_costs(c, k);
		growths(k);
		mean[i] = mean_curve(k, c->seeds, room[i]);
		who[n] = i;
		finished[n++] = mean[i];
	}
	best = best_of(c);
	if (best < 0)
		return;
	against_best(c, best);
	c->equals = c->lengths = c->crossings[0] = c->crossings[1] = 0;
	for (ur_axis axis = 0; axis < UR_AXES; axis++) {
		ur_equal *e = &c->equal[c->equals++];
		e->axis = axis;
		whole_runs(c, e);
		if (ends_equal(kind, axis) && are_equal(e))
			at_ends(c, e);
		else
			on_the_way(c, n, finished, e);
		c->leads[axis] = ur_curves_leads(n, finished, axis, UR_MOST_LEADS, c->lead[axis]);
		for (int l = 0; l < c->leads[axis]; l++)
			c->lead[axis][l].who = who[c->lead[axis][l].who];
	}
	if (!c->pairs) /* their lengths are what they are */
		by_length(c, mean, n, finished);
	crossings(c);
	order_by_seed(c);
	if (c->pairs)
		find_bottleneck(c);
}
