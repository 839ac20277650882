/* Mixers and kernels against what PyTorch gave for the same numbers (golden/make_golden.py): outputs, states and every
 * gradient. The file's name is the mixer's; options, parameters and states go by the mixer's own names and order. A
 * difference is the largest one by the largest value of the array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>
#include <jansson.h>

#include "arrays.h"
#include "mixer/mixer.h"

enum { MOST_LAYERS = 2, MOST_B = 8 };
static const double bound = 1e-5;

typedef struct golden {
	const ur_kernels *k;
	ur_ctx c;
	const ur_mixer_forward *f;  /* NULL: blocks */
	const ur_mixer_backward *g;
} golden;

static json_t *field(const json_t *of, const char *name)
{
	json_t *v = json_object_get(of, name);
	if (!v)
		fail_msg("a golden file has no \"%s\" where one belongs", name);
	return v;
}

static int whole(const json_t *of, const char *name) { return (int)json_integer_value(field(of, name)); }
static float real(const json_t *of, const char *name) { return (float)json_number_value(field(of, name)); }

/* An array, which must have n values. */
static float *numbers_of(arrays *a, const json_t *v, size_t n)
{
	float *x = arr(a, n);
	if (json_array_size(v) != n)
		fail_msg("a golden array has %zu values where %zu belong", json_array_size(v), n);
	for (size_t i = 0; i < n; i++)
		x[i] = (float)json_number_value(json_array_get(v, i));
	return x;
}

static float *numbers(arrays *a, const json_t *of, const char *name, size_t n)
{
	return numbers_of(a, field(of, name), n);
}

static double differ(const float *got, const float *want, size_t n)
{
	double most = 0, size = 0;
	for (size_t i = 0; i < n; i++) {
		double e = fabs((double)got[i] - (double)want[i]);
		if (isnan(e))
			return INFINITY;
		most = fmax(most, e);
		size = fmax(size, fabs((double)want[i]));
	}
	return most / fmax(size, 1e-30);
}

/* A case: its name and worst error. */
typedef struct error { const char *name; double worst; } error;

static void check(error *e, const char *what, const float *got, const float *want, size_t n)
{
	double off = differ(got, want, n);
	e->worst = fmax(e->worst, off);
	if (!(off <= bound))
		fail_msg("%s: %s is off by %.3g of its largest value", e->name, what, off);
}

/* -- mixers ------------------------------------------------ */

static void set_options(const ur_mixer *m, ur_dims *d, const json_t *options)
{
	const char *name;
	json_t *value;
	for (int i = 0; m->options && m->options[i].name; i++)
		d->option[i] = m->options[i].standard;
	json_object_foreach((json_t *)(uintptr_t)options, name, value) {
		int i = 0;
		while (m->options && m->options[i].name && strcmp(m->options[i].name, name))
			i++;
		if (!m->options || !m->options[i].name)
			fail_msg("%s has no option %s", m->name, name);
		if (json_is_string(value)) { /* the index of the word among the choices */
			const char *word = json_string_value(value), *at = m->options[i].choices;
			size_t length = strlen(word);
			int index = 0;
			while (at && !(!strncmp(at, word, length) && (at[length] == '|' || !at[length]))) {
				at = strchr(at, '|');
				at = at ? at + 1 : NULL;
				index++;
			}
			if (!at)
				fail_msg("%s has no choice %s", name, word);
			d->option[i] = index;
		} else {
			d->option[i] = json_number_value(value);
		}
	}
}

typedef struct layer {
	ur_dims d;
	int n;
	ur_param p[UR_MIXER_PARAMS];
	ur_mat w[UR_MIXER_PARAMS];
	size_t size[UR_MIXER_PARAMS], state;
	float *x, *y, *dx, *saved, *dw[UR_MIXER_PARAMS];
	void *st[MOST_B], *step_st[MOST_B], *dst[MOST_B];
	ur_span s;
} layer;

/* What an encoder left, for mixers that read it. */
typedef struct source {
	int M, S, mlen[MOST_B];
	float *memory, *dmemory, *weights;      /* (S, B, M), (S, B, M), (T, B, S) */
	float *rows[MOST_B];                    /* (mlen, M) of one source */
} source;

