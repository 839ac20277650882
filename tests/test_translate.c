/* Translating: greedy and beam search against the whole-sequence pass and against every hypothesis there is; what a
 * translation does not depend on; where it ends; texts. */
#include "pair_rig.h"
#include "run/translate.h"

enum { SV = 13, V = 11, MOST = 6, SOURCES = 5, LONGEST = 6 };

/* Sources of these lengths, without their ends. */
static const int lengths[SOURCES] = { 3, 1, 6, 0, 5 };

typedef struct sources {
	int32_t tokens[SOURCES][LONGEST];
	const int32_t *of[SOURCES];
} sources;

static void fill(sources *s, int tokens)
{
	for (int i = 0; i < SOURCES; i++) {
		s->of[i] = s->tokens[i];
		for (int j = 0; j < LONGEST; j++)
			s->tokens[i][j] = few_token(11, 0, i, j, tokens - 1);
	}
}

static void open_rig(pair_rig *r, const char *spec, int tokens, int threads)
{
	pair_rig_open(r, spec, SV, tokens, LONGEST + 1, PAIR_MOST, 1, 0, threads);
}

static ur_translator *opened(const pair_rig *r, ur_translating set)
{
	ur_translator *t;

	if (!set.batch)
		set.batch = SOURCES;
	if (!set.longest)
		set.longest = LONGEST;
	assert_ok(ur_translator_open(r->m, &r->c, &set, &t, why));
	return t;
}

/* -- what the whole-sequence pass says -- */

/* Log-probabilities (n + 1, V) of what follows the end and n tokens, in double; weights (n + 1, length + 1) or NULL. */
static void forward(pair_rig *r, const int32_t *source, int length, const int32_t *tokens, int n, double *log_p,
                    float *weights)
{
	int32_t ids[PAIR_MOST], with_end[LONGEST + 1];
	const ur_pass p = { .T = n + 1, .B = 1, .ids = ids, .S = length + 1, .source = with_end };
	const int outputs = r->m->V;
	float *logits;

	assert_true(n < PAIR_MOST);
	ids[0] = outputs - 1;
	memcpy(ids + 1, tokens, (size_t)n * sizeof *ids);
	memcpy(with_end, source, (size_t)length * sizeof *source);
	with_end[length] = r->m->encoder.V - 1;
	r->net.weights = weights;
	ur_net_forward(&r->net, &p);
	r->net.weights = NULL;
	logits = pair_logits(r, &p);
	for (int t = 0; t <= n; t++) {
		double sum = 0;
		for (int v = 0; v < outputs; v++)
			sum += exp((double)logits[t * outputs + v]);
		for (int v = 0; v < outputs; v++)
			log_p[t * outputs + v] = (double)logits[t * outputs + v] - log(sum);
	}
	free(logits);
}

/* What is said of a translation is true of its tokens: their probability, and where each looked. Greedy: each is the
 * likeliest; prefixes grow, so that nothing can be known of what comes later. */
static void check(pair_rig *r, const int32_t *source, int length, const ur_translation *t, int greedy, const char *what)
{
	const int looks = r->m->spec.attend || r->m->spec.form->norm, outputs = r->m->V, S = length + 1;
	double sum = 0;

	assert_int_equal(t->S, S);
	assert_true(t->n >= 0 && t->n < PAIR_MOST && (t->ended == 0 || t->ended == 1));
	for (int k = 0; k < t->n + t->ended; k++) {
		const int token = k < t->n ? t->tokens[k] : outputs - 1;
		double log_p[PAIR_MOST * V], most = -INFINITY;
		float weights[PAIR_MOST * (LONGEST + 1)];

		assert_true(k == t->n || (token >= 0 && token < outputs - 1));
		forward(r, source, length, t->tokens, k, log_p, weights);
		for (int v = 0; v < outputs; v++)
			most = fmax(most, log_p[k * outputs + v]);
		if (greedy && !(log_p[k * outputs + token] > most - 1e-4))
			fail_msg("%s: %d. token %d has log p %g, another %g", what, k + 1, token, log_p[k * outputs + token], most);
		sum += log_p[k * outputs + token];
		if (looks && t->weights) {
			double all = 0;
			for (int s = 0; s < S; s++) {
				all += (double)t->weights[k * S + s];
				if (!(fabsf(t->weights[k * S + s] - weights[k * S + s]) < 1e-4f))
					fail_msg("%s: %d. token looks at %d by %g, not %g", what, k + 1, s, (double)weights[k * S + s],
					         (double)t->weights[k * S + s]);
			}
			assert_true(fabs(all - 1) < 1e-5);
		}
	}
	if (!(fabs(t->log_p - sum) < 1e-3))
		fail_msg("%s: log p %g, said to be %g", what, sum, t->log_p);
}

