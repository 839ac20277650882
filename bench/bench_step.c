/* One step at batch 1 on one thread, of recurrent layers and of a transformer with its KV cache, by storage of weights,
 * beside the floor: a bare loop that only reads the same bytes of packed weights. All take turns, a round of some steps
 * each, so that whatever the machine does hits all alike; every step is timed by itself.
 *
 *     bench_step [--rounds N] [--steps N] [--cpu SET] [--only TEXT] [--serve]
 *
 * --serve: a round for each line of standard input, answered with a line of JSON, {"NAME": [nanoseconds, ...]}, for
 * bench/peers/steps.py. What is timed: the layers alone, without embedding and head, of lstm, gru and rnn (2 x 256 with
 * an input of 256); all of a transformer's step, embedding and head included, at position 255. */
#include "bench.h"

#include "base/machine.h"
#include "model/model.h"
#include "run/stream.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

enum { H = 256, LAYERS = 2, MANY = 64, MOST = 64, POSITION = 255, MOST_READS = 128, WARM = 3 };

struct reads { const void *at; size_t bytes; };

/* What takes turns. */
typedef struct contender {
	char name[48];
	void (*run)(void *arg);
	void *arg;
	int per;                        /* streams that a run steps */
	int floor;                      /* index of its floor; -1: it is one */
	double *ns;
	long n;
} contender;

static contender all[MOST];
static int count;

static void *need(void *p)
{
	if (!p) {
		(void)fprintf(stderr, "no memory\n");
		exit(1);
	}
	return p;
}

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

/* -- the floor -- */

typedef struct floor_reads { int n; struct reads read[MOST_READS]; } floor_reads;
static volatile int64_t sink;

/* Vectors of `bytes` each; eight sums, so that none waits for another. */
#define READER(name, wide, ...) \
	__VA_ARGS__ static void name(void *arg) \
	{ \
		typedef int64_t vector __attribute__((vector_size(wide), aligned(wide))); \
		const floor_reads *f = arg; \
		vector s0 = { 0 }, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0; \
		for (int i = 0; i < f->n; i++) { \
			const vector *p = f->read[i].at, *end = p + f->read[i].bytes / sizeof *p; \
			for (; p + 8 <= end; p += 8) { \
				s0 ^= p[0], s1 ^= p[1], s2 ^= p[2], s3 ^= p[3]; \
				s4 ^= p[4], s5 ^= p[5], s6 ^= p[6], s7 ^= p[7]; \
			} \
			for (; p < end; p++) \
				s0 ^= p[0]; \
		} \
		s0 ^= s1 ^ s2 ^ s3 ^ s4 ^ s5 ^ s6 ^ s7; \
		sink = s0[0] ^ s0[1]; \
	}
READER(read_16, 16)
#if defined(__x86_64__)
READER(read_32, 32, __attribute__((target("avx2"))))
READER(read_64, 64, __attribute__((target("avx512f"))))
#endif

/* The widest that the kernels in use have. */
static void (*read_all)(void *arg) = read_16;

/* A contender and its floor. */
static void enter(const char *name, const char *kind, void (*run)(void *), void *arg, int per, const floor_reads *f)
{
	contender *c = &all[count], *floor = c + 1;

	if (count + 2 > MOST)
		need(NULL);
	*c = (contender){ .run = run, .arg = arg, .per = per, .floor = count + 1 };
	*floor = (contender){ .run = read_all, .arg = (void *)(uintptr_t)f, .floor = -1 };
	(void)snprintf(c->name, sizeof c->name, "%.20s %.8s", name, kind);
	(void)snprintf(floor->name, sizeof floor->name, "%.20s %.8s floor", name, kind);
	count += 2;
}

static void reads_of(floor_reads *f, const ur_kernels *k, const ur_mat *w)
{
	f->read[f->n++] = (struct reads){ w->panels, ur_mat_bytes(k, w) };
}

/* -- recurrent layers -- */

typedef struct stack {
	const ur_kernels *k;
	const ur_mixer *mixer;
	ur_dims dims;
	ur_mat w[LAYERS][UR_MIXER_PARAMS];
	int n;
	float *x, *y, *work;
	void **state[LAYERS];
	floor_reads reads;
} stack;

static void step_stack(void *arg)
{
	stack *s = arg;

	for (int l = 0; l < LAYERS; l++)
		s->mixer->step(&(ur_turn){ .k = s->k, .d = &s->dims, .w = s->w[l], .n = s->n,
			.x = l ? s->y + (size_t)(l - 1) * (size_t)s->n * H : s->x, .y = s->y + (size_t)l * (size_t)s->n * H,
			.state = s->state[l], .work = s->work });
}

static float *floats(size_t n) { return need(aligned_alloc(64, (n * sizeof(float) + 63) / 64 * 64)); }

static float draw(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (float)(int32_t)(*seed >> 32) * 0x1p-31f;
}

