/* Greedy and beam search over many sources at once.
 *
 * Every source has `beam` slots, each with a decoder state. A step feeds the last token of every live slot, then each
 * source chooses, from all its slots' continuations, the best: those that end leave as finished, the others fill the
 * slots anew, with copies of their parents' states. What was chosen is kept as (parent, token) a step, and read back
 * from the end. A source is done when no live hypothesis can become better than the best finished one, or its room is
 * full. */
#include "run/translate.h"

#include "model/net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BATCH = 1 << 16, MOST_TOKENS = 1 << 24 };

/* One slot at one step. */
typedef struct choice {
	int parent;                     /* slot of the step before */
	int32_t token;
	double log_p;
} choice;

/* The best that ended, or the best that was cut. */
typedef struct found {
	double worth, log_p;            /* worth -infinity: none */
	int steps, slot, ended;         /* tokens without the end; the slot they are in; whether the end follows */
} found;

/* One source at work. */
typedef struct search {
	int S, most, done, live;        /* live: slots in use */
	double log_p[UR_MOST_BEAM];
	found best;
} search;

struct ur_translator {
	const ur_model *m;
	const ur_ctx *c;
	ur_translating s;
	int most, slots;                /* tokens at most of any translation; batch x beam */
	size_t state_size, per_source;  /* bytes; floats of a remembered source */
	ur_net net;
	int32_t *ids;                   /* (S, batch) */
	int *len;
	float *gathered;                /* (S, out) one source's encoder outputs, in one piece */
	ur_remembered *source;
	float *made;
	search *search;
	choice *choices;                /* (most, slots) */
	float *weights;                 /* (most, slots, longest + 1), or NULL */
	unsigned char *states;          /* two for each slot: now and next */
	int *now;                       /* which of the two */
	ur_step *step;                  /* one a thread */
	/* of one step: live slots in a row */
	int *slot_of;
	int32_t *tokens;
	void **state_of;
	const ur_remembered **source_of;
	float **weights_of;
	float *logits;                  /* (slots, V) */
	double *log_sum;                /* (slots): of their logits' exponentials, NaN: not a number */
	int32_t *out;                   /* (batch, most) */
	float *out_weights;             /* (batch, most, longest + 1) */
	ur_arena memory;
};

int ur_source_limit(const ur_model *m)
{
	const int limit = ur_spec_limit(&m->spec);
	return limit ? limit - 1 : 0;
}

static size_t positions(const ur_translator *t) { return (size_t)t->s.longest + 1; }

static void plan(ur_translator *t, ur_arena *a)
{
	const ur_model *m = t->m;
	const size_t batch = (size_t)t->s.batch, slots = (size_t)t->slots, S = positions(t);
	const size_t steps = (size_t)t->most;

	ur_net_plan_pairs(&t->net, m, t->c, (int)S, 0, t->s.batch, 0, a);
	t->ids = UR_TAKE(a, int32_t, S * batch);
	t->len = UR_TAKE(a, int, batch);
	t->gathered = UR_TAKE(a, float, S * (size_t)m->encoder.out);
	t->source = UR_TAKE(a, ur_remembered, batch);
	t->made = UR_TAKE(a, float, t->per_source * batch);
	t->search = UR_TAKE(a, search, batch);
	t->choices = UR_TAKE(a, choice, steps * slots);
	t->weights = t->s.alignments ? UR_TAKE(a, float, steps * slots * S) : NULL;
	t->states = UR_TAKE(a, unsigned char, 2 * slots * t->state_size);
	t->now = UR_TAKE(a, int, slots);
	t->step = UR_TAKE(a, ur_step, t->c->threads);
	for (int i = 0; i < t->c->threads; i++) {
		ur_step local, *to = t->step ? &t->step[i] : &local;
		ur_step_plan(to, m, (t->slots + t->c->threads - 1) / t->c->threads, a);
	}
	t->slot_of = UR_TAKE(a, int, slots);
	t->tokens = UR_TAKE(a, int32_t, slots);
	t->state_of = UR_TAKE(a, void *, slots);
	t->source_of = UR_TAKE(a, const ur_remembered *, slots);
	t->weights_of = UR_TAKE(a, float *, slots);
	t->logits = UR_TAKE(a, float, slots * (size_t)m->V);
	t->log_sum = UR_TAKE(a, double, slots);
	t->out = UR_TAKE(a, int32_t, batch * steps);
	t->out_weights = t->s.alignments ? UR_TAKE(a, float, batch * steps * S) : NULL;
}