static void greedy_is_the_likeliest(void **unused)
{
	int ended = 0, cut = 0;

	(void)unused;
	for (int i = 0; i < PAIR_SPECS; i++) {
		ur_translation out[SOURCES];
		ur_translator *t;
		sources s;
		pair_rig r;

		fill(&s, SV);
		open_rig(&r, pair_specs[i], V, 2);
		t = opened(&r, (ur_translating){ .beam = 1, .penalty = 1, .most = MOST, .alignments = 1 });
		assert_ok(ur_translate(t, SOURCES, s.of, lengths, out, why));
		for (int k = 0; k < SOURCES; k++) {
			check(&r, s.of[k], lengths[k], &out[k], 1, pair_specs[i]);
			assert_true(out[k].ended ? out[k].n <= MOST : out[k].n == MOST);
			ended += out[k].ended;
			cut += !out[k].ended;
		}
		ur_translator_close(t);
		pair_rig_close(&r);
	}
	assert_true(ended > 20 && cut > 20);
}

/* Copies of states, parents and slots: of beams of any size, what is said is true. */
static void what_a_beam_says_is_true(void **unused)
{
	static const int beams[] = { 2, 3, 7, 64 };
	(void)unused;
	for (int i = 0; i < PAIR_SPECS; i++) {
		pair_rig r;
		sources s;

		fill(&s, SV);
		open_rig(&r, pair_specs[i], V, 2);
		for (size_t b = 0; b < sizeof beams / sizeof *beams; b++) {
			ur_translator *t = opened(&r, (ur_translating){ .beam = beams[b], .penalty = b % 2 ? 1 : 0.3, .most = MOST,
				.alignments = 1 });
			ur_translation out[SOURCES];

			assert_ok(ur_translate(t, SOURCES, s.of, lengths, out, why));
			for (int k = 0; k < SOURCES; k++) {
				check(&r, s.of[k], lengths[k], &out[k], 0, pair_specs[i]);
				assert_true(out[k].n <= MOST);
			}
			ur_translator_close(t);
		}
		pair_rig_close(&r);
	}
}

/* -- against every hypothesis -- */

static double worth(double log_p, int tokens, double penalty) { return log_p / pow((5.0 + tokens) / 6, penalty); }

typedef struct best { double worth; int n; } best;

/* The best that ends, of all with at most `most` tokens. */
static best best_of_all(pair_rig *r, const int32_t *source, int length, int most, double penalty)
{
	const int outputs = r->m->V, end = outputs - 1;
	int32_t tokens[PAIR_MOST] = { 0 };
	best found = { -INFINITY, 0 };

	for (;;) {
		double log_p[PAIR_MOST * V], sum = 0;
		int at = most - 1;

		forward(r, source, length, tokens, most, log_p, NULL);
		for (int n = 0; n <= most; n++) {
			const double w = worth(sum + log_p[n * outputs + end], n + 1, penalty);
			if (w > found.worth)
				found = (best){ w, n };
			if (n < most)
				sum += log_p[n * outputs + tokens[n]];
		}
		while (at >= 0 && ++tokens[at] == end)
			tokens[at--] = 0;
		if (at < 0)
			return found;
	}
}

