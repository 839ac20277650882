/* Sampling: p_i = exp((l_i - max l) / temperature) / sum, cut to the k best, then to the nucleus (the smallest set of
 * best tokens that holds the share top_p of what is left: Holtzman et al., "The Curious Case of Neural Text
 * Degeneration", 2020), then one draw by inverting the cumulative sum in order of token.
 *
 * Both cuts want the tokens in order of weight down to some rank or mass, and neither sorts. A non-negative float's
 * bits grow with its value, so the weights are counted by their leading byte, from the top until the bucket with the
 * last token is found, then within it by the next byte: four passes, whatever the weights are. Of equal weights the
 * lower tokens are better. */
#include "run/sample.h"

#include "base/rng.h"

#include <math.h>
#include <string.h>

enum { BUCKETS = 256, WAYS = 4 }; /* neighbours often share a bucket: each of four has its own, or they would wait */
static const float LEAST = -80, FAINT = 2e-35f; /* weights below FAINT, a little over e^LEAST, are taken for 0 */

ur_status ur_sampling_check(const ur_sampling *s, ur_err *err)
{
	if (s->temperature != 0 && !(s->temperature >= 1e-6 && s->temperature <= 1e6))
		return ur_fail(err, UR_E_INVALID, "temperature must be 0 (the best token, always) or from 1e-6 to 1e6, not %g",
		               s->temperature);
	if (s->top_k < 0)
		return ur_fail(err, UR_E_INVALID, "top_k must be a number of tokens, or 0 for all, not %d", s->top_k);
	if (!(s->top_p >= 0 && s->top_p <= 1))
		return ur_fail(err, UR_E_INVALID, "top_p must be a probability, from 0 to 1, not %g", s->top_p);
	return UR_OK;
}

static uint32_t bits_of(float weight)
{
	uint32_t bits;
	memcpy(&bits, &weight, sizeof bits);
	return bits;
}

enum { LANES = 16 }; /* independent chains, which the compiler makes vectors of */

/* The best logit's token, the lowest of equals; -1: one is not a number, *bad. */
static int best_of(int V, const float *logits, int *bad)
{
	float most[LANES], best = -INFINITY;
	int nan[LANES] = { 0 }, i = 0, any = 0;

	for (int j = 0; j < LANES; j++)
		most[j] = -INFINITY;
	for (; i + LANES <= V; i += LANES)
		for (int j = 0; j < LANES; j++) {
			float x = logits[i + j];
			most[j] = x > most[j] ? x : most[j];
			nan[j] |= x != x;
		}
	for (; i < V; i++) {
		most[0] = logits[i] > most[0] ? logits[i] : most[0];
		nan[0] |= isnan(logits[i]);
	}
	for (int j = 0; j < LANES; j++) {
		best = most[j] > best ? most[j] : best;
		any |= nan[j];
	}
	for (i = 0; any ? !isnan(logits[i]) : logits[i] != best; i++)
		;
	*bad = i;
	return any ? -1 : i;
}

/* Zeroes all weights but the best whose amounts sum to `want`; an amount is the weight where `by_mass`, else 1. */
static void cut(int V, float *w, double want, int by_mass)
{
	double bucket[WAYS][BUCKETS], have = 0;
	uint32_t bits = 0, known = 0;   /* of the last weight that stays: its leading bytes, and a mask of them */
	int64_t equals;                 /* how many that have all its bits stay */
	float least;

	for (int shift = 24; shift >= 0; shift -= 8) {
		double last = 0; /* the amount in bucket b */
		int b = 0;

		memset(bucket, 0, sizeof bucket);
		for (int i = 0; i < V; i++)
			if ((bits_of(w[i]) & known) == bits)
				bucket[i % WAYS][bits_of(w[i]) >> shift & 0xFF] += by_mass ? w[i] : 1;
		/* rounding may leave the sum just short of `want`: the lowest bucket with anything in it then has the last */
		for (int i = BUCKETS - 1; i >= 0; i--) {
			double here = 0;
			for (int j = 0; j < WAYS; j++)
				here += bucket[j][i];
			if (here == 0)
				continue;
			have += last;
			last = here;
			b = i;
			if (have + here >= want)
				break;
		}
		bits |= (uint32_t)b << shift;
		known |= 0xFFu << shift;
	}
	memcpy(&least, &bits, sizeof least);
	if (least == 0) /* the rest weighs nothing */
		return;
	want = ceil((want - have) / (by_mass ? least : 1));
	equals = want < 1 ? 1 : want > V ? V : (int64_t)want;
	for (int i = 0; i < V; i++)
		if (bits_of(w[i]) < bits || (bits_of(w[i]) == bits && equals-- <= 0))
			w[i] = 0;
}

static double sum_of(int V, const float *w)
{
	double lane[LANES] = { 0 }, sum = 0;
	int i = 0;

	for (; i + LANES <= V; i += LANES)
		for (int j = 0; j < LANES; j++)
			lane[j] += w[i + j];
	for (; i < V; i++)
		sum += w[i];
	for (int j = 0; j < LANES; j++)
		sum += lane[j];
	return sum;
}

ur_status ur_sample(const ur_kernels *k, const ur_sampling *s, int V, const float *logits, int64_t position,
                    float *work, int32_t *token, ur_err *err)
{
	int bad = -1, best = best_of(V, logits, &bad);
	double left;
	float scale;

	if (best < 0)
		return ur_fail(err, UR_E_INVALID, "the logit of token %d is not a number: the model's weights or state are "
		               "damaged", bad);
	if (isinf(logits[best]))
		return ur_fail(err, UR_E_INVALID, "%s", logits[best] > 0 ?
		               "a logit is infinite: the model's weights or state are damaged" :
		               "all logits are -infinity: there is no token to choose");
	*token = best;
	if (s->temperature == 0 || s->top_k == 1)
		return UR_OK;
	scale = (float)(1 / s->temperature);
	for (int i = 0; i < V; i++) {
		float x = (logits[i] - logits[best]) * scale;
		work[i] = x > LEAST ? x : LEAST;
	}
	k->exp(V, work, work);
	for (int i = 0; i < V; i++)
		work[i] = work[i] > FAINT ? work[i] : 0;
	if (s->top_k > 0 && s->top_k < V)
		cut(V, work, s->top_k, 0);
	if (s->top_p > 0 && s->top_p < 1)
		cut(V, work, s->top_p * sum_of(V, work), 1);
	left = sum_of(V, work) * ur_rng_unit(s->seed, ur_rng_for(UR_RNG_SAMPLE, 0), (uint64_t)position);
	for (int i = 0; i < V; i++) {
		if (work[i] == 0)
			continue;
		*token = i; /* the last with a weight, should rounding leave a rest */
		left -= work[i];
		if (left < 0)
			break;
	}
	return UR_OK;
}