static ur_status check(const ur_model *m, const ur_translating *s, ur_err *err)
{
	const int limit = ur_source_limit(m);

	if (!m->spec.pair)
		return ur_fail(err, UR_E_INVALID, "%s writes on, it does not translate: use a model of pairs, trained with a "
		               "spec like seq2seq:lstm:2x256", m->spec.text);
	if (s->beam < 1 || s->beam > UR_MOST_BEAM)
		return ur_fail(err, UR_E_INVALID, "a beam of %d: it must be 1 to %d", s->beam, UR_MOST_BEAM);
	if (!(s->penalty >= 0 && s->penalty <= 10))
		return ur_fail(err, UR_E_INVALID, "a length penalty of %g: it must be 0 to 10", s->penalty);
	if (s->batch < 1 || s->batch > MOST_BATCH)
		return ur_fail(err, UR_E_INVALID, "%d sources at a time: it must be 1 to %d", s->batch, MOST_BATCH);
	if (s->longest < 0 || s->longest > MOST_TOKENS || s->most < 0 || s->most > MOST_TOKENS)
		return ur_fail(err, UR_E_INVALID, "sources of %d and translations of %d tokens: both must be 0 to %d",
		               s->longest, s->most, MOST_TOKENS);
	if (limit && s->longest > limit)
		return ur_fail(err, UR_E_INVALID, "a source of %d tokens: this model takes at most %d (its context, less the "
		               "end)", s->longest, limit);
	return UR_OK;
}

/* Tokens that a translation of a source of n tokens may have, its end included. */
static int room_for(const ur_translator *t, int n)
{
	const int limit = ur_source_limit(t->m);
	int most = (t->s.most ? t->s.most : 2 * n + 10) + 1;

	return limit && most > limit + 1 ? limit + 1 : most;
}

ur_status ur_translator_open(const ur_model *m, const ur_ctx *c, const ur_translating *settings,
                             ur_translator **translator, ur_err *err)
{
	ur_status status = check(m, settings, err);
	ur_translator *t;

	*translator = NULL;
	if (status)
		return status;
	if (!(t = calloc(1, sizeof *t)))
		return ur_fail(err, UR_E_NOMEM, "no memory to translate");
	t->m = m;
	t->c = c;
	t->s = *settings;
	t->slots = settings->batch * settings->beam;
	t->most = room_for(t, settings->longest);
	t->state_size = (ur_model_state_size(m) + 63) / 64 * 64;
	t->per_source = ur_remembered_size(m, (int)positions(t));
	plan(t, &t->memory);
	if (!ur_arena_open(&t->memory)) {
		status = ur_fail(err, UR_E_NOMEM, "translating needs %zu MiB: fewer sources at a time, or a smaller beam, need "
		                 "less", t->memory.used >> 20);
		free(t);
		return status;
	}
	plan(t, &t->memory);
	*translator = t;
	return UR_OK;
}

void ur_translator_close(ur_translator *t)
{
	if (!t)
		return;
	ur_arena_close(&t->memory);
	free(t);
}

static void *state_at(const ur_translator *t, int slot, int which)
{
	return t->states + (2 * (size_t)slot + (size_t)which) * t->state_size;
}

/* ---- the sources ---- */

/* A decoder's first state, from what the encoder left. */
static void begin_state(ur_translator *t, int source)
{
	const ur_model *m = t->m;
	const int slot = source * t->s.beam;
	void *state;

	for (int i = 0; i < t->s.beam; i++)
		t->now[slot + i] = 0;
	state = state_at(t, slot, 0);
	ur_model_state_clear(m, state);
	for (int i = 0; t->net.join.first && i < m->spec.layers; i++) {
		const ur_layer *l = &m->stack.layer[i];
		memcpy(ur_model_state_of(m, state, i), ur_join_states(&t->net.join, t->net.join.first_at, 0, i)[source],
		       l->kind->state_size(&l->dims));
	}
}

static void encode(ur_translator *t, int n, const int32_t *const *source, const int *len)
{
	const ur_model *m = t->m;
	const int32_t end = m->encoder.V - 1;
	const size_t width = (size_t)m->encoder.out;
	int S = 1;

	for (int i = 0; i < n; i++)
		S = len[i] + 1 > S ? len[i] + 1 : S;
	for (int i = 0; i < n; i++) {
		t->len[i] = len[i] + 1;
		for (int s = 0; s < S; s++)
			t->ids[(size_t)s * (size_t)n + (size_t)i] = s < len[i] ? source[i][s] : s == len[i] ? end : 0;
	}
	ur_net_encode(&t->net, &(ur_pass){ .B = n, .S = S, .source = t->ids, .source_len = t->len });
	for (int i = 0; i < n; i++) {
		const float *memory = t->net.encoder->last;

		for (int s = 0; s < t->len[i]; s++)
			memcpy(t->gathered + (size_t)s * width, memory + ((size_t)s * (size_t)n + (size_t)i) * width,
			       width * sizeof *memory);
		t->source[i] = (ur_remembered){ t->len[i], t->made + (size_t)i * t->per_source };
		ur_remember(m, t->gathered, m->spec.summary ? ur_join_summary(&t->net.join, i) : NULL, &t->source[i]);
		begin_state(t, i);
		t->search[i] = (search){ .S = t->len[i], .most = room_for(t, len[i]), .live = 1,
			.best = { .worth = -INFINITY } };
	}
}