static const char *const few_specs[] = {
	"seq2seq:gru:1x12", "seq2seq:lstm:2x12,encoder=bi", "seq2seq:lstm:2x12,attention=luong",
	"seq2seq:gru:1x12,attention=bahdanau,encoder=bi,summary=each", "seq2seq:transformer:1x16,heads=2,context=8",
	"seq2seq:transformer:2x16,heads=2,norm=pre,context=8",
};
enum { FEW = sizeof few_specs / sizeof *few_specs };

/* So many live at most, and all that go on and end together, that a beam of 64 keeps every hypothesis. */
static void a_wide_beam_finds_the_best(void **unused)
{
	static const struct { int V, most; } sizes[] = { { 3, 4 }, { 4, 2 }, { 5, 2 } };
	static const double penalties[] = { 0, 1, 2 };
	int greedy_misses = 0, longer = 0, lengths_seen = 0;

	(void)unused;
	for (int i = 0; i < FEW; i++)
		for (size_t z = 0; z < sizeof sizes / sizeof *sizes; z++) {
			pair_rig r;
			sources s;
			int n_of[3][SOURCES];

			fill(&s, SV);
			open_rig(&r, few_specs[i], sizes[z].V, 1);
			for (int p = 0; p < 3; p++) {
				ur_translation out[SOURCES];
				ur_translating set = { .beam = 64, .penalty = penalties[p], .most = sizes[z].most };
				ur_translator *t = opened(&r, set);

				assert_ok(ur_translate(t, SOURCES, s.of, lengths, out, why));
				for (int k = 0; k < SOURCES; k++) {
					const best want = best_of_all(&r, s.of[k], lengths[k], sizes[z].most, penalties[p]);
					const double have = worth(out[k].log_p, out[k].n + 1, penalties[p]);

					check(&r, s.of[k], lengths[k], &out[k], 0, few_specs[i]);
					assert_true(out[k].ended && out[k].n <= sizes[z].most);
					if (!(fabs(have - want.worth) < 1e-4))
						fail_msg("%s, %d tokens, penalty %g: the best is worth %g with %d tokens, found %g with %d",
						         few_specs[i], sizes[z].V, penalties[p], want.worth, want.n, have, out[k].n);
					n_of[p][k] = out[k].n;
					lengths_seen |= 1 << out[k].n;
				}
				ur_translator_close(t);
				set.beam = 1;
				t = opened(&r, set);
				assert_ok(ur_translate(t, SOURCES, s.of, lengths, out, why));
				for (int k = 0; k < SOURCES; k++)
					greedy_misses += !out[k].ended || worth(out[k].log_p, out[k].n + 1, penalties[p]) + 1e-3 <
						best_of_all(&r, s.of[k], lengths[k], sizes[z].most, penalties[p]).worth;
				ur_translator_close(t);
			}
			for (int k = 0; k < SOURCES; k++)
				longer += n_of[2][k] > n_of[0][k];
			pair_rig_close(&r);
		}
	print_message("  greedy misses %d, %d longer by the penalty, lengths %x\n", greedy_misses, longer,
	              (unsigned)lengths_seen);
	/* or the above would say little */
	assert_true(greedy_misses > 20 && longer > 10 && (lengths_seen & 0x17) == 0x17);
}

/* A search written down as the header has it, every hypothesis anew from its first token. */
typedef struct hypothesis { int32_t tokens[PAIR_MOST]; int n; double log_p; } hypothesis;

