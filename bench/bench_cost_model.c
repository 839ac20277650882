/* The cost model beside measurements: mixer x T x width x batch x pass on one thread, all predicted before the first is
 * measured, in processor seconds. Prints every point, the median of |predicted / measured - 1|, and the worst ten.
 *
 *     bench_cost_model [seconds]        180: about what it may take */
#include "bench.h"

#include "measure/cost_model.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum { MOST = 400, REPEATS = 9 };

typedef struct point {
	const ur_mixer_forward *f;
	int T, B, width;
	ur_rig_pass pass;
	double predicted, measured;
} point;

static double error_of(const point *p) { return fabs(p->predicted / p->measured - 1); }

static int by_error(const void *a, const void *b)
{
	double x = error_of(a), y = error_of(b);
	return (x < y) - (x > y);
}

static void print(const point *p)
{
	printf("%-10s %-8s %5d %6d %6d %14.3f %14.3f %+8.1f %%\n", p->f->mixer->name, ur_rig_pass_name(p->pass), p->T, p->B,
	       p->width, p->predicted * 1e6, p->measured * 1e6, 100 * (p->predicted / p->measured - 1));
}

/* Median of calls' seconds, a call as often as makes a millisecond; 0: it could not be. */
static double measure(const ur_ctx *c, const point *p, double seconds)
{
	const ur_rig_spec spec = { .forward = p->f, .backward = ur_mixer_backward_of(p->f->mixer), .T = p->T, .B = p->B,
	                           .pass = p->pass, .dims = ur_rig_dims(p->f->mixer, p->width) };
	double times[REPEATS], begun = ur_clock();
	int calls = 1, n = 0;
	ur_rig rig;
	ur_err err;

	if (ur_rig_open(&rig, &spec, c, &err)) {
		fprintf(stderr, "bench_cost_model: %s\n", err.text);
		return 0;
	}
	ur_rig_run(&rig);
	while (n < REPEATS && (n < 3 || ur_clock() - begun < seconds)) {
		double from = ur_thread_clock(), took;

		for (int i = 0; i < calls; i++)
			ur_rig_run(&rig);
		took = ur_thread_clock() - from;
		if (took < 1e-3) {
			calls *= 2;
			continue;
		}
		times[n++] = took / calls;
	}
	ur_rig_close(&rig);
	return bench_median(n, times);
}

int main(int argc, char **argv)
{
	static const struct { int width, T; } shapes[] = {
		{ 32, 16 }, { 32, 512 }, { 64, 2048 }, { 128, 128 }, { 256, 16 }, { 256, 512 }, { 512, 128 }, { 512, 1024 },
	};
	const double limit = argc > 1 ? atof(argv[1]) : 180;
	static point points[MOST];
	double errors[MOST], start = ur_clock(), predicting;
	char name[80], day[32];
	time_t today = time(NULL);
	ur_rates rates;
	ur_err err;
	ur_ctx c;
	int n = 0;

	if (!ur_ctx_open(&c, NULL, 1) || ur_rates_measure(&c, &rates, &err)) {
		fprintf(stderr, "bench_cost_model: no kernels or no memory\n");
		return 1;
	}
	ur_cpu_name(name, sizeof name);
	strftime(day, sizeof day, "%Y-%m-%d", gmtime(&today));
	printf("%s, kernels %s, %s, 1 thread; rates measured in %.2f s\n", name, c.k->name, day, rates.seconds);
	printf("%.1f ns between kernels, %.1f before a product; ns a KiB read again after so many KiB more than in cache:",
	       rates.between * 1e9, (rates.between + rates.product_more) * 1e9);
	for (int i = 0; i + 1 < UR_FARS; i++)
		printf(" %.0f: %.1f", ur_far[i] / 1024, rates.beyond[i] * 1024e9);
	printf(" beyond: %.1f\n", rates.beyond[UR_FARS - 1] * 1024e9);
	predicting = ur_clock();
	for (int i = 0; ur_mixer_forwards[i]; i++)
		for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
			for (int pass = 0; pass < UR_PASSES; pass++)
				for (int B = 1; B <= 32; B += 31) {
					point p = { ur_mixer_forwards[i], shapes[s].T, B, shapes[s].width, (ur_rig_pass)pass, 0, 0 };
					const ur_dims d = ur_rig_dims(p.f->mixer, p.width);

					if (p.f->mixer->flags & UR_READS_MEMORY || n == MOST)
						continue;
					if (ur_predict(&rates, p.f, ur_mixer_backward_of(p.f->mixer), &d, p.T, B, p.pass, &p.predicted,
					               &err)) {
						fprintf(stderr, "bench_cost_model: %s\n", err.text);
						return 1;
					}
					if (p.predicted < limit / 60)       /* the longest would take all the time there is */
						points[n++] = p;
				}
	printf("%d points predicted in %.2f s; times in microseconds of the processor\n\n", n, ur_clock() - predicting);
	printf("%-10s %-8s %5s %6s %6s %14s %14s %10s\n", "mixer", "pass", "T", "batch", "width", "predicted", "measured",
	       "error");
	for (int i = 0; i < n; i++) {
		points[i].measured = measure(&c, &points[i], (limit - (ur_clock() - start)) / (n - i) / 2);
		if (!(points[i].measured > 0))
			return 1;
		errors[i] = error_of(&points[i]);
		print(&points[i]);
		fflush(stdout);
	}
	printf("\nmedian error %.1f %% over %d points\n", 100 * bench_median(n, errors), n);
	for (int pass = 0; pass < UR_PASSES; pass++) {
		int some = 0;
		for (int i = 0; i < n; i++)
			if (points[i].pass == (ur_rig_pass)pass)
				errors[some++] = error_of(&points[i]);
		printf("    %-8s %.1f %% over %d\n", ur_rig_pass_name((ur_rig_pass)pass), 100 * bench_median(some, errors),
		       some);
	}
	qsort(points, (size_t)n, sizeof *points, by_error);
	printf("\nthe worst ten\n");
	for (int i = 0; i < 10 && i < n; i++)
		print(&points[i]);
	ur_ctx_close(&c);
	return 0;
}