/* Panels lie in an arena, as a model has them. */
static void weights_of(stack *s, ur_dtype dtype)
{
	ur_param p[UR_MIXER_PARAMS];
	const int n = s->mixer->params(&s->dims, p);
	ur_arena arena = { 0 };
	uint64_t seed = 1;

	for (int pass = 0; pass < 2; pass++) {
		if (pass && !ur_arena_open(&arena))
			need(NULL);
		for (int l = 0; l < LAYERS; l++)
			for (int i = 0; i < n; i++) {
				ur_mat *w = &s->w[l][i];
				const size_t cols = p[i].cols ? (size_t)p[i].cols : 1, values = (size_t)p[i].rows * cols;
				float *data = UR_TAKE(&arena, float, p[i].cols ? 0 : values), *scale;

				*w = (ur_mat){ .rows = p[i].rows, .cols = (int)cols, .blocks = p[i].blocks > 1 ? p[i].blocks : 1,
				               .dtype = p[i].cols ? dtype : UR_F32, .data = data };
				w->scale = scale = UR_TAKE(&arena, float, p[i].cols ? w->rows : 0);
				if (p[i].cols)
					w->panels = UR_TAKE(&arena, char, ur_mat_bytes(s->k, w));
				if (!pass)
					continue;
				data = p[i].cols ? floats(values) : data;
				for (size_t j = 0; j < values; j++)
					data[j] = draw(&seed) / 16;
				if (p[i].cols) {
					ur_i8_scales(w->rows, w->cols, data, scale);
					ur_pack_as(s->k, w, data);
					reads_of(&s->reads, s->k, w);
					free(data);
					w->data = NULL;
				}
			}
	}
}

static void add_stack(const ur_kernels *k, const char *mixer, ur_dtype dtype, int n, const char *name, const char *kind)
{
	stack *s = need(calloc(1, sizeof *s));
	uint64_t seed = 5;

	*s = (stack){ .k = k, .mixer = ur_mixer_find(mixer), .dims = { .in = H, .out = H }, .n = n };
	weights_of(s, dtype);
	s->x = floats((size_t)n * H);
	s->y = floats((size_t)n * H * LAYERS);
	s->work = floats(s->mixer->step_work(&s->dims, n));
	for (int i = 0; i < n * H; i++)
		s->x[i] = draw(&seed);
	for (int l = 0; l < LAYERS; l++) {
		s->state[l] = need(calloc((size_t)n, sizeof(void *)));
		for (int i = 0; i < n; i++)
			s->state[l][i] = memset(floats(s->mixer->state_size(&s->dims)), 0, s->mixer->state_size(&s->dims));
	}
	enter(name, kind, step_stack, s, n, &s->reads);
}

/* -- a transformer at one position -- */

typedef struct cached {
	ur_model *m;
	ur_stream *s;
	char head[16][64];              /* how each layer's state begins: where it is. Put back, a step is taken back. */
	int64_t position;
	floor_reads reads;
} cached;

static void step_cached(void *arg)
{
	cached *c = arg;
	const float *out;

	for (int l = 0; l < c->m->spec.layers; l++)
		memcpy(ur_model_state_of(c->m, c->s->state, l), c->head[l], sizeof c->head[l]);
	*ur_model_position(c->s->state) = c->position;
	if (unroll_step(c->s, 7, &out, NULL))
		abort();
}