static hypothesis beam_by_hand(pair_rig *r, const int32_t *source, int length, int beam, int most, double penalty)
{
	const int end = r->m->V - 1;
	hypothesis live[8] = { { .n = 0 } }, all[8 * V], top = { .n = -1 }, last;
	double of_top = -INFINITY;
	int lives = 1;

	for (int step = 0; step <= most; step++) {
		int n = 0, goes_on = 0;

		last = live[0];
		for (int b = 0; b < lives; b++) {
			double log_p[PAIR_MOST * V];
			forward(r, source, length, live[b].tokens, step, log_p, NULL);
			for (int v = 0; v <= end; v++) {
				hypothesis h = live[b];
				int at = n++;

				h.tokens[h.n++] = v;
				h.log_p += log_p[step * (end + 1) + v];
				for (; at > 0 && all[at - 1].log_p < h.log_p; at--)
					all[at] = all[at - 1];
				all[at] = h;
			}
		}
		for (int k = 0; k < n && goes_on < beam; k++) {
			if (all[k].tokens[step] != end)
				live[goes_on++] = all[k];
			else if (worth(all[k].log_p, step + 1, penalty) > of_top) {
				of_top = worth(all[k].log_p, step + 1, penalty);
				top = all[k];
			}
		}
		lives = goes_on;
	}
	if (top.n < 0)
		return last;
	top.n--;
	return top;
}

static void narrow_beams_are_as_written(void **unused)
{
	int cut = 0, differ = 0;

	(void)unused;
	for (int i = 0; i < FEW; i++)
		for (int beam = 2; beam <= 5; beam++) {
			const double penalty = beam % 2 ? 1 : 0;
			ur_translation out[SOURCES];
			ur_translator *t;
			pair_rig r;
			sources s;

			fill(&s, SV);
			open_rig(&r, few_specs[i], 7, 2);
			t = opened(&r, (ur_translating){ .beam = beam, .penalty = penalty, .most = 4 });
			assert_ok(ur_translate(t, SOURCES, s.of, lengths, out, why));
			for (int k = 0; k < SOURCES; k++) {
				const hypothesis want = beam_by_hand(&r, s.of[k], lengths[k], beam, 4, penalty);
				const hypothesis greedy = beam_by_hand(&r, s.of[k], lengths[k], 1, 4, penalty);

				if (!(fabs(want.log_p - out[k].log_p) < 1e-3))
					fail_msg("%s, beam %d: log p %g with %d tokens, by hand %g with %d", few_specs[i], beam,
					         out[k].log_p, out[k].n, want.log_p, want.n);
				assert_int_equal(out[k].n, want.n);
				assert_memory_equal(out[k].tokens, want.tokens, (size_t)want.n * sizeof *want.tokens);
				cut += !out[k].ended;
				differ += fabs(want.log_p - greedy.log_p) > 1e-3;
			}
			ur_translator_close(t);
			pair_rig_close(&r);
		}
	print_message("  %d cut, %d other than the narrowest beam's\n", cut, differ);
	assert_true(differ > 10);
}

/* -- what a translation does not depend on -- */

typedef struct kept { int32_t tokens[PAIR_MOST]; int n, ended; double log_p; float weights[PAIR_MOST * (LONGEST + 1)]; }
	kept;

static kept keep(const ur_translation *t)
{
	kept k = { .n = t->n, .ended = t->ended, .log_p = t->log_p };

	assert_true(t->n <= MOST);
	memcpy(k.tokens, t->tokens, (size_t)t->n * sizeof *k.tokens);
	memcpy(k.weights, t->weights, (size_t)((t->n + t->ended) * t->S) * sizeof *k.weights);
	return k;
}

static void assert_same(const kept *want, const ur_translation *t, const char *what)
{
	const kept k = keep(t);

	if (k.n != want->n || k.ended != want->ended || memcmp(k.tokens, want->tokens, sizeof k.tokens))
		fail_msg("%s: another translation", what);
	if (memcmp(&k.log_p, &want->log_p, sizeof k.log_p) || memcmp(k.weights, want->weights, sizeof k.weights))
		fail_msg("%s: log p %.17g, was %.17g, or other weights", what, k.log_p, want->log_p);
}