/* As NaN beyond each length: nobody reads that. */
static void load_source(arrays *a, source *e, const json_t *c, int T, int B)
{
	e->M = whole(c, "M"), e->S = whole(c, "S");
	size_t M = (size_t)e->M, n = (size_t)e->S * (size_t)B * M;
	e->memory = numbers(a, c, "memory", n);
	e->dmemory = memset(arr(a, n), 0, n * sizeof(float));
	e->weights = arr(a, (size_t)(T * B * e->S));
	for (int b = 0; b < B; b++) {
		const json_t *mlen = field(c, "mlen");
		e->mlen[b] = json_is_array(mlen) ? (int)json_integer_value(json_array_get(mlen, (size_t)b)) : e->S;
		e->rows[b] = arr(a, (size_t)e->mlen[b] * M);
		for (int j = 0; j < e->S; j++) {
			float *row = e->memory + (size_t)(j * B + b) * M;
			if (j < e->mlen[b])
				memcpy(e->rows[b] + (size_t)j * M, row, M * sizeof *row);
			else
				arr_fresh(row, M);
		}
	}
}

static void load_layer(golden *g, arrays *a, layer *l, const json_t *j, int B)
{
	const ur_mixer *m = g->f->mixer;
	assert_null(m->check(&l->d));
	l->n = m->params(&l->d, l->p);
	assert_int_equal(l->n, json_object_size(field(j, "params")));
	for (int i = 0; i < l->n; i++) {
		const ur_param *p = &l->p[i];
		int blocks = p->blocks > 1 ? p->blocks : 1;
		l->size[i] = (size_t)p->rows * (size_t)(p->cols ? p->cols : 1);
		l->w[i] = (ur_mat){.rows = p->rows, .cols = p->cols ? p->cols : 1, .blocks = blocks, .cut = p->cut};
		l->w[i].data = numbers(a, field(j, "params"), p->name, l->size[i]);
		l->dw[i] = memset(arr(a, l->size[i]), 0, l->size[i] * sizeof(float));
		if (p->cols) {
			l->w[i].panels = arr(a, ur_panels_size(g->k, p->rows, p->cols, blocks));
			l->w[i].panels_t = arr(a, ur_panels_size(g->k, p->cols, p->rows, 1));
		}
	}
	ur_pack_weights(&g->c, l->n, l->w);
	l->state = m->state_size(&l->d) / sizeof(float);
	float *start = json_object_get(j, "state") ? numbers(a, j, "state", l->state * (size_t)B) : NULL;
	float *dstate = start ? numbers(a, j, "dstate_end", l->state * (size_t)B) : NULL;
	for (int b = 0; b < B; b++) {
		l->st[b] = memset(arr(a, l->state), 0, l->state * sizeof(float));
		l->step_st[b] = memset(arr(a, l->state), 0, l->state * sizeof(float));
		l->dst[b] = dstate ? dstate + (size_t)b * l->state : NULL;
		if (start) {
			memcpy(l->st[b], start + (size_t)b * l->state, l->state * sizeof(float));
			memcpy(l->step_st[b], l->st[b], l->state * sizeof(float));
		}
	}
}

