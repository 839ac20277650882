/* Sampling: which tokens may come and how often, against a plain sort and the chi-square statistic. Generation: the
 * same text for the same seed, past the end of a context, in whole characters. */
#include "small_models.h"

#include <math.h>
#include <stdint.h>

#include "base/rng.h"
#include "run/generate.h"
#include "vocab/utf8.h"

/* -- sampling -- */

enum { V = 200, BIG = 33000 };

static const ur_kernels *kernels(void) { return ur_kernels_pick(NULL); }

static int draw(const ur_sampling *s, int n, const float *logits, int64_t position)
{
	float *work = malloc((size_t)n * sizeof *work);
	int32_t token = -1;

	assert_non_null(work);
	for (int i = 0; i < n; i++)
		work[i] = NAN;
	assert_ok(ur_sampling_check(s, why));
	assert_ok(ur_sample(kernels(), s, n, logits, position, work, &token, why));
	assert_in_range(token, 0, n - 1);
	free(work);
	return token;
}

static void random_logits(int n, double size, uint64_t seed, float *logits)
{
	for (int i = 0; i < n; i++)
		logits[i] = (float)(size * ur_rng_normal(seed, ur_rng_for(UR_RNG_TEST, 0), (uint64_t)i));
}

typedef struct ranked { double p; int id; } ranked;

static int by_rank(const void *a, const void *b)
{
	const ranked *x = a, *y = b;
	return x->p != y->p ? (x->p < y->p ? 1 : -1) : x->id - y->id;
}

/* What sampling means, with a sort: p[id], and how many of them are not 0. */
static int reference(const ur_sampling *s, int n, const float *logits, double *p)
{
	ranked *r = malloc((size_t)n * sizeof *r);
	double most = -INFINITY, sum = 0, kept = 0;
	int keep = s->top_k > 0 && s->top_k < n ? s->top_k : n, nucleus = 0;

	assert_non_null(r);
	for (int i = 0; i < n; i++)
		most = fmax(most, logits[i]);
	for (int i = 0; i < n; i++) {
		r[i] = (ranked){ exp((logits[i] - most) / s->temperature), i };
		p[i] = 0;
	}
	qsort(r, (size_t)n, sizeof *r, by_rank);
	for (int i = 0; i < keep; i++)
		sum += r[i].p;
	while (nucleus < keep && r[nucleus].p > 2e-35 && (s->top_p <= 0 || s->top_p >= 1 || kept < s->top_p * sum))
		kept += r[nucleus++].p;
	for (int i = 0; i < nucleus; i++)
		p[r[i].id] = r[i].p / kept;
	free(r);
	return nucleus;
}

/* Draws many and compares: nothing that is cut off ever comes, and the rest comes as often as it should. */
static void assert_distribution(const ur_sampling *s, int n, const float *logits, int draws)
{
	double *p = malloc((size_t)n * sizeof *p), chi = 0, rest_want = 0, rest_got = 0;
	int *count = calloc((size_t)n, sizeof *count), kept, bins = 0;

	assert_non_null(p);
	assert_non_null(count);
	kept = reference(s, n, logits, p);
	for (int i = 0; i < draws; i++)
		count[draw(s, n, logits, i)]++;
	for (int i = 0; i < n; i++) {
		double want = p[i] * draws;
		if (p[i] == 0 && count[i])
			fail_msg("temperature %g, top_k %d, top_p %g: token %d came, %d are kept", s->temperature, s->top_k,
			         s->top_p, i, kept);
		if (want >= 5) {
			chi += (count[i] - want) * (count[i] - want) / want;
			bins++;
		} else {
			rest_want += want;
			rest_got += count[i];
		}
	}
	if (rest_want >= 5) {
		chi += (rest_got - rest_want) * (rest_got - rest_want) / rest_want;
		bins++;
	}
	/* mean bins - 1, variance twice that; six sigma never happens, and a wrong distribution is far beyond */
	if (bins > 1 && chi > bins - 1 + 6 * sqrt(2.0 * (bins - 1)))
		fail_msg("temperature %g, top_k %d, top_p %g: chi-square %g over %d bins", s->temperature, s->top_k, s->top_p,
		         chi, bins);
	if (kept == 1)
		assert_int_equal(bins, 1);
	free(count);
	free(p);
}