/* Of the others in the batch, threads, an earlier call or how much was planned: to the bit. */
static void each_is_as_alone(void **unused)
{
	static const int turned[SOURCES] = { 4, 2, 0, 1, 3 };
	(void)unused;
	for (int i = 0; i < PAIR_SPECS; i++)
		for (int beam = 1; beam <= 4; beam += 3) {
			kept alone[SOURCES];
			sources s;

			fill(&s, SV);
			for (int threads = 1; threads <= 3; threads++) {
				ur_translating set = { .beam = beam, .penalty = 1, .most = MOST, .alignments = 1 };
				ur_translation out[SOURCES];
				const int32_t *others[SOURCES];
				int of_others[SOURCES];
				ur_translator *t;
				pair_rig r;

				open_rig(&r, pair_specs[i], V, threads);
				for (int k = 0; k < SOURCES && threads == 1; k++) {
					set.batch = 1;
					set.longest = lengths[k];
					t = NULL;
					assert_ok(ur_translator_open(r.m, &r.c, &set, &t, why));
					assert_ok(ur_translate(t, 1, &s.of[k], &lengths[k], out, why));
					alone[k] = keep(out);
					ur_translator_close(t);
				}
				set.batch = SOURCES + 2;
				set.longest = 0;
				t = opened(&r, set);
				for (int k = 0; k < SOURCES; k++) {
					others[k] = s.of[turned[k]];
					of_others[k] = lengths[turned[k]];
				}
				/* all, in another order, some, all */
				assert_ok(ur_translate(t, SOURCES, s.of, lengths, out, why));
				for (int k = 0; k < SOURCES; k++)
					assert_same(&alone[k], &out[k], pair_specs[i]);
				assert_ok(ur_translate(t, SOURCES, others, of_others, out, why));
				for (int k = 0; k < SOURCES; k++)
					assert_same(&alone[turned[k]], &out[k], pair_specs[i]);
				assert_ok(ur_translate(t, 2, s.of + 1, lengths + 1, out, why));
				assert_same(&alone[1], &out[0], pair_specs[i]);
				assert_same(&alone[2], &out[1], pair_specs[i]);
				assert_ok(ur_translate(t, SOURCES, s.of, lengths, out, why));
				for (int k = 0; k < SOURCES; k++)
					assert_same(&alone[k], &out[k], pair_specs[i]);
				ur_translator_close(t);
				pair_rig_close(&r);
			}
		}
}

/* Alignments cost nothing but their keeping. */
static void without_alignments(void **unused)
{
	(void)unused;
	for (int i = 0; i < PAIR_SPECS; i++) {
		ur_translation with[SOURCES], without[SOURCES];
		ur_translator *t, *u;
		sources s;
		pair_rig r;

		fill(&s, SV);
		open_rig(&r, pair_specs[i], V, 2);
		t = opened(&r, (ur_translating){ .beam = 3, .most = MOST, .alignments = 1 });
		u = opened(&r, (ur_translating){ .beam = 3, .most = MOST });
		assert_ok(ur_translate(t, SOURCES, s.of, lengths, with, why));
		assert_ok(ur_translate(u, SOURCES, s.of, lengths, without, why));
		for (int k = 0; k < SOURCES; k++) {
			assert_non_null(with[k].weights);
			assert_null(without[k].weights);
			assert_true(with[k].n == without[k].n && with[k].log_p == without[k].log_p);
			assert_memory_equal(with[k].tokens, without[k].tokens, (size_t)with[k].n * sizeof(int32_t));
		}
		ur_translator_close(t);
		ur_translator_close(u);
		pair_rig_close(&r);
	}
}

/* -- where it ends -- */

/* Makes the end likelier by `more` at every step. */
static void favour_end(pair_rig *r, float more)
{
	assert_true(r->m->head_bias >= 0);
	r->m->weights[r->m->param[r->m->head_bias].at + (size_t)r->m->V - 1] += more;
	ur_model_pack(r->m, &r->c);
}

