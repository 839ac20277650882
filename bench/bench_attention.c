/* Speed of attention: the core (q, k and v given) forward at a long T, and a layer's forward and backward at shapes
 * that train. GFLOP/s count the products of unmasked pairs of positions only; "of peak" compares them with what the
 * kernels' multiply-adds reach in registers, times the threads.
 *
 *     bench_attention [--steps T] [--heads N] [--width D] [--threads N] [--repeats N] [--cpu c|avx2|avx512]
 *     bench_attention --long T [--heads N] [--width D] [--threads N] [--repeats N] [--back 1] [--cpu ...]
 *
 * --long: the core alone at a T where a matrix of scores would not fit, on that many threads: the whole call's time,
 * its share of the threads' peak (before and after it), the memory it took beyond input and output, and, with --back,
 * the gradient's. First the same code at T = 4,096 is held against attention written plainly in float64. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/machine.h"
#include "bench.h"
#include "mixer/attention_tile.h"
#include "mixer/mixer.h"

typedef struct settings { int steps, heads, width, threads, repeats, distant, back; const char *cpu; } settings;

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Uniform in [-1, 1), the same at every run. */
static void fill(float *x, size_t n)
{
	uint64_t s = 1;
	for (size_t i = 0; i < n; i++) {
		s = s * 6364136223846793005u + 1442695040888963407u;
		x[i] = (float)((double)(s >> 33) * 0x1p-30 - 1);
	}
}

/* What one thread's multiply-adds reach, in FLOP/s: the best of some tries. */
static double peak_of(const ur_kernels *k)
{
	double best = 0;
	for (int i = 0; i < 10; i++) {
		double start = now(), flops = k->peak(20000000), rate = flops / (now() - start);
		best = rate > best ? rate : best;
	}
	return best;
}

static void report(const char *what, int threads, double seconds, double flops, double peak, double bytes)
{
	printf("%-36s %7d %10.2f %9.1f %8.1f%% %9.1f\n", what, threads, seconds * 1e3, flops / seconds * 1e-9,
	       100 * flops / seconds / (peak * threads), bytes / (1 << 20));
}

static int core(const ur_ctx *c, const settings *o, double peak)
{
	size_t D = (size_t)o->width, n = (size_t)o->steps * D, scratch = (size_t)c->threads * UR_SCRATCH;
	ur_attention a = { .T = o->steps, .B = 1, .heads = o->heads, .kv_heads = o->heads, .E = o->width / o->heads,
		.ld = 3 * o->width, .ldo = o->width };
	size_t work_floats = ur_attention_work(c, &a);
	ur_arena memory = { 0 };
	float *qkv = NULL, *out = NULL, *work = NULL;
	double best = 1e9, pairs = ur_attention_pairs(a.T, 0, 0);
	char what[64];

	for (int pass = 0; pass < 2; pass++) {
		if (pass && !ur_arena_open(&memory))
			return 0;
		qkv = UR_TAKE(&memory, float, 3 * n);
		out = UR_TAKE(&memory, float, n);
		work = UR_TAKE(&memory, float, work_floats);
	}
	fill(qkv, 3 * n);
	a.q = qkv;
	a.k = qkv + D;
	a.v = qkv + 2 * D;
	a.out = out;
	for (int i = 0; i < o->repeats; i++) {
		double start = now(), took;
		ur_attention_forward(c, &a, work);
		took = now() - start;
		best = took < best ? took : best;
	}
	snprintf(what, sizeof what, "core T=%d heads=%d width=%d", o->steps, o->heads, o->width);
	report(what, c->threads, best, 4 * pairs * o->width, peak, (double)(4 * n + work_floats + scratch) * sizeof(float));
	ur_arena_close(&memory);
	return 1;
}