static void draws_follow_the_distribution(void **unused)
{
	static const ur_sampling settings[] = {
		{ .temperature = 1 }, { .temperature = 0.5 }, { .temperature = 2 }, { .temperature = 1, .top_k = 1 },
		{ .temperature = 1, .top_k = 2 }, { .temperature = 1, .top_k = 17 }, { .temperature = 1, .top_k = V },
		{ .temperature = 1, .top_k = 10 * V }, { .temperature = 1, .top_p = 0.9 }, { .temperature = 1, .top_p = 0.5 },
		{ .temperature = 1, .top_p = 1e-9 }, { .temperature = 1, .top_p = 1 },
		{ .temperature = 1.5, .top_k = 30, .top_p = 0.8 }, { .temperature = 0.01, .top_k = 50 },
		{ .temperature = 1e-6, .top_p = 0.99 }, { .temperature = 1e6 },
	};
	float logits[V];

	(void)unused;
	for (uint64_t seed = 1; seed <= 2; seed++) {
		random_logits(V, 2, seed, logits);
		for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
			ur_sampling s = settings[i];
			s.seed = seed;
			assert_distribution(&s, V, logits, 6000);
		}
	}
}

/* The set that can come, whole, for logits of every kind: nothing is missing and nothing too many. */
static void cuts_are_exact(void **unused)
{
	static const int k[] = { 0, 1, 2, 3, 50, 199 };
	static const double p[] = { 0, 0.001, 0.3, 0.7, 0.95, 0.9999 };
	float logits[V];

	(void)unused;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		random_logits(V, seed % 3 ? 1 : 12, seed, logits);
		if (seed % 4 == 0) /* many equals, in classes */
			for (int i = 0; i < V; i++)
				logits[i] = (float)(int)logits[i];
		for (size_t a = 0; a < sizeof k / sizeof *k; a++)
			for (size_t b = 0; b < sizeof p / sizeof *p; b++) {
				ur_sampling s = { .temperature = 1, .top_k = k[a], .top_p = p[b], .seed = seed };
				double want[V];
				int came[V] = { 0 };

				reference(&s, V, logits, want);
				for (int i = 0; i < 600; i++)
					came[draw(&s, V, logits, i)] = 1;
				for (int i = 0; i < V; i++)
					if ((want[i] == 0 && came[i]) || (want[i] > 0.03 && !came[i]))
						fail_msg("seed %d, top_k %d, top_p %g: token %d, p %g, came %d", (int)seed, k[a], p[b], i,
						         want[i], came[i]);
			}
	}
}

static void ties_go_to_the_lower_token(void **unused)
{
	float logits[V];
	int came[V] = { 0 };

	(void)unused;
	for (int i = 0; i < V; i++)
		logits[i] = i == 7 || i == 9 ? 3 : 1;
	assert_int_equal(draw(&(ur_sampling){ 0 }, V, logits, 0), 7);
	assert_int_equal(draw(&(ur_sampling){ .temperature = 1, .top_k = 1 }, V, logits, 5), 7);
	for (int i = 0; i < 2000; i++)
		came[draw(&(ur_sampling){ .temperature = 1, .top_k = 4 }, V, logits, i)] = 1;
	for (int i = 0; i < V; i++)
		assert_int_equal(came[i], i < 2 || i == 7 || i == 9);
	/* half of equals, by mass */
	memset(came, 0, sizeof came);
	for (int i = 0; i < V; i++)
		logits[i] = -2;
	for (int i = 0; i < 4000; i++)
		came[draw(&(ur_sampling){ .temperature = 1, .top_p = 0.5 }, V, logits, i)] = 1;
	for (int i = 0; i < V; i++)
		assert_int_equal(came[i], i < V / 2);
}

static void draws_are_a_function_of_seed_and_position(void **unused)
{
	float logits[V];
	int same = 0;

	(void)unused;
	random_logits(V, 1, 1, logits);
	for (int i = 0; i < 300; i++) {
		ur_sampling s = { .temperature = 1, .seed = 3 }, t = { .temperature = 1, .seed = 4 };
		assert_int_equal(draw(&s, V, logits, i), draw(&s, V, logits, i));
		same += draw(&s, V, logits, i) == draw(&t, V, logits, i);
	}
	assert_true(same < 60);
	for (int i = 0; i < 50; i++)
		assert_int_equal(draw(&(ur_sampling){ .seed = (uint64_t)i }, V, logits, i),
		                 draw(&(ur_sampling){ 0 }, V, logits, 0));
}