static void ends_and_cuts(void **unused)
{
	static const char *const specs[] = { "seq2seq:gru:1x12", "seq2seq:lstm:1x12,attention=luong" };
	(void)unused;
	for (int i = 0; i < 2; i++)
		for (int beam = 1; beam <= 3; beam++) {
			ur_translation out[SOURCES];
			ur_translator *t;
			sources s;
			pair_rig r;

			fill(&s, SV);
			open_rig(&r, specs[i], V, 1);
			favour_end(&r, -1000);
			for (int most = 1; most <= MOST; most++) {
				t = opened(&r, (ur_translating){ .beam = beam, .penalty = 1, .most = most, .alignments = 1 });
				assert_ok(ur_translate(t, SOURCES, s.of, lengths, out, why));
				for (int k = 0; k < SOURCES; k++) {
					assert_int_equal(out[k].ended, 0);
					assert_int_equal(out[k].n, most);
					check(&r, s.of[k], lengths[k], &out[k], beam == 1, specs[i]);
				}
				ur_translator_close(t);
			}
			/* left open: twice the source's and 10 */
			t = opened(&r, (ur_translating){ .beam = beam, .penalty = 1 });
			assert_ok(ur_translate(t, SOURCES, s.of, lengths, out, why));
			for (int k = 0; k < SOURCES; k++)
				assert_int_equal(out[k].n, 2 * lengths[k] + 10);
			ur_translator_close(t);
			favour_end(&r, 2000);
			t = opened(&r, (ur_translating){ .beam = beam, .penalty = 1 });
			assert_ok(ur_translate(t, SOURCES, s.of, lengths, out, why));
			for (int k = 0; k < SOURCES; k++)
				assert_true(out[k].ended && out[k].n == 0 && fabs(out[k].log_p) < 1e-6);
			ur_translator_close(t);
			pair_rig_close(&r);
		}
}

/* A model of 8 positions takes 7 tokens and the end, on either side. */
static void a_context_is_a_limit(void **unused)
{
	static const char *const specs[] = {
		"seq2seq:transformer:1x16,heads=2,context=8,bias=1", "seq2seq:gru:1x12,positions=learned,context=8",
		"seq2seq:transformer:1x16,heads=2,context=8,norm=pre",
	};
	static const int32_t source[8] = { 3, 1, 4, 1, 5, 9, 2, 6 };
	const int32_t *const one[] = { source };
	(void)unused;
	for (int i = 0; i < 3; i++)
		for (int beam = 1; beam <= 4; beam += 3) {
			ur_translation out;
			ur_translator *t;
			pair_rig r;
			ur_err err = { 0 };

			pair_rig_open(&r, specs[i], SV, V, 8, 8, 1, 0, 1);
			assert_int_equal(ur_source_limit(r.m), 7);
			if (r.m->head_bias >= 0)
				favour_end(&r, -1000);
			t = opened(&r, (ur_translating){ .beam = beam, .batch = 1, .longest = 7 });
			assert_ok(ur_translate(t, 1, one, &(int){ 7 }, &out, why));
			assert_true(r.m->head_bias < 0 || (out.n == 7 && !out.ended));
			assert_int_equal(ur_translate(t, 1, one, &(int){ 8 }, &out, &err), UR_E_INVALID);
			assert_says(err, "source 1 has 8 tokens: at most 7 were planned for");
			assert_int_equal(ur_translate(t, 1, one, &(int){ -1 }, &out, &err), UR_E_INVALID);
			ur_translator_close(t);
			assert_int_equal(ur_translator_open(r.m, &r.c, &(ur_translating){ .beam = 1, .batch = 1, .longest = 8 }, &t,
			                                    &err), UR_E_INVALID);
			assert_says(err, "a source of 8 tokens: this model takes at most 7 (its context, less the end)");
			assert_null(t);
			pair_rig_close(&r);
		}
}