static void check_mixer(golden *g, const json_t *c, error *e)
{
	const ur_mixer *m = g->f->mixer;
	arrays a = {0};
	int B = whole(c, "B"), T = whole(c, "T"), in = whole(c, "in"), out = whole(c, "out"), len[MOST_B];
	int layers = (int)json_array_size(field(c, "layers")), ragged = json_is_array(field(c, "len"));
	size_t n = (size_t)T * (size_t)B;
	layer l[MOST_LAYERS] = {0};
	source from = {0};
	assert_true(B <= MOST_B && layers <= MOST_LAYERS);
	if (m->flags & UR_READS_MEMORY)
		load_source(&a, &from, c, T, B);
	for (int b = 0; b < B; b++)
		len[b] = ragged ? (int)json_integer_value(json_array_get(field(c, "len"), (size_t)b)) : T;
	float *x = numbers(&a, c, "x", n * (size_t)in), *y = numbers(&a, c, "y", n * (size_t)out);
	float *dx = numbers(&a, c, "dx", n * (size_t)in), *dy = numbers(&a, c, "dy", n * (size_t)out);

	for (int i = 0; i < layers; i++) {
		const json_t *j = json_array_get(field(c, "layers"), (size_t)i);
		l[i].d = (ur_dims){.in = i ? out : in, .out = out, .context = T, .memory = from.M};
		set_options(m, &l[i].d, field(c, "options"));
		load_layer(g, &a, &l[i], j, B);
		l[i].x = i ? l[i - 1].y : x;
		l[i].y = arr(&a, n * (size_t)out);
		l[i].s = (ur_span){.T = T, .B = B, .len = ragged ? len : NULL, .x = l[i].x, .y = l[i].y, .state = l[i].st,
			.memory = from.memory, .mlen = from.memory ? from.mlen : NULL, .S = from.S, .weights = from.weights};
		ur_need need = g->f->need(&g->c, &l[i].d, &l[i].s);
		l[i].saved = arr(&a, need.saved);
		g->f->forward(&g->c, &l[i].d, l[i].w, &l[i].s, l[i].saved, arr(&a, need.forward));
		if (json_object_get(j, "state_end")) {
			float *end = numbers(&a, j, "state_end", l[i].state * (size_t)B);
			for (int b = 0; b < B; b++)
				check(e, "the last state", l[i].st[b], end + (size_t)b * l[i].state, l[i].state);
		}
	}
	check(e, "y", l[layers - 1].y, y, n * (size_t)out);
	if (from.memory)
		check(e, "weights", from.weights, numbers(&a, c, "weights", n * (size_t)from.S), n * (size_t)from.S);

	const float *back = dy;
	for (int i = layers; i-- > 0;) {
		const json_t *j = json_array_get(field(c, "layers"), (size_t)i);
		ur_need need = g->f->need(&g->c, &l[i].d, &l[i].s);
		l[i].dx = arr(&a, n * (size_t)l[i].d.in);
		g->g->backward(&g->c, &l[i].d, l[i].w, &l[i].s, l[i].saved, back, l[i].dx, l[i].dw,
		               l[i].dst[0] ? l[i].dst : NULL, from.dmemory, arr(&a, need.backward));
		back = l[i].dx;
		for (int p = 0; p < l[i].n; p++)
			check(e, l[i].p[p].name, l[i].dw[p], numbers(&a, field(j, "grads"), l[i].p[p].name, l[i].size[p]),
			      l[i].size[p]);
		if (l[i].dst[0]) {
			float *first = numbers(&a, j, "dstate", l[i].state * (size_t)B);
			for (int b = 0; b < B; b++)
				check(e, "the first state's gradient", l[i].dst[b], first + (size_t)b * l[i].state, l[i].state);
		}
	}
	check(e, "dx", l[0].dx, dx, n * (size_t)in);
	if (from.memory) {
		size_t floats = (size_t)(from.S * B * from.M);
		check(e, "dmemory", from.dmemory, numbers(&a, c, "dmemory", floats), floats);
	}

	/* and one step at a time */
	float *streamed = memset(arr(&a, n * (size_t)out), 0, n * (size_t)out * sizeof(float));
	float *rows[MOST_LAYERS] = {arr(&a, (size_t)out), arr(&a, (size_t)out)};
	float *work[MOST_LAYERS] = {arr(&a, m->step_work(&l[0].d, 1)), arr(&a, m->step_work(&l[layers - 1].d, 1))};
	for (int b = 0; b < B; b++) {
		float *made[MOST_LAYERS] = {0};
		for (int i = 0; i < layers && from.memory; i++) {
			made[i] = arr(&a, m->memory_size(&l[i].d, from.mlen[b]));
			m->remember(g->k, &l[i].d, l[i].w, from.mlen[b], from.rows[b], made[i]);
		}
		for (int t = 0; t < len[b]; t++) {
			const float *row = x + (size_t)(t * B + b) * (size_t)in;
			for (int i = 0; i < layers; i++) {
				m->step(&(ur_turn){ .k = g->k, .d = &l[i].d, .w = l[i].w, .n = 1, .x = row, .y = rows[i],
					.state = &l[i].step_st[b], .memory = (const float *const *)&made[i], .mlen = &from.mlen[b],
					.work = work[i] });
				row = rows[i];
			}
			memcpy(streamed + (size_t)(t * B + b) * (size_t)out, row, (size_t)out * sizeof *row);
		}
	}
	check(e, "y step by step", streamed, y, n * (size_t)out);
	assert_int_equal(arr_broken(&a), 0);
	arr_free(&a);
}

/* -- kernels ------------------------------------------------ */

