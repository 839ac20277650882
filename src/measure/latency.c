#include "measure/latency.h"

#include "base/machine.h"
#include "base/order.h"
#include "run/stream.h"

#include <stdlib.h>

enum { PIECE = 2048 };

int64_t ur_latency_last(const ur_model *m, int64_t want)
{
	int64_t limit = unroll_limit(m), last = limit - UR_LATENCY_RUN;

	if (limit == 0 || want <= last)
		return want;
	return last > 0 ? last : 0;
}

/* Feeds a stream up to position `to`; many tokens at a time however few there are, because each call of an attention
 * layer goes through all that it has kept. */
static ur_status advance(ur_stream *s, const int32_t *tokens, int64_t count, int64_t to, ur_err *err)
{
	int32_t ids[PIECE];
	ur_status status = UR_OK;

	for (int64_t at = unroll_position(s); at < to && !status; at = unroll_position(s)) {
		int64_t n = to - at < PIECE ? to - at : PIECE;

		for (int64_t i = 0; i < n; i++)
			ids[i] = tokens[(at + i) % count];
		status = unroll_prefill(s, ids, n, NULL, err);
	}
	return status;
}

/* One position: `base` is there. */
static ur_status time_steps(const ur_stream *base, ur_stream *live, const int32_t *tokens, int64_t count, int samples,
                            double *seconds, int *timed, ur_err *err)
{
	const int64_t limit = unroll_limit(base->m), position = unroll_position(base);
	const int run = limit > 0 && limit - position < UR_LATENCY_RUN ? (int)(limit - position) : UR_LATENCY_RUN;
	const int skip = run > 1;

	for (*timed = 0; *timed < samples;) {
		ur_status status = unroll_stream_copy(live, base, err);
		for (int i = 0; i < run && !status; i++) {
			const float *logits;
			double start = ur_clock();
			status = unroll_step(live, tokens[(position + i) % count], &logits, err);
			if (i >= skip && *timed < samples)
				seconds[(*timed)++] = ur_clock() - start;
		}
		if (status)
			return status;
	}
	return UR_OK;
}

ur_status ur_latency_measure(const ur_model *m, const int32_t *tokens, int64_t count, int samples, int n,
                             const int64_t *positions, ur_latency *out, ur_err *err)
{
	double *seconds;
	ur_stream *base = NULL, *live = NULL;
	ur_status status;

	if (samples < 1 || count < 1)
		return ur_fail(err, UR_E_INVALID, "latency needs at least one step and one token");
	seconds = calloc((size_t)samples, sizeof *seconds);
	if (!seconds)
		return ur_fail(err, UR_E_NOMEM, "no memory to time %d steps", samples);
	status = unroll_stream_open(m, NULL, &base, err);
	if (!status)
		status = unroll_stream_open(m, NULL, &live, err);
	for (int i = 0; i < n && !status; i++) {
		ur_latency *l = &out[i];

		if (positions[i] < 0 || ur_latency_last(m, positions[i]) != positions[i]) {
			status = ur_fail(err, UR_E_INVALID, "no step can be timed at position %lld of %s, which takes %lld steps",
			                 (long long)positions[i], unroll_spec(m), (long long)unroll_limit(m));
			break;
		}
		if (unroll_position(base) > positions[i])
			unroll_stream_reset(base);
		*l = (ur_latency){ .position = positions[i] };
		status = advance(base, tokens, count, positions[i], err);
		if (!status)
			status = time_steps(base, live, tokens, count, samples, seconds, &l->samples, err);
		if (status)
			break;
		l->state = ur_model_state_used(m, base->state);
		ur_sort(l->samples, seconds);
		l->p50 = seconds[l->samples / 2] * 1e6;
		l->p99 = seconds[(int)(0.99 * (l->samples - 1))] * 1e6;
	}
	unroll_stream_close(base);
	unroll_stream_close(live);
	free(seconds);
	return status;
}
