/* What the trained models cost to run: loss by position, time of a step and size of a stream by position, time of a
 * whole sequence by its length; and a sample of each. Contenders take turns at every point, so that noise of the
 * machine hits all alike. Models of limited context are measured beyond it on the same layers built for more
 * positions: what that costs does not depend on the weights. */
#include "compare/compare_parts.h"

#include "base/machine.h"
#include "compare/words.h"
#include "run/generate.h"
#include "run/stream.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_SAMPLES = 48, MOST_SAMPLES = 480, PROMPT_TOKENS = 32, SAMPLE_TOKENS = 320, LONGEST = 32768 };
static const int64_t positions[] = { 0, 16, 64, 256, 1024, 4096, 16384, LONGEST - UR_LATENCY_RUN };
static const int64_t length_at[UR_LENGTHS] = { 128, 256, 512, 1024, 2048, 4096, 8192, 16384, LONGEST };

/* The kept models, and the same layers built for LONGEST positions where they take fewer. */
struct models {
	ur_models kept;
	ur_model *stretched[UR_MOST_CONTENDERS];
};

/* Steps are timed at these, and at the last position that the most limited model can take as it is. */
static int choose_positions(const ur_comparison *o, int64_t at[UR_POSITIONS])
{
	const int64_t common = o->context - UR_LATENCY_RUN;
	int n = 0;

	for (size_t i = 0; i < sizeof positions / sizeof *positions; i++) {
		if (common > (i ? positions[i - 1] : -1) && common < positions[i])
			at[n++] = common;
		at[n++] = positions[i];
	}
	return n;
}

static const ur_model *for_positions(const struct models *s, int i, int64_t n)
{
	const int64_t limit = unroll_limit(s->kept.of[i]);
	return limit == 0 || limit >= n ? s->kept.of[i] : s->stretched[i];
}

static void close_models(struct models *s)
{
	ur_models_close(&s->kept);
	for (int i = 0; i < UR_MOST_CONTENDERS; i++)
		ur_model_free(s->stretched[i]);
}

/* Layers for as many positions as there is memory for. */
static ur_status stretch(ur_comparing *q, struct models *s, ur_err *err)
{
	ur_status status = UR_OK;

	for (int i = 0; i < q->out->n && !status; i++) {
		int64_t most = LONGEST;
		while (s->kept.of[i] && (status = ur_stretched(s->kept.of[i], most, q->what->ctx, &s->stretched[i],
		                                               err)) == UR_E_NOMEM && most > length_at[0])
			most /= 2;
	}
	return status;
}

/* -- loss by position -- */

static ur_status by_position(ur_comparing *q, const struct models *s, int i, ur_err *err)
{
	ur_contender *c = &q->out->of[i];
	const int64_t longest = 8 * q->out->context < 1024 ? 8 * q->out->context : 1024;
	json_t *fact;
	ur_status status = ur_recall(q, &fact, err, "positions/%s", c->name);

	if (!status && !fact && !(status = ur_comparing_begin(q, "scoring by position", i, -1, err))) {
		status = ur_heldout_positions(&q->heldout, s->kept.of[i], q->what->ctx,
		                              c->limit > 0 && c->limit < longest ? c->limit : longest, c->by_position,
		                              &c->bins, err);
		fact = ur_positions_json(c->bins, c->by_position);
		if (!status)
			status = ur_keep(q, json_incref(fact), err, "positions/%s", c->name);
	}
	c->bins = 0;
	for (size_t b = 0; b < json_array_size(fact) && b < UR_POSITION_BINS; b++) {
		const json_t *p = json_array_get(fact, b);
		c->by_position[c->bins++] = (ur_position_loss){ ur_fact_integer(p, "from"), ur_fact_integer(p, "to"),
			ur_fact_number(p, "loss"), ur_fact_number(p, "low"), ur_fact_number(p, "high"),
			(int)ur_fact_integer(p, "n") };
	}
	json_decref(fact);
	return status;
}

/* -- prefill -- */

struct asked { ur_comparing *q; ur_status status; ur_err *err; };

static int wants_stop(void *arg)
{
	struct asked *a = arg;
	a->status = ur_comparing_say(a->q, 0, a->err);
	return a->status != UR_OK;
}

static json_t *prefill_fact(const ur_comparison *o, ur_prefill_time time[][UR_LENGTHS], const int *done,
                            const int *who, int n)
{
	json_t *fact = json_object();

	for (int i = 0; i < n; i++) {
		json_t *list = json_array();
		for (int l = 0; l < done[i]; l++) {
			json_t *seconds = json_array();
			for (int r = 0; r < time[i][l].repeats; r++)
				json_array_append_new(seconds, json_real(time[i][l].seconds[r]));
			json_array_append_new(list, json_pack("{s:I, s:o}", "T", (json_int_t)time[i][l].T, "seconds", seconds));
		}
		json_object_set_new(fact, o->of[who[i]].name, list);
	}
	return fact;
}