/* A whole layer, products with the weights included. */
static int layer(const ur_ctx *c, int T, int B, int heads, int width, int repeats, double peak)
{
	const ur_dims d = { .in = width, .out = width, .context = T, .option = { heads, 0, 0, 0, 10000, 1 } };
	ur_param p[UR_MIXER_PARAMS];
	ur_mat w[UR_MIXER_PARAMS] = { { 0 } };
	float *dw[UR_MIXER_PARAMS] = { 0 }, *x = NULL, *y = NULL, *dy = NULL, *dx = NULL, *saved = NULL, *work = NULL;
	ur_span s = { .T = T, .B = B };
	ur_need need = ur_mixer_forward_attention.need(c, &d, &s);
	size_t n = (size_t)T * (size_t)B * (size_t)width;
	size_t most = need.forward > need.backward ? need.forward : need.backward;
	int params = ur_mixer_attention.params(&d, p);
	double forward = 1e9, backward = 1e9, flops;
	ur_arena memory = { 0 };
	char what[64];

	for (int pass = 0; pass < 2; pass++) {
		if (pass && !ur_arena_open(&memory))
			return 0;
		for (int i = 0; i < params; i++) {
			float *data, *panels, *panels_t;
			w[i] = (ur_mat){ .rows = p[i].rows, .cols = p[i].cols ? p[i].cols : 1, .blocks = 1, .dtype = UR_F32 };
			data = UR_TAKE(&memory, float, (size_t)w[i].rows * (size_t)w[i].cols);
			dw[i] = UR_TAKE(&memory, float, (size_t)w[i].rows * (size_t)w[i].cols);
			w[i].data = data;
			if (p[i].cols) {
				panels = UR_TAKE(&memory, float, ur_panels_size(c->k, w[i].rows, w[i].cols, 1));
				panels_t = UR_TAKE(&memory, float, ur_panels_size(c->k, w[i].cols, w[i].rows, 1));
				w[i].panels = panels;
				w[i].panels_t = panels_t;
			}
			if (pass)
				fill(data, (size_t)w[i].rows * (size_t)w[i].cols);
		}
		x = UR_TAKE(&memory, float, n);
		y = UR_TAKE(&memory, float, n);
		dy = UR_TAKE(&memory, float, n);
		dx = UR_TAKE(&memory, float, n);
		saved = UR_TAKE(&memory, float, need.saved);
		work = UR_TAKE(&memory, float, most);
	}
	fill(x, n);
	fill(dy, n);
	ur_pack_weights(c, params, w);
	s.x = x;
	s.y = y;
	for (int i = 0; i < repeats; i++) {
		double start = now(), middle, end;
		ur_mixer_forward_attention.forward(c, &d, w, &s, saved, work);
		middle = now();
		ur_mixer_backward_attention.backward(c, &d, w, &s, saved, dy, dx, dw, NULL, NULL, work);
		end = now();
		forward = middle - start < forward ? middle - start : forward;
		backward = end - middle < backward ? end - middle : backward;
	}
	flops = ur_mixer_forward_attention.cost(&d, &s).flops;
	snprintf(what, sizeof what, "forward T=%d B=%d heads=%d D=%d", T, B, heads, width);
	report(what, c->threads, forward, flops, peak, (double)memory.size);
	snprintf(what, sizeof what, "backward T=%d B=%d heads=%d D=%d", T, B, heads, width);
	/* the way back computes the scores again, half of attention's own products: counted, as they are needed */
	flops = 2 * flops + 2 * ur_attention_pairs(T, 0, 0) * B * width;
	report(what, c->threads, backward, flops, peak, (double)memory.size);
	ur_arena_close(&memory);
	return 1;
}