static void check_norm(golden *g, const json_t *c, error *e)
{
	const ur_kernels *k = g->k;
	arrays a = {0};
	int rows = whole(c, "rows"), D = whole(c, "D"), centred = !strcmp(json_string_value(field(c, "kind")), "layernorm");
	size_t d = (size_t)D, n = (size_t)rows * d;
	float eps = real(c, "eps"), *x = numbers(&a, c, "x", n), *gain = numbers(&a, c, "gain", d);
	float *dy = numbers(&a, c, "dy", n);
	float *bias = centred ? numbers(&a, c, "bias", d) : NULL, *y = arr(&a, n), *dx = arr(&a, n);
	float *stats = arr(&a, 2 * (size_t)rows);
	float *dgain = memset(arr(&a, d), 0, d * sizeof *dgain), *dbias = memset(arr(&a, d), 0, d * sizeof *dbias);
	for (int i = 0; i < rows; i++) {
		size_t at = (size_t)i * d;
		if (centred) {
			k->layernorm(D, eps, x + at, gain, bias, y + at, stats + 2 * i);
			k->layernorm_back(D, x + at, gain, stats + 2 * i, dy + at, dx + at);
		} else {
			k->rmsnorm(D, eps, x + at, gain, y + at, stats + 2 * i);
			k->rmsnorm_back(D, x + at, gain, stats + 2 * i, dy + at, dx + at);
		}
	}
	k->norm_gain_back(rows, D, D, x, stats, dy, dgain);
	check(e, "y", y, numbers(&a, c, "y", n), n);
	check(e, "dx", dx, numbers(&a, c, "dx", n), n);
	check(e, "dgain", dgain, numbers(&a, c, "dgain", d), d);
	if (centred) {
		k->column_sums(rows, D, dy, D, dbias);
		check(e, "dbias", dbias, numbers(&a, c, "dbias", d), d);
	}
	arr_free(&a);
}

static void check_gelu(golden *g, const json_t *c, error *e)
{
	arrays a = {0};
	size_t n = json_array_size(field(c, "x"));
	float *x = numbers(&a, c, "x", n), *y = arr(&a, n);
	g->k->gelu((int)n, x, y);
	check(e, "y", y, numbers(&a, c, "y", n), n);
	g->k->gelu_back((int)n, x, numbers(&a, c, "dy", n), y);
	check(e, "dx", y, numbers(&a, c, "dx", n), n);
	arr_free(&a);
}

static void check_swiglu(golden *g, const json_t *c, error *e)
{
	arrays a = {0};
	size_t n = json_array_size(field(c, "up"));
	float *gate = numbers(&a, c, "gate", n), *up = numbers(&a, c, "up", n), *y = arr(&a, n), *dup = arr(&a, n);
	g->k->swiglu((int)n, gate, up, y);
	check(e, "y", y, numbers(&a, c, "y", n), n);
	g->k->swiglu_back((int)n, gate, up, numbers(&a, c, "dy", n), y, dup);
	check(e, "dgate", y, numbers(&a, c, "dgate", n), n);
	check(e, "dup", dup, numbers(&a, c, "dup", n), n);
	arr_free(&a);
}

static void check_cross_entropy(golden *g, const json_t *c, error *e)
{
	arrays a = {0};
	int rows = whole(c, "rows"), V = whole(c, "V");
	size_t n = (size_t)rows * (size_t)V;
	float *x = numbers(&a, c, "x", n), *losses = arr(&a, (size_t)rows);
	for (int i = 0; i < rows; i++) {
		int target = (int)json_integer_value(json_array_get(field(c, "targets"), (size_t)i));
		double alone = g->k->cross_entropy(V, x + i * V, target, 0);
		double loss = g->k->cross_entropy(V, x + i * V, target, 1.0f / (float)rows);
		assert_true(fabs(alone - loss) < 1e-6);
		losses[i] = (float)loss;
	}
	check(e, "losses", losses, numbers(&a, c, "losses", (size_t)rows), (size_t)rows);
	check(e, "dx", x, numbers(&a, c, "dx_of_mean", n), n);
	arr_free(&a);
}