static void take_prefill(const json_t *list, ur_contender *c)
{
	c->lengths = 0;
	for (size_t l = 0; l < json_array_size(list) && l < UR_LENGTHS; l++) {
		const json_t *point = json_array_get(list, l), *seconds = json_object_get(point, "seconds");
		ur_prefill_time *t = &c->prefill[c->lengths++];

		*t = (ur_prefill_time){ .T = ur_fact_integer(point, "T") };
		for (size_t r = 0; r < json_array_size(seconds) && r < UR_PREFILL_REPEATS; r++)
			t->seconds[t->repeats++] = json_number_value(json_array_get(seconds, r));
		if (t->repeats == 0)
			c->lengths--;
	}
}

static ur_status prefill(ur_comparing *q, const struct models *s, ur_err *err)
{
	ur_comparison *o = q->out;
	const ur_model *m[UR_MOST_CONTENDERS];
	ur_prefill_time time[UR_MOST_CONTENDERS][UR_LENGTHS], *out[UR_MOST_CONTENDERS];
	int who[UR_MOST_CONTENDERS], done[UR_MOST_CONTENDERS] = { 0 }, n = 0;
	double most = 0;
	json_t *fact;
	ur_status status = ur_recall(q, &fact, err, "prefill");

	for (int i = 0; i < o->n; i++)
		if (s->kept.of[i]) {
			m[n] = s->stretched[i] ? s->stretched[i] : s->kept.of[i];
			out[n] = time[n];
			who[n++] = i;
			most = fmax(most, ur_measuring_seconds(q, i));
		}
	if (!status && !fact && n > 0 && !(status = ur_comparing_begin(q, "timing whole sequences", -1, -1, err))) {
		struct asked asked = { q, UR_OK, err };
		/* the last of doubling lengths takes as long as all before it */
		status = ur_prefill_measure(n, m, q->what->ctx, q->heldout.tokens, q->heldout.scored, UR_LENGTHS, length_at,
		                            most / 4, out, done, wants_stop, &asked, err);
		if (asked.status)
			status = asked.status;
		if (!status)
			status = ur_keep(q, json_incref(fact = prefill_fact(o, time, done, who, n)), err, "prefill");
	}
	for (int i = 0; i < n && !status; i++)
		take_prefill(json_object_get(fact, o->of[who[i]].name), &o->of[who[i]]);
	json_decref(fact);
	return status;
}

/* -- steps -- */

/* Whether a stream can be brought there in a share of what measuring may take. */
static int reachable(const ur_contender *c, int64_t position, double seconds)
{
	const ur_prefill_time *last = c->lengths > 0 ? &c->prefill[c->lengths - 1] : NULL;
	return position <= length_at[0] ||
	       (last && position <= last->T && last->seconds[0] * (double)position / (double)last->T < seconds);
}

static ur_status time_steps(ur_comparing *q, const struct models *s, int i, int64_t position, ur_latency *out,
                            ur_err *err)
{
	const ur_model *m = for_positions(s, i, position + UR_LATENCY_RUN);
	const double seconds = ur_measuring_seconds(q, i) / 4 / UR_POSITIONS;
	ur_latency first;
	int samples;
	ur_status status = ur_latency_measure(m, q->heldout.tokens, q->heldout.scored, LEAST_SAMPLES, 1, &position,
	                                      &first, err);

	if (status)
		return status;
	samples = first.p50 > 0 ? (int)fmin(MOST_SAMPLES, seconds * 1e6 / first.p50) : MOST_SAMPLES;
	*out = first;
	return samples <= LEAST_SAMPLES ? UR_OK : ur_latency_measure(m, q->heldout.tokens, q->heldout.scored, samples, 1,
	                                                             &position, out, err);
}

static void take_steps(const json_t *list, ur_contender *c)
{
	c->positions = 0;
	for (size_t l = 0; l < json_array_size(list) && l < UR_POSITIONS; l++) {
		const json_t *p = json_array_get(list, l);
		const int at = c->positions++;

		c->latency[at] = (ur_latency){ ur_fact_integer(p, "position"), (int)ur_fact_integer(p, "samples"),
			ur_fact_number(p, "p50"), ur_fact_number(p, "p99"), (size_t)ur_fact_integer(p, "state") };
		c->stretched[at] = c->limit > 0 && c->latency[at].position + UR_LATENCY_RUN > c->limit;
	}
}

