/* Times the recurrent mixers over whole sequences: forward, backward, and the phases of each.
 *
 *     bench_recurrent [H [B [T [runs]]]]      256 32 128 9
 *
 * in = H; a row a mixer and number of threads, medians over the runs. GFLOP/s counts products only; % is of what the
 * kernels reach on registers alone, on as many threads. The phases that are single products (projection, dW, dx) are
 * timed by themselves on the same shapes; the recurrence, gates included, is what they leave of the whole. */
#include "mixer/mixer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_RUNS = 99, PEAK_WORK = 1 << 24 };
enum { FORWARD, BACKWARD, PROJECTION, DW, DX, PHASES };

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(int n, double *v)
{
	qsort(v, (size_t)n, sizeof *v, ascending);
	return v[n / 2];
}

static float *floats(size_t n)
{
	float *p = aligned_alloc(64, (n * sizeof *p + 63) / 64 * 64 + 64);

	if (!p) {
		fprintf(stderr, "bench_recurrent: no memory for %zu floats\n", n);
		exit(1);
	}
	for (size_t i = 0; i < n; i++)
		p[i] = (float)(i * 2654435761u % 65536) / 65536 - 0.5f;
	return p;
}

static void peak_task(void *arg, int task, int thread)
{
	(void)task;
	(void)thread;
	((const ur_ctx *)arg)->k->peak(PEAK_WORK);
}

/* GFLOP/s of all threads together, the median as for everything else. */
static double peak(const ur_ctx *c, int runs)
{
	double flops = c->k->peak(PEAK_WORK), times[MOST_RUNS];

	for (int r = 0; r < runs; r++) {
		double start = now();
		ur_pool_run(c->pool, c->threads, peak_task, (void *)(uintptr_t)c);
		times[r] = now() - start;
	}
	return flops * c->threads / median(runs, times) / 1e9;
}

static void bench(const ur_mixer *mixer, int H, int B, int T, int threads, int runs)
{
	const ur_mixer_forward *m = ur_mixer_forward_of(mixer);
	const ur_mixer_backward *back = ur_mixer_backward_of(mixer);
	const ur_dims d = { .in = H, .out = H };
	const size_t rows = (size_t)T * (size_t)B, values = rows * (size_t)H;
	ur_param p[UR_MIXER_PARAMS];
	ur_mat w[UR_MIXER_PARAMS] = { 0 };
	float *dw[UR_MIXER_PARAMS], *x = floats(values), *dy = floats(values), *dx = floats(values), *saved, *work, *da;
	ur_span s = { .T = T, .B = B, .x = x, .y = floats(values) };
	double times[PHASES][MOST_RUNS], t[PHASES], flops, most;
	ur_need need;
	ur_ctx c;
	int n = mixer->params(&d, p), GH = p[0].rows;

	if (!ur_ctx_open(&c, NULL, threads)) {
		fprintf(stderr, "bench_recurrent: no kernels, threads or memory\n");
		exit(1);
	}
	for (int i = 0; i < n; i++) {
		int cols = p[i].cols ? p[i].cols : 1;
		size_t size = (size_t)p[i].rows * (size_t)cols;
		float *data = floats(size);

		for (size_t j = 0; j < size; j++)
			data[j] *= 2 * p[i].a;
		w[i] = (ur_mat){ .rows = p[i].rows, .cols = cols, .blocks = p[i].blocks ? p[i].blocks : 1, .data = data };
		dw[i] = floats(size);
		if (p[i].cols) {
			float *panels = floats(ur_pack_size(c.k, &w[i], 1));
			w[i].panels = panels;
			w[i].panels_t = panels + ur_panels_size(c.k, w[i].rows, w[i].cols, w[i].blocks);
		}
	}
	ur_pack_weights(&c, n, w);
	need = m->need(&c, &d, &s);
	saved = floats(need.saved);
	work = floats(need.forward > need.backward ? need.forward : need.backward);
	da = floats(rows * (size_t)GH);
	most = peak(&c, runs);

	for (int r = -1; r < runs; r++) { /* the first is to warm up */
		double at[PHASES + 1];

		at[FORWARD] = now();
		m->forward(&c, &d, w, &s, saved, work);
		at[BACKWARD] = now();
		back->backward(&c, &d, w, &s, saved, dy, dx, dw, NULL, NULL, work);
		at[PROJECTION] = now();
		ur_linear(&c, (int)rows, &w[0], w[2].data, x, H, da, GH, 0);
		at[DW] = now();
		ur_linear_grad(&c, (int)rows, GH, H, da, GH, x, H, dw[0], dw[2]);
		ur_linear_grad(&c, (int)rows, GH, H, da, GH, s.y, H, dw[1], dw[3]);
		at[DX] = now();
		ur_linear_back(&c, (int)rows, &w[0], da, GH, dx, H, 0);
		at[PHASES] = now();
		for (int i = 0; r >= 0 && i < PHASES; i++)
			times[i][r] = at[i + 1] - at[i];
	}
	for (int i = 0; i < PHASES; i++)
		t[i] = median(runs, times[i]);
	flops = 4.0 * (double)rows * H * GH;
	printf("%-5s %7d %8.2f %7.1f %4.0f %8.2f %7.1f %4.0f %7.2f %7.2f %7.2f %7.2f %7.2f %8.0f %7.1f\n",
	       mixer->name, threads,
	       t[FORWARD] * 1e3, flops / t[FORWARD] / 1e9, flops / t[FORWARD] / 1e7 / most,
	       t[BACKWARD] * 1e3, 2 * flops / t[BACKWARD] / 1e9, 2 * flops / t[BACKWARD] / 1e7 / most,
	       t[PROJECTION] * 1e3, (t[FORWARD] - t[PROJECTION]) * 1e3,
	       (t[BACKWARD] - t[DW] - t[DX]) * 1e3, t[DW] * 1e3, t[DX] * 1e3,
	       (double)rows / (t[FORWARD] + t[BACKWARD]), most);

	for (int i = 0; i < n; i++) {
		free(dw[i]);
		free((void *)(uintptr_t)w[i].panels);
		free((void *)(uintptr_t)w[i].data);
	}
	free(x);
	free(dy);
	free(dx);
	free(s.y);
	free(saved);
	free(work);
	free(da);
	ur_ctx_close(&c);
}

int main(int argc, char **argv)
{
	int value[4] = { 256, 32, 128, 9 };
	static const char *const names[] = { "rnn", "gru", "lstm" };

	for (int i = 1; i < argc && i <= 4; i++)
		value[i - 1] = atoi(argv[i]);
	if (argc > 5 || value[0] < 1 || value[1] < 1 || value[2] < 1 || value[3] < 7 || value[3] > MOST_RUNS) {
		fprintf(stderr, "usage: bench_recurrent [H [B [T [runs, 7 to %d]]]]\n", MOST_RUNS);
		return 2;
	}
	printf("H %d B %d T %d, medians of %d; times in ms\n", value[0], value[1], value[2], value[3]);
	printf("                forward                backward              of forward      of backward"
	       "              rows/s    peak\n");
	printf("mixer threads       ms GFLOP/s    %%       ms GFLOP/s    %% project  recurr  recurr      dW      dx"
	       "  fwd+bwd GFLOP/s\n");
	for (int threads = 1; threads <= 2; threads++)
		for (int i = 0; i < 3; i++)
			bench(ur_mixer_find(names[i]), value[0], value[1], value[2], threads, value[3]);
	return 0;
}