static void large_vocabularies(void **unused)
{
	static const ur_sampling settings[] = {
		{ .temperature = 1, .top_k = 40 }, { .temperature = 0.8, .top_p = 0.9 },
		{ .temperature = 1, .top_k = 1000, .top_p = 0.5 },
	};
	float *logits = malloc(BIG * sizeof *logits);

	(void)unused;
	assert_non_null(logits);
	random_logits(BIG, 3, 5, logits);
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		assert_distribution(&settings[i], BIG, logits, 800);
	assert_int_equal(draw(&(ur_sampling){ .temperature = 1 }, 1, logits, 3), 0);
	free(logits);
}

static void strange_logits(void **unused)
{
	float logits[V], work[V];
	int32_t token;
	ur_err err = { 0 };
	ur_sampling s = { .temperature = 1 };

	(void)unused;
	random_logits(V, 1, 6, logits);
	for (int pass = 0; pass < 2; pass++, s.temperature = 0) {
		for (int i = 0; i < V; i += 33) {
			float was = logits[i];
			char name[32];
			snprintf(name, sizeof name, "token %d ", i);
			logits[i] = NAN;
			assert_int_equal(ur_sample(kernels(), &s, V, logits, 0, work, &token, &err), UR_E_INVALID);
			assert_says(err, name);
			logits[i] = INFINITY;
			assert_int_equal(ur_sample(kernels(), &s, V, logits, 0, work, &token, &err), UR_E_INVALID);
			assert_says(err, "infinite");
			logits[i] = was;
		}
		assert_ok(ur_sample(kernels(), &s, V, logits, 0, work, &token, why));
	}
	s.temperature = 1;
	for (int i = 0; i < V; i++)
		logits[i] = i % 2 ? -INFINITY : 1;
	for (int i = 0; i < 2000; i++)
		assert_int_equal(draw(&s, V, logits, i) % 2, 0);
	for (int i = 0; i < V; i++)
		logits[i] = i % 2 ? -3e38f : 3e38f;
	for (int i = 0; i < 2000; i++)
		assert_int_equal(draw(&(ur_sampling){ .temperature = 1, .top_k = 150, .top_p = 0.9 }, V, logits, i) % 2, 0);
	for (int i = 0; i < V; i++)
		logits[i] = -INFINITY;
	assert_int_equal(ur_sample(kernels(), &s, V, logits, 0, work, &token, &err), UR_E_INVALID);
	assert_says(err, "no token");
}