/* Less than a token and the end is no model. */
static void a_context_has_room_for_a_token(void **unused)
{
	ur_spec spec;
	ur_err err = { 0 };

	(void)unused;
	assert_int_equal(ur_spec_parse("seq2seq:transformer:1x16,heads=2,context=1", &spec, &err), UR_E_INVALID);
	assert_says(err, "pairs need a context of at least 2");
	assert_int_equal(ur_spec_parse("seq2seq:gru:1x16,positions=learned,context=1", &spec, &err), UR_E_INVALID);
	assert_ok(ur_spec_parse("seq2seq:gru:1x16,context=1", &spec, why)); /* it keeps none */
	assert_ok(ur_spec_parse("transformer:1x16,heads=2,context=1", &spec, why));
	for (int i = 0; i < 2; i++) {
		ur_translation out;
		ur_translator *t;
		pair_rig r;

		pair_rig_open(&r, "seq2seq:transformer:1x16,heads=2,context=2", SV, V, 2, 2, 1, 0, 1);
		t = opened(&r, (ur_translating){ .beam = 3, .batch = 1, .longest = 1 });
		assert_ok(ur_translate(t, 1, (const int32_t *const[]){ (int32_t[]){ 3 } }, &i, &out, why));
		assert_true(out.n <= 1);
		ur_translator_close(t);
		pair_rig_close(&r);
	}
}

static void any_length_without_a_context(void **unused)
{
	static const int32_t source[40] = { 1, 2, 3 };
	pair_rig r;
	ur_translator *t;
	ur_translation out;

	(void)unused;
	open_rig(&r, "seq2seq:gru:1x12,attention=luong", V, 1);
	assert_int_equal(ur_source_limit(r.m), 0);
	t = opened(&r, (ur_translating){ .beam = 2, .batch = 1, .longest = 40, .alignments = 1 });
	assert_ok(ur_translate(t, 1, (const int32_t *const[]){ source }, &(int){ 40 }, &out, why));
	assert_int_equal(out.S, 41);
	ur_translator_close(t);
	pair_rig_close(&r);
}

/* -- what cannot be -- */

static void weights_that_are_no_numbers(void **unused)
{
	(void)unused;
	for (int i = 0; i < FEW; i++) {
		ur_translation out[SOURCES];
		ur_err err = { 0 };
		ur_translator *t;
		sources s;
		pair_rig r;
		float was;

		fill(&s, SV);
		open_rig(&r, few_specs[i], V, 2);
		t = opened(&r, (ur_translating){ .beam = 3, .most = MOST });
		was = r.m->weights[r.m->param[r.m->head].at];
		r.m->weights[r.m->param[r.m->head].at] = NAN;
		ur_model_pack(r.m, &r.c);
		assert_int_equal(ur_translate(t, SOURCES, s.of, lengths, out, &err), UR_E_INVALID);
		assert_says(err, "outputs are not finite numbers");
		/* and it is none the worse */
		r.m->weights[r.m->param[r.m->head].at] = was;
		ur_model_pack(r.m, &r.c);
		assert_ok(ur_translate(t, SOURCES, s.of, lengths, out, why));
		check(&r, s.of[0], lengths[0], &out[0], 0, few_specs[i]);
		ur_translator_close(t);
		pair_rig_close(&r);
	}
}

static void refused(const ur_model *m, const ur_ctx *c, ur_translating set, const char *says)
{
	ur_translator *t = (ur_translator *)&set;
	ur_err err = { 0 };

	assert_int_equal(ur_translator_open(m, c, &set, &t, &err), UR_E_INVALID);
	assert_says(err, says);
	assert_null(t);
}