/* Worst difference of some queries' output from attention in float64. */
static double difference(const ur_attention *a)
{
	double *p = malloc((size_t)a->T * sizeof *p), worst = 0;

	for (int t = a->T - 1; p && t >= 0; t -= 61)
		for (int h = 0; h < a->heads; h++) {
			const float *q = a->q + t * a->ld + h * a->E;
			double most = -INFINITY, sum = 0;
			for (int s = 0; s <= t; s++) {
				p[s] = 0;
				for (int e = 0; e < a->E; e++)
					p[s] += (double)q[e] * (double)a->k[s * a->ld + h * a->E + e];
				p[s] /= sqrt(a->E);
				most = fmax(most, p[s]);
			}
			for (int s = 0; s <= t; s++)
				sum += p[s] = exp(p[s] - most);
			for (int e = 0; e < a->E; e++) {
				double o = 0;
				for (int s = 0; s <= t; s++)
					o += p[s] / sum * (double)a->v[s * a->ld + h * a->E + e];
				worst = fmax(worst, fabs(o - (double)a->out[t * a->ldo + h * a->E + e]));
			}
		}
	free(p);
	return p ? worst : NAN;
}

static void megabytes(const char *what, double bytes) { printf("  %-46s %10.1f MB\n", what, bytes * 1e-6); }

static int distant(const ur_ctx *c, const settings *o, int T, int check)
{
	const size_t D = (size_t)o->width, n = (size_t)T * D;
	const double arithmetic = ur_attention_pairs(T, 0, 0) * o->width;
	ur_attention a = { .T = T, .B = 1, .heads = o->heads, .kv_heads = o->heads, .E = o->width / o->heads,
		.ld = 3 * o->width, .ldo = o->width };
	float *qkv = malloc(3 * n * sizeof *qkv), *out = malloc(n * sizeof *out), *work;
	float *lse = malloc((size_t)T * (size_t)o->heads * sizeof *lse), *dout = NULL, *dqkv = NULL;
	double peak = bench_peak_of(c), after, forward = INFINITY, backward = INFINITY, start;
	int64_t before, most = 0;
	int done = 0;

	if (!qkv || !out || !lse || (o->back && !check && (!(dout = malloc(n * sizeof *dout)) ||
	    !(dqkv = malloc(3 * n * sizeof *dqkv)))))
		goto end;
	fill(qkv, 3 * n);
	fill(out, n);
	fill(lse, (size_t)T * (size_t)o->heads);
	a.q = qkv;
	a.k = qkv + D;
	a.v = qkv + 2 * D;
	a.out = out;
	a.lse = lse;
	for (int i = 0; i < (check ? 1 : o->repeats); i++) {
		int resets = ur_memory_peak_reset();
		before = ur_memory_peak();
		start = ur_clock();
		if (!(work = malloc((ur_attention_work(c, &a) + 1) * sizeof *work)))
			goto end;
		ur_attention_forward(c, &a, work);
		free(work);
		forward = fmin(forward, ur_clock() - start);
		if (resets && ur_memory_peak() - before > most)
			most = ur_memory_peak() - before;
	}
	if (check) {
		printf("T = %d: worst difference from attention in float64 %.1e\n", T, difference(&a));
		done = 1;
		goto end;
	}
	after = bench_peak_of(c);
	printf("kernels %s, %d threads: peak %.1f GFLOP/s before, %.1f after\n", c->k->name, c->threads, peak * 1e-9,
	       after * 1e-9);
	peak = fmax(peak, after);
	printf("T = %d, %d heads of %d, causal, float32\n", T, o->heads, a.E);
	megabytes("a matrix of scores would take (one head)", 4.0 * T * T);
	megabytes("input and output take", 16.0 * (double)n);
	printf("  %-46s %10.2f s   %6.1f GFLOP/s   %5.1f %% of peak\n", "forward", forward, 4 * arithmetic / forward * 1e-9,
	       400 * arithmetic / forward / peak);
	megabytes("beyond input and output, working memory", 4.0 * (double)ur_attention_work(c, &a));
	megabytes("  and threads' scratch", 4.0 * UR_SCRATCH * c->threads);
	if (most)
		megabytes("beyond input and output, resident at most", (double)most);
	if (o->back) {
		ur_attention_grad g = { .dout = dout, .ldd = o->width, .dq = dqkv, .dk = dqkv + D, .dv = dqkv + 2 * D,
			.ldg = 3 * o->width };
		fill(dout, n);
		for (int i = 0; i < o->repeats; i++) {
			start = ur_clock();
			if (!(work = malloc((ur_attention_back_work(c, &a) + 1) * sizeof *work)))
				goto end;
			ur_attention_backward(c, &a, &g, work);
			free(work);
			backward = fmin(backward, ur_clock() - start);
		}
		printf("  %-46s %10.2f s   %6.1f GFLOP/s   %5.1f %% of peak\n", "backward (scores again: 2.5 x the arithmetic)",
		       backward, 10 * arithmetic / backward * 1e-9, 1000 * arithmetic / backward / peak);
		megabytes("backward, working memory", 4.0 * (double)ur_attention_back_work(c, &a));
	}
	done = 1;
end:
	free(qkv);
	free(out);
	free(lse);
	free(dout);
	free(dqkv);
	return done;
}