static void settings_are_checked(void **unused)
{
	static const struct { ur_sampling s; const char *says; } wrong[] = {
		{ { .temperature = -1 }, "temperature" }, { { .temperature = NAN }, "temperature" },
		{ { .temperature = 1e-7 }, "temperature" },
		{ { .temperature = INFINITY }, "temperature" }, { { .top_k = -1 }, "top_k" }, { { .top_p = -0.1 }, "top_p" },
		{ { .top_p = 1.1 }, "top_p" }, { { .top_p = NAN }, "top_p" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		ur_err err = { 0 };
		assert_int_equal(ur_sampling_check(&wrong[i].s, &err), UR_E_INVALID);
		assert_says(err, wrong[i].says);
	}
}

/* -- generation -- */

enum { ROOM = 2000 };

typedef struct page {
	int32_t tokens[ROOM];
	char text[ROOM];
	int n, stop_after;              /* 0: never */
	size_t bytes;
	int whole;                      /* every piece was whole UTF-8 */
} page;

static int write_page(void *arg, int32_t token, const char *text, size_t bytes)
{
	page *p = arg;

	assert_in_range(p->n, 0, ROOM - 1);
	assert_true(p->bytes + bytes < ROOM);
	p->tokens[p->n++] = token;
	memcpy(p->text + p->bytes, text, bytes);
	p->bytes += bytes;
	p->text[p->bytes] = 0;
	p->whole &= ur_utf8_valid((const unsigned char *)text, bytes) == bytes;
	return p->stop_after && p->n >= p->stop_after;
}

static page generate(const ur_model *m, const ur_generation *g)
{
	ur_stream *s = small_stream(m);
	page p = { .whole = 1 };
	int64_t drawn;

	small_step(s, 0); /* what the stream holds does not matter */
	assert_ok(ur_generate(s, g, write_page, &p, &drawn, why));
	assert_int_equal(drawn, p.n);
	unroll_stream_close(s);
	return p;
}

/* The same by hand: steps alone, and a fresh stream for each start from half a context. */
static void by_hand(const ur_model *m, const ur_generation *g, int32_t *out)
{
	int32_t held[ROOM], start;
	int64_t limit = unroll_limit(m), n = 0, half = limit / 2 ? limit / 2 : 1, made = 0;
	ur_stream *s = small_stream(m);
	float work[300];
	const float *logits = NULL;

	if (g->prompt_tokens == 0) {
		held[n++] = unroll_encode(m, "\n", 1, &start, 1, NULL) == 1 ? start : 0;
	} else {
		int64_t from = limit && g->prompt_tokens > limit ? g->prompt_tokens - half : 0;
		for (; from < g->prompt_tokens; from++)
			held[n++] = g->prompt[from];
	}
	for (int64_t t = 0; t < n; t++)
		logits = small_step(s, held[t]);
	while (made < g->count) {
		int32_t token;
		assert_ok(ur_sample(m->k, &g->sampling, m->V, logits, g->prompt_tokens + made, work, &token, why));
		out[made++] = token;
		if (limit && unroll_position(s) == limit) {
			int64_t keep = limit > 1 ? half : 0;
			unroll_stream_close(s);
			s = small_stream(m);
			for (int64_t t = n - keep; t < n; t++)
				small_step(s, held[t]);
		}
		held[n++] = token;
		logits = small_step(s, token);
	}
	unroll_stream_close(s);
}

static const char *const specs[] = {
	"lstm:2x24", "gru:1x16,block=gpt2,context=20", "transformer:2x32,heads=4,context=48",
	"transformer:1x16,heads=2,context=1", "transformer:1x16,heads=2,context=2",
	"transformer:1x16,heads=2,context=7,block=llama",
	"transformer:2x32,heads=4,block=llama,window=8",
};
enum { SPECS = sizeof specs / sizeof *specs };

static void text_past_the_context(void **unused)
{
	(void)unused;
	for (int i = 0; i < SPECS; i++) {
		ur_model *m = small_opened(specs[i], "char", 0, 3);
		int32_t prompt[60], want[200];
		int prompts[] = { 0, 1, 2, 20, 47, 48, 60 };

		small_tokens(m, 9, 60, prompt);
		for (size_t n = 0; n < sizeof prompts / sizeof *prompts; n++) {
			ur_generation g = { .prompt = prompt, .prompt_tokens = prompts[n], .count = 150,
			                    .sampling = { .temperature = 1, .seed = 5 } };
			page p = generate(m, &g);
			assert_int_equal(p.n, 150);
			assert_true(p.whole);
			by_hand(m, &g, want);
			/* prefill and steps differ by rounding, which a draw notices once in 10^5 */
			for (int t = 0; t < 150; t++)
				if (p.tokens[t] != want[t])
					fail_msg("%s, a prompt of %d: token %d is %d, by hand %d", specs[i], prompts[n], t,
					         (int)p.tokens[t], (int)want[t]);
		}
		unroll_close(m);
	}
}

static void seeds_decide(void **unused)
{
	ur_model *m = small_opened("transformer:2x32,heads=4,context=48", "char", 0, 3);
	ur_generation g = { .count = 120, .sampling = { .temperature = 1, .top_k = 20, .top_p = 0.95, .seed = 1 } };
	page a = generate(m, &g), b = generate(m, &g), c;

	(void)unused;
	assert_string_equal(a.text, b.text);
	g.sampling.seed = 2;
	c = generate(m, &g);
	assert_true(strcmp(a.text, c.text) != 0);
	g.sampling = (ur_sampling){ 0 };
	a = generate(m, &g);
	g.sampling.seed = 9;
	b = generate(m, &g);
	assert_string_equal(a.text, b.text);
	/* fewer tokens are the start of more */
	g.count = 30;
	b = generate(m, &g);
	assert_memory_equal(a.tokens, b.tokens, 30 * sizeof *a.tokens);
	g.count = 0;
	assert_int_equal(generate(m, &g).n, 0);
	unroll_close(m);
}

static void stops(void **unused)
{
	ur_model *m = small_opened("lstm:1x16", "char", 0, 3);
	ur_generation g = { .count = 400, .sampling = { .temperature = 1, .seed = 4 } };
	page all = generate(m, &g), p;
	ur_stream *s = small_stream(m);
	char stop[4] = { 0 };
	size_t at = 30;
	int64_t drawn;
	ur_err err = { 0 };

	(void)unused;
	/* three bytes that came, cut at their first appearance */
	memcpy(stop, all.text + at, 3);
	at = (size_t)(strstr(all.text, stop) - all.text);
	g.stop = stop;
	p = generate(m, &g);
	assert_int_equal(p.bytes, at + 3 + (size_t)(((unsigned char)all.text[at + 3] & 0xC0) == 0x80));
	assert_memory_equal(p.text, all.text, p.bytes);
	g.stop = "this does not come";
	assert_string_equal(generate(m, &g).text, all.text);
	g.stop = "";
	assert_string_equal(generate(m, &g).text, all.text);
	g.stop = NULL;
	p = (page){ .whole = 1, .stop_after = 5 };
	assert_int_equal(ur_generate(s, &g, write_page, &p, &drawn, &err), UR_E_STOPPED);
	assert_int_equal(drawn, 5);
	assert_memory_equal(p.tokens, all.tokens, 5 * sizeof *p.tokens);
	unroll_stream_close(s);
	unroll_close(m);
}

static void refused(const ur_model *m, const ur_generation *g, const char *says)
{
	ur_stream *s = small_stream(m);
	page p = { 0 };
	int64_t drawn = 77;
	ur_err err = { 0 };

	assert_int_equal(ur_generate(s, g, write_page, &p, &drawn, &err), UR_E_INVALID);
	assert_says(err, says);
	assert_int_equal(drawn, 0);
	assert_int_equal(p.n, 0);
	unroll_stream_close(s);
}

static void what_cannot_be_generated(void **unused)
{
	ur_model *m = small_opened("gru:1x16", "char", 0, 3);
	const int32_t strange[] = { 0, 1, 32 };
	char lengthy[UR_STOP_MOST + 2];

	(void)unused;
	memset(lengthy, 'a', sizeof lengthy);
	lengthy[sizeof lengthy - 1] = 0;
	refused(m, &(ur_generation){ .prompt = strange, .prompt_tokens = 3, .count = 5 }, "number 2 of the prompt");
	refused(m, &(ur_generation){ .count = -1 }, "negative");
	refused(m, &(ur_generation){ .prompt_tokens = -1 }, "negative");
	refused(m, &(ur_generation){ .count = 5, .sampling = { .temperature = -1 } }, "temperature");
	refused(m, &(ur_generation){ .count = 5, .stop = lengthy }, "256");
	m->weights[m->param[m->head_bias].at + 3] = NAN;
	refused(m, &(ur_generation){ .count = 5 }, "token 3 ");
	unroll_close(m);
}

static void other_vocabularies(void **unused)
{
	ur_model *bytes = small_opened("gru:1x16", "byte", 0, 3), *words = small_opened("gru:1x16", "word", 0, 3);
	ur_model *mute = small_opened("gru:1x16", NULL, 50, 3);
	ur_generation g = { .count = 200, .sampling = { .temperature = 1, .seed = 1 } };
	page p = generate(bytes, &g);
	int32_t want[200];

	(void)unused;
	/* a byte is a token, whatever it is of UTF-8; a NUL too */
	assert_int_equal(p.bytes, 200);
	for (int i = 0; i < 200; i++)
		assert_int_equal((unsigned char)p.text[i], p.tokens[i]);
	assert_false(p.whole);
	by_hand(bytes, &g, want);
	assert_memory_equal(p.tokens, want, sizeof want);
	p = generate(words, &g);
	assert_true(p.whole && p.bytes > 0);
	p = generate(mute, &g);
	assert_int_equal(p.n, 200);
	assert_int_equal(p.bytes, 0);
	by_hand(mute, &g, want);
	assert_memory_equal(p.tokens, want, sizeof want);
	unroll_close(bytes);
	unroll_close(words);
	unroll_close(mute);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_follow_the_distribution),
		cmocka_unit_test(cuts_are_exact),
		cmocka_unit_test(ties_go_to_the_lower_token),
		cmocka_unit_test(draws_are_a_function_of_seed_and_position),
		cmocka_unit_test(large_vocabularies),
		cmocka_unit_test(strange_logits),
		cmocka_unit_test(settings_are_checked),
		cmocka_unit_test(text_past_the_context),
		cmocka_unit_test(seeds_decide),
		cmocka_unit_test(stops),
		cmocka_unit_test(what_cannot_be_generated),
		cmocka_unit_test(other_vocabularies),
	};
	if (!ur_kernels_pick(NULL))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