static void settings_that_cannot_be(void **unused)
{
	const ur_translating good = { .beam = 1, .batch = 2, .longest = 3 };
	const int32_t *sources_of[3] = { (int32_t[]){ 1 }, (int32_t[]){ 2 }, (int32_t[]){ 3 } };
	ur_translation out[3];
	ur_translating set;
	ur_translator *t;
	ur_err err = { 0 };
	ur_model *plain;
	pair_rig r;

	(void)unused;
	open_rig(&r, "seq2seq:gru:1x12", V, 1);
#define REFUSED(member, value, says) \
	do { \
		set = good; \
		set.member = value; \
		refused(r.m, &r.c, set, says); \
	} while (0)
	REFUSED(beam, 0, "a beam of 0: it must be 1 to 64");
	REFUSED(beam, -1, "a beam of -1");
	REFUSED(beam, 65, "a beam of 65");
	REFUSED(penalty, -0.1, "length penalty of -0.1: it must be 0 to 10");
	REFUSED(penalty, 10.1, "length penalty of 10.1");
	REFUSED(penalty, NAN, "length penalty");
	REFUSED(batch, 0, "sources at a time");
	REFUSED(longest, -1, "sources of -1");
	REFUSED(longest, 1 << 25, "both must be 0 to 16777216");
	REFUSED(batch, 1 << 17, "it must be 1 to 65536");
	REFUSED(most, -1, "translations of -1");
	plain = small_model("gru:1x8", NULL, 5, 1);
	refused(plain, &r.c, good, "gru:1x8 writes on, it does not translate");
	ur_model_free(plain);
	t = opened(&r, good);
	assert_int_equal(ur_translate(t, 0, sources_of, (int[]){ 1, 1, 1 }, out, &err), UR_E_INVALID);
	assert_int_equal(ur_translate(t, 3, sources_of, (int[]){ 1, 1, 1 }, out, &err), UR_E_INVALID);
	assert_says(err, "3 sources at once: it must be 1 to 2");
	ur_translator_close(t);
	ur_translator_close(NULL);
	pair_rig_close(&r);
}

/* -- texts -- */

static void expect_text(const char *kind, const char *text, const char *expected)
{
	ur_vocab *v = small_vocab(kind);
	int32_t tokens[100];
	int64_t n;
	size_t bytes;
	char *back;

	n = ur_vocab_encode(v, text, strlen(text), tokens, 100, NULL);
	assert_true(n >= 0 && n <= 100);
	back = ur_translation_text(v, tokens, (int)n, &bytes);
	assert_non_null(back);
	assert_string_equal(back, expected);
	assert_int_equal(bytes, strlen(expected));
	free(back);
	ur_vocab_free(v);
}

static void texts_of_tokens(void **unused)
{
	static const char *const exact[] = { "char", "byte", "bpe" };
	(void)unused;
	for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
		expect_text(exact[i], "", "");
		expect_text(exact[i], "a", "a");
		expect_text(exact[i], "caf\xC3\xA9 \xE2\x82\xAC, z", "caf\xC3\xA9 \xE2\x82\xAC, z");
		/* a blank that is a token is the text's own */
		expect_text(exact[i], "a ", "a ");
		expect_text(exact[i], " ", " ");
	}
	expect_text("word", "", "");
	expect_text("word", ".,caf\xC3\xA9 \xE2\x82\xAC", ".,caf\xC3\xA9 \xE2\x82\xAC");
	expect_text("word", "\xE2\x82\xAC", "\xE2\x82\xAC");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(greedy_is_the_likeliest), cmocka_unit_test(what_a_beam_says_is_true),
		cmocka_unit_test(a_wide_beam_finds_the_best), cmocka_unit_test(narrow_beams_are_as_written),
		cmocka_unit_test(each_is_as_alone), cmocka_unit_test(without_alignments), cmocka_unit_test(ends_and_cuts),
		cmocka_unit_test(a_context_is_a_limit), cmocka_unit_test(a_context_has_room_for_a_token),
		cmocka_unit_test(any_length_without_a_context),
		cmocka_unit_test(weights_that_are_no_numbers), cmocka_unit_test(settings_that_cannot_be),
		cmocka_unit_test(texts_of_tokens),
	};
	if (!ur_kernels_pick(NULL))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