static ur_status steps(ur_comparing *q, const struct models *s, ur_err *err)
{
	ur_comparison *o = q->out;
	int64_t at[UR_POSITIONS];
	const int n = choose_positions(o, at);
	json_t *fact, *found;
	ur_status status = ur_recall(q, &fact, err, "steps");

	if (!status && !fact && !(status = ur_comparing_begin(q, "timing steps", -1, -1, err))) {
		found = json_object();
		for (int i = 0; i < o->n; i++)
			if (s->kept.of[i])
				json_object_set_new(found, o->of[i].name, json_array());
		for (int p = 0; p < n && !status; p++)
			for (int turn = 0; turn < o->n && !status; turn++) {
				const int i = (turn + p) % o->n;
				ur_latency l;

				if (!s->kept.of[i] || !for_positions(s, i, at[p] + UR_LATENCY_RUN) ||
				    !reachable(&o->of[i], at[p], ur_measuring_seconds(q, i) / 8))
					continue;
				if (!(status = ur_comparing_say(q, 0, err)))
					status = time_steps(q, s, i, at[p], &l, err);
				if (!status)
					json_array_append_new(json_object_get(found, o->of[i].name), json_pack("{s:I, s:i, s:f, s:f, s:I}",
						"position", (json_int_t)l.position, "samples", l.samples, "p50", l.p50, "p99", l.p99,
						"state", (json_int_t)l.state));
			}
		if (!status)
			status = ur_keep(q, json_incref(found), err, "steps");
		fact = found;
	}
	for (int i = 0; i < o->n && !status; i++)
		take_steps(json_object_get(fact, o->of[i].name), &o->of[i]);
	json_decref(fact);
	return status;
}

/* -- samples -- */

struct text { char *at; size_t n, room; };

static int add_text(void *arg, int32_t token, const char *text, size_t bytes)
{
	struct text *t = arg;
	(void)token;
	if (t->n + bytes >= t->room)
		return 1;
	memcpy(t->at + t->n, text, bytes);
	t->n += bytes;
	t->at[t->n] = 0;
	return 0;
}

static ur_status write_sample(ur_comparing *q, const ur_model *m, ur_contender *c, ur_err *err)
{
	const int64_t n = q->heldout.scored < PROMPT_TOKENS ? q->heldout.scored : PROMPT_TOKENS;
	struct text text = { c->sample, 0, sizeof c->sample };
	ur_stream *stream;
	ur_status status = unroll_stream_open(m, NULL, &stream, err);

	c->sample[0] = 0;
	if (!status)
		status = ur_generate(stream, &(ur_generation){ q->heldout.tokens, n, SAMPLE_TOKENS, { .temperature = 0.8,
		                     .seed = q->what->seed }, NULL }, add_text, &text, NULL, err);
	unroll_stream_close(stream);
	return status == UR_E_STOPPED ? UR_OK : status;
}

static ur_status sample(ur_comparing *q, const struct models *s, int i, ur_err *err)
{
	ur_contender *c = &q->out->of[i];
	json_t *fact;
	ur_status status = ur_recall(q, &fact, err, "sample/%s", c->name);

	if (!status && !fact && !(status = ur_comparing_begin(q, "writing a sample", i, -1, err))) {
		status = write_sample(q, s->kept.of[i], c, err);
		ur_whole_characters(c->sample, strlen(c->sample));
		if (!status)
			status = ur_keep(q, json_string(c->sample), err, "sample/%s", c->name);
	} else if (fact) {
		(void)snprintf(c->sample, sizeof c->sample, "%s", json_string_value(fact));
	}
	json_decref(fact);
	return status;
}

static void write_prompt(ur_comparing *q)
{
	ur_comparison *o = q->out;
	struct text text = { o->prompt, 0, sizeof o->prompt };

	for (int64_t t = 0; t < q->heldout.scored && t < PROMPT_TOKENS; t++) {
		const char *part;
		size_t n = ur_vocab_decode(ur_corpus_vocab(q->what->corpus), q->heldout.tokens[t], &part);
		if (add_text(&text, 0, part, n))
			break;
	}
	ur_whole_characters(o->prompt, strlen(o->prompt));
}

ur_status ur_text_costs(ur_comparing *q, ur_err *err)
{
	ur_comparison *o = q->out;
	struct models models = { 0 };
	ur_status status = ur_models_open(q, &models.kept, err);

	if (!status)
		status = stretch(q, &models, err);
	write_prompt(q);
	for (int i = 0; i < o->n && !status; i++)
		if (models.kept.of[i] && !(status = by_position(q, &models, i, err)) &&
		    !(status = sample(q, &models, i, err)))
			status = ur_models_save(q, &o->of[i], err);
	for (int i = 0; i < o->n; i++)
		q->done += ur_measuring_seconds(q, i) / 2;
	if (!status)
		status = prefill(q, &models, err);
	if (!status)
		status = steps(q, &models, err);
	close_models(&models);
	return status;
}