/* ---- one step of all ---- */

struct stepping { ur_translator *t; int n, each; };

static void step_task(void *arg, int task, int thread)
{
	const struct stepping *j = arg;
	ur_translator *t = j->t;
	const int from = task * j->each, n = from + j->each < j->n ? j->each : j->n - from, V = t->m->V;

	if (n <= 0)
		return;
	ur_step_streams(&t->step[thread], &(ur_step_call){ .n = n, .tokens = t->tokens + from,
		.states = t->state_of + from, .source = t->source_of + from,
		.weights = t->weights ? t->weights_of + from : NULL, .logits = t->logits + (size_t)from * (size_t)V });
	for (int i = from; i < from + n; i++) {
		const float *logits = t->logits + (size_t)i * (size_t)V;
		float most = logits[0];
		double sum = 0;

		for (int v = 1; v < V; v++)
			most = logits[v] > most ? logits[v] : most;
		for (int v = 0; v < V; v++)
			sum += exp((double)logits[v] - (double)most);
		t->log_sum[i] = (double)most + log(sum);
	}
}

static choice *choice_at(const ur_translator *t, int step, int slot)
{
	return &t->choices[(size_t)step * (size_t)t->slots + (size_t)slot];
}

/* Feeds every live slot of the n sources; returns how many there were. */
static int feed(ur_translator *t, int n, int step)
{
	struct stepping j = { .t = t };

	for (int i = 0; i < n; i++)
		for (int b = 0; !t->search[i].done && b < t->search[i].live; b++, j.n++) {
			const int slot = i * t->s.beam + b;

			t->slot_of[j.n] = slot;
			t->tokens[j.n] = step ? choice_at(t, step - 1, slot)->token : t->m->V - 1;
			t->state_of[j.n] = state_at(t, slot, t->now[slot]);
			t->source_of[j.n] = &t->source[i];
			if (t->weights)
				t->weights_of[j.n] = t->weights + ((size_t)step * (size_t)t->slots + (size_t)slot) * positions(t);
		}
	j.each = (j.n + t->c->threads - 1) / t->c->threads;
	if (j.n)
		ur_pool_run(t->c->pool, t->c->threads, step_task, &j);
	return j.n;
}

/* ---- choosing ---- */

static double worth(const ur_translator *t, double log_p, int tokens)
{
	return log_p / pow((5.0 + tokens) / 6, t->s.penalty);
}

/* Keeps the best `room` of what it is given, best first; of equals the earlier. */
static int offer(choice *best, int have, int room, choice c)
{
	int at = have;

	if (have == room && !(c.log_p > best[room - 1].log_p))
		return have;
	while (at > 0 && c.log_p > best[at - 1].log_p)
		at--;
	if (have < room)
		have++;
	memmove(best + at + 1, best + at, (size_t)(have - 1 - at) * sizeof *best);
	best[at] = c;
	return have;
}

/* The best continuations of source i, whose slots' logits begin at row `row`: at most beam that go on, beside those
 * that end. Returns how many. */
static int choose(const ur_translator *t, int i, int row, choice next[2 * UR_MOST_BEAM])
{
	const search *s = &t->search[i];
	const int V = t->m->V;
	int have = 0;

	for (int b = 0; b < s->live; b++) {
		const float *logits = t->logits + (size_t)(row + b) * (size_t)V;
		const double base = s->log_p[b] - t->log_sum[row + b];

		for (int32_t v = 0; v < V; v++)
			if (have < 2 * t->s.beam || base + (double)logits[v] > next[have - 1].log_p)
				have = offer(next, have, 2 * t->s.beam, (choice){ b, v, base + (double)logits[v] });
	}
	return have;
}

/* Gives each of the n slots its parent's state: a copy, in the half that is not in use. */
static void inherit(ur_translator *t, int first, int beam, const choice *chosen, int n)
{
	int which[UR_MOST_BEAM];

	memcpy(which, t->now + first, (size_t)beam * sizeof *which);
	if (n == 1 && chosen[0].parent == 0)
		return;
	for (int b = 0; b < n; b++) {
		void *to = state_at(t, first + b, !which[b]);
		ur_model_state_copy(t->m, to, state_at(t, first + chosen[b].parent, which[chosen[b].parent]));
	}
	for (int b = 0; b < n; b++)
		t->now[first + b] = !which[b];
}