static int whole(const char *text, int *value)
{
	char *end;
	long n;
	errno = 0;
	n = strtol(text, &end, 10);
	*value = (int)n;
	return !errno && end != text && !*end && n >= 1 && n <= INT_MAX;
}

int main(int argc, char **argv)
{
	settings o = { 8192, 4, 256, 2, 5, 0, 0, NULL };
	const struct { const char *name; int *value; } numbers[] = { { "--steps", &o.steps }, { "--heads", &o.heads },
		{ "--width", &o.width }, { "--threads", &o.threads }, { "--repeats", &o.repeats },
		{ "--long", &o.distant }, { "--back", &o.back } };

	for (int i = 1; i < argc; i += 2) {
		int known = 0;
		if (i + 1 < argc && !strcmp(argv[i], "--cpu")) {
			o.cpu = argv[i + 1];
			known = 1;
		}
		for (size_t j = 0; i + 1 < argc && j < sizeof numbers / sizeof *numbers; j++)
			if (!strcmp(argv[i], numbers[j].name))
				known = whole(argv[i + 1], numbers[j].value);
		if (!known) {
			fprintf(stderr, "bench_attention: cannot use '%s': options are --steps, --heads, --width, --threads, "
			        "--repeats, --long and --back, each with a number, and --cpu with a kernel set\n", argv[i]);
			return 2;
		}
	}
	if (o.width % o.heads || o.width / o.heads > UR_HEAD_MOST) {
		fprintf(stderr, "bench_attention: --width must be a multiple of --heads, and a head at most %d wide\n",
		        UR_HEAD_MOST);
		return 2;
	}
	for (int threads = o.distant ? o.threads : 1; threads <= o.threads; threads++) {
		ur_ctx c;
		double peak;
		int done;

		if (!ur_ctx_open(&c, o.cpu, threads)) {
			fprintf(stderr, "bench_attention: no kernel set '%s' here, or no memory\n", o.cpu ? o.cpu : "");
			return 1;
		}
		if (o.distant) {
			done = distant(&c, &o, 4096, 1) && distant(&c, &o, o.distant, 0);
			ur_ctx_close(&c);
			if (!done)
				fprintf(stderr, "bench_attention: no memory\n");
			return !done;
		}
		peak = peak_of(c.k);
		if (threads == 1)
			printf("kernels %s, peak %.1f GFLOP/s a thread\n%-36s %7s %10s %9s %9s %9s\n", c.k->name, peak * 1e-9, "",
			       "threads", "ms", "GFLOP/s", "of peak", "MiB");
		done = core(&c, &o, peak) && layer(&c, 64, 12, 4, 128, 20 * o.repeats, peak) &&
		       layer(&c, 256, 16, 8, 256, 4 * o.repeats, peak);
		ur_ctx_close(&c);
		if (!done) {
			fprintf(stderr, "bench_attention: no memory\n");
			return 1;
		}
	}
	return 0;
}