static void check_optimiser(golden *g, const json_t *c, error *e)
{
	arrays a = {0};
	size_t n = (size_t)whole(c, "n");
	int adam = !strcmp(json_string_value(field(c, "kind")), "adamw");
	float *w = numbers(&a, c, "w", n), *m = memset(arr(&a, n), 0, n * sizeof *m);
	float *v = memset(arr(&a, n), 0, n * sizeof *v);
	float lr = real(c, "lr"), decay = real(c, "weight_decay"), clip = real(c, "clip");
	for (size_t step = 0; step < json_array_size(field(c, "grads")); step++) {
		float *grad = numbers_of(&a, json_array_get(field(c, "grads"), step), n);
		double norm = sqrt(g->k->sum_squares(n, grad));
		double want = json_number_value(json_array_get(field(c, "norms"), step));
		assert_true(fabs(norm - want) <= 1e-6 * want);
		float scale = clip > 0 ? (float)fmin(1, (double)clip / (norm + 1e-6)) : 1; /* clip_grad_norm_ */
		if (adam) {
			const json_t *betas = field(c, "betas");
			double b1 = json_number_value(json_array_get(betas, 0)), b2 = json_number_value(json_array_get(betas, 1));
			double t = (double)step + 1;
			ur_adamw o = {lr, (float)b1, (float)b2, real(c, "eps"), decay,
			              (float)(1 - pow(b1, t)), (float)(1 - pow(b2, t)), scale};
			g->k->adamw(n, &o, w, grad, m, v);
		} else {
			g->k->sgd(n, lr, real(c, "momentum"), decay, scale, w, grad, m);
		}
		check(e, "weights after a step", w, numbers_of(&a, json_array_get(field(c, "after"), step), n), n);
	}
	arr_free(&a);
}

#include "golden_layers.h"

static const struct { const char *kind; void (*check)(golden *, const json_t *, error *); } kinds[] = {
	{"layernorm", check_norm}, {"rmsnorm", check_norm}, {"gelu", check_gelu}, {"swiglu", check_swiglu},
	{"cross_entropy", check_cross_entropy}, {"adamw", check_optimiser}, {"sgd", check_optimiser},
	{"encoder_layer", check_layer}, {"decoder_layer", check_layer},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* -- files ------------------------------------------------ */

static json_t *read_cases(const char *name)
{
	char path[512];
	json_error_t e;
	snprintf(path, sizeof path, "%s/golden/%s.json", TEST_DATA, name);
	json_t *j = json_load_file(path, 0, &e);
	if (!j)
		fail_msg("%s: %s, line %d", path, e.text, e.line);
	assert_true(json_array_size(j) > 0);
	return j;
}

static void test_mixer(void **state)
{
	golden *g = *state;
	size_t i;
	json_t *c, *cases = read_cases(g->f->mixer->name);
	json_array_foreach(cases, i, c) {
		error e = {json_string_value(field(c, "name")), 0};
		check_mixer(g, c, &e);
		printf("%-6s %s, %s: worst error %.1e\n", g->k->name, g->f->mixer->name, e.name, e.worst);
	}
	json_decref(cases);
}

static void test_blocks(void **state)
{
	golden *g = *state;
	size_t i;
	json_t *c, *cases = read_cases("blocks"), *layers = read_cases("transformer");
	assert_int_equal(json_array_extend(cases, layers), 0);
	json_decref(layers);
	json_array_foreach(cases, i, c) {
		error e = {json_string_value(field(c, "kind")), 0};
		int k = 0;
		while (k < KINDS && strcmp(kinds[k].kind, e.name))
			k++;
		if (k == KINDS)
			fail_msg("nothing here checks a %s", e.name);
		kinds[k].check(g, c, &e);
		printf("%-6s %s: worst error %.1e\n", g->k->name, e.name, e.worst);
	}
	json_decref(cases);
}

int main(void)
{
	enum { MOST = 64 };
	const ur_kernels *sets[2];
	int n = sets_to_test(sets), failed = 0;
	if (!n) {
		printf("this processor cannot run the kernel set asked for\n");
		return 77;
	}
	for (int i = 0; i < n; i++) {
		golden g[MOST] = {0};
		struct CMUnitTest tests[MOST];
		ur_ctx c;
		int count = 0;
		if (!ur_ctx_open(&c, NULL, 2))
			return 1;
		c.k = sets[i];
		for (; ur_mixers[count] && count < MOST - 1; count++) {
			g[count] = (golden){.k = sets[i], .c = c, .f = ur_mixer_forwards[count], .g = ur_mixer_backwards[count]};
			tests[count] = (struct CMUnitTest){ur_mixers[count]->name, test_mixer, NULL, NULL, &g[count]};
		}
		g[count] = (golden){.k = sets[i], .c = c};
		tests[count] = (struct CMUnitTest){"blocks", test_blocks, NULL, NULL, &g[count]};
		failed += _cmocka_run_group_tests(sets[i]->name, tests, (size_t)count + 1, NULL, NULL);
		ur_ctx_close(&c);
	}
	return failed != 0;
}