/* One step of the search of source i. */
static void advance(ur_translator *t, int i, int row, int step)
{
	search *s = &t->search[i];
	const int beam = t->s.beam, first = i * beam, tokens = step + 1, last = tokens == s->most;
	choice next[2 * UR_MOST_BEAM], go_on[UR_MOST_BEAM];
	const int have = choose(t, i, row, next);
	const found cut = { worth(t, s->log_p[0], step), s->log_p[0], step, 0, 0 };
	int n = 0;

	for (int k = 0; k < have && n < beam; k++) {
		const double w = worth(t, next[k].log_p, tokens);

		if (next[k].token == t->m->V - 1) {
			if (w > s->best.worth)
				s->best = (found){ w, next[k].log_p, step, next[k].parent, 1 };
		} else {
			go_on[n++] = next[k];
		}
	}
	for (int b = 0; b < n; b++) {
		*choice_at(t, step, first + b) = go_on[b];
		s->log_p[b] = go_on[b].log_p;
	}
	if (last && !isfinite(s->best.worth)) /* the room for one more is the end's alone */
		s->best = cut;
	/* a greedy search takes the likeliest token; ended or not, one path */
	if (beam == 1 && next[0].token == t->m->V - 1)
		n = 0;
	/* log p only falls: at best a hypothesis keeps what it has, at the greatest length */
	if (last || n == 0 || (isfinite(s->best.worth) && s->best.worth >= worth(t, s->log_p[0], s->most))) {
		s->done = 1;
		return;
	}
	inherit(t, first, beam, go_on, n);
	s->live = n;
}

/* ---- results ---- */

static void read_back(ur_translator *t, int i, ur_translation *out)
{
	const search *s = &t->search[i];
	const size_t S = positions(t), row = (size_t)s->S;
	const int n = s->best.steps, first = i * t->s.beam;
	int slot = s->best.slot;

	*out = (ur_translation){ .tokens = t->out + (size_t)i * (size_t)t->most, .n = n, .ended = s->best.ended,
		.log_p = s->best.log_p, .S = s->S };
	if (t->weights)
		out->weights = t->out_weights + (size_t)i * (size_t)t->most * S;
	if (t->weights && s->best.ended) /* the step that said the end was fed at the slot it came from */
		memcpy(out->weights + (size_t)n * row, t->weights + ((size_t)n * (size_t)t->slots + (size_t)(first + slot)) * S,
		       row * sizeof(float));
	for (int k = n; k-- > 0;) {
		const choice *c = choice_at(t, k, first + slot);

		out->tokens[k] = c->token;
		slot = c->parent;
		if (t->weights)
			memcpy(out->weights + (size_t)k * row,
			       t->weights + ((size_t)k * (size_t)t->slots + (size_t)(first + slot)) * S, row * sizeof(float));
	}
}

ur_status ur_translate(ur_translator *t, int n, const int32_t *const *source, const int *len, ur_translation *out,
                       ur_err *err)
{
	if (n < 1 || n > t->s.batch)
		return ur_fail(err, UR_E_INVALID, "%d sources at once: it must be 1 to %d", n, t->s.batch);
	for (int i = 0; i < n; i++)
		if (len[i] < 0 || len[i] > t->s.longest)
			return ur_fail(err, UR_E_INVALID, "source %d has %d tokens: at most %d were planned for", i + 1, len[i],
			               t->s.longest);
	encode(t, n, source, len);
	for (int step = 0; feed(t, n, step); step++) {
		int row = 0;

		for (int i = 0; i < n; i++) {
			const int live = t->search[i].live;

			if (t->search[i].done)
				continue;
			for (int b = 0; b < live; b++)
				if (!isfinite(t->log_sum[row + b]))
					return ur_fail(err, UR_E_INVALID, "the model's outputs are not finite numbers: was its training "
					               "cut off, or the file damaged?");
			advance(t, i, row, step);
			row += live;
		}
	}
	for (int i = 0; i < n; i++)
		read_back(t, i, &out[i]);
	return UR_OK;
}

char *ur_translation_text(const ur_vocab *vocab, const int32_t *tokens, int n, size_t *bytes)
{
	size_t room = 1, used = 0;
	const char *piece;
	char *text;

	for (int i = 0; i < n; i++)
		room += ur_vocab_decode(vocab, tokens[i], &piece);
	if (!(text = malloc(room)))
		return NULL;
	for (int i = 0; i < n; i++) {
		const size_t some = ur_vocab_decode(vocab, tokens[i], &piece);
		memcpy(text + used, piece, some);
		used += some;
	}
	if (used && text[used - 1] == ' ' && !strcmp(ur_vocab_kind_of(vocab), "word"))
		used--;
	text[used] = 0;
	*bytes = used;
	return text;
}