static void add_cached(const ur_kernels *k, const char *text, ur_dtype dtype, const char *name, const char *kind)
{
	cached *c = need(calloc(1, sizeof *c));
	const ur_words words = { .V = 256 };
	ur_model *full;
	ur_spec spec;
	ur_err err;
	int32_t tokens[POSITION];

	if (ur_spec_parse(text, &spec, &err) || ur_model_create(&spec, &words, k, 0, &full, &err)) {
		(void)fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	ur_model_init(full, 1);
	if (ur_model_create_as(&spec, &words, k, dtype, &c->m, &err) || ur_model_keep(c->m, full, &err) ||
	    unroll_stream_open(c->m, NULL, &c->s, &err)) {
		(void)fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	ur_model_free(full);
	for (int i = 0; i < POSITION; i++)
		tokens[i] = i * 31 % 256;
	if (unroll_prefill(c->s, tokens, POSITION, NULL, &err)) {
		(void)fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	c->position = *ur_model_position(c->s->state);
	for (int l = 0; l < spec.layers; l++) {
		memcpy(c->head[l], ur_model_state_of(c->m, c->s->state, l), sizeof c->head[l]);
		c->reads.read[c->reads.n++] = (struct reads){ ur_model_state_of(c->m, c->s->state, l),
			spec.mixer->state_used(&c->m->stack.layer[l].dims, ur_model_state_of(c->m, c->s->state, l)) };
	}
	for (int i = 0; i < c->m->params; i++)
		if (c->m->param[i].multiplied)
			reads_of(&c->reads, k, &c->m->mat[i]);
	enter(name, kind, step_cached, c, 1, &c->reads);
}

/* -- turns -- */

static void round_of(int steps, int print)
{
	if (print)
		(void)putchar('{');
	for (int i = 0; i < count; i++) {
		contender *c = &all[i];

		for (int s = -WARM; s < steps; s++) {
			const double start = now_ns();
			c->run(c->arg);
			if (s >= 0)
				c->ns[c->n++] = now_ns() - start;
		}
		if (print) {
			printf("%s\"%s\": [", i ? ", " : "", c->name);
			for (int s = 0; s < steps; s++)
				printf("%s%.0f", s ? ", " : "", c->ns[s]);
			(void)putchar(']');
			c->n = 0;
		}
	}
	if (print) {
		(void)puts("}");
		(void)fflush(stdout);
	}
}

static double part(const contender *c, double share) { return c->ns[(long)(share * (double)(c->n - 1))]; }

static void table(void)
{
	for (int i = 0; i < count; i++)
		qsort(all[i].ns, (size_t)all[i].n, sizeof *all[i].ns, bench_by_size);
	printf("%-28s %9s %9s %9s %9s %7s %7s %12s\n", "a step, microseconds", "p50", "p99", "floor p50", "floor p99",
	       "p50/fl", "p99/fl", "stream-steps");
	for (int i = 0; i < count; i++) {
		const contender *c = &all[i], *f = c->floor >= 0 ? &all[c->floor] : NULL;
		const double p50 = part(c, 0.5), p99 = part(c, 0.99);

		if (f)
			printf("%-28s %9.2f %9.2f %9.2f %9.2f %7.2f %7.2f %10.0f/s\n", c->name, p50 / 1e3, p99 / 1e3,
			       part(f, 0.5) / 1e3, part(f, 0.99) / 1e3, p50 / part(f, 0.5), p99 / part(f, 0.99),
			       1e9 * c->per / p50);
	}
}

int main(int argc, char **argv)
{
	static const struct { ur_dtype dtype; const char *name; } kinds[] = {
		{ UR_F32, "f32" }, { UR_BF16, "bf16" }, { UR_I8, "int8" } };
	static const char *const mixers[] = { "lstm", "gru", "rnn" };
	static const struct { const char *name, *spec; } cached_specs[] = {
		{ "gpt2 6x256", "transformer:6x256,heads=4,context=512" },
		{ "llama 6x256", "transformer:6x256,heads=4,context=512,block=llama" } };
	int rounds = 40, steps = 50, serve = 0, at = 1;
	const char *cpu = NULL, *only = "";
	const ur_kernels *k;
	char name[64], lines[16];

	for (; at < argc; at++) {
		if (!strcmp(argv[at], "--serve"))
			serve = 1;
		else if (at + 1 < argc && !strcmp(argv[at], "--rounds"))
			rounds = atoi(argv[++at]);
		else if (at + 1 < argc && !strcmp(argv[at], "--steps"))
			steps = atoi(argv[++at]);
		else if (at + 1 < argc && !strcmp(argv[at], "--cpu"))
			cpu = argv[++at];
		else if (at + 1 < argc && !strcmp(argv[at], "--only"))
			only = argv[++at];
		else
			break;
	}
	if (at < argc || rounds < 1 || steps < 1 || !(k = ur_kernels_pick(cpu))) {
		(void)fprintf(stderr, "usage: bench_step [--rounds N] [--steps N] [--cpu SET] [--only TEXT] [--serve]\n");
		return 2;
	}
#if defined(__x86_64__)
	read_all = !strncmp(k->name, "avx512", 6) ? read_64 : !strcmp(k->name, "avx2") ? read_32 : read_16;
#endif
	for (int d = 0; d < 3; d++) {
		for (int i = 0; i < 3; i++) {
			(void)snprintf(name, sizeof name, "%s 2x256", mixers[i]);
			if (strstr(name, only))
				add_stack(k, mixers[i], kinds[d].dtype, 1, name, kinds[d].name);
		}
		if (strstr("64 lstm 2x256", only))
			add_stack(k, "lstm", kinds[d].dtype, MANY, "64 lstm 2x256", kinds[d].name);
		for (int i = 0; i < 2; i++)
			if (strstr(cached_specs[i].name, only))
				add_cached(k, cached_specs[i].spec, kinds[d].dtype, cached_specs[i].name, kinds[d].name);
	}
	for (int i = 0; i < count; i++)
		all[i].ns = need(calloc((size_t)rounds * (size_t)steps + (size_t)steps, sizeof *all[i].ns));
	if (serve) {
		while (fgets(lines, sizeof lines, stdin))
			round_of(steps, 1);
		return 0;
	}
	for (int r = 0; r < rounds; r++)
		round_of(steps, 0);
	printf("kernels %s, one thread, %d rounds of %d steps each in turns\n", k->name, rounds, steps);
	table();
	return 0;
}
