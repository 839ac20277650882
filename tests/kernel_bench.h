/* Times every slot of a kernel set beside C: test_kernels --bench. */
#ifndef KERNEL_BENCH_H
#define KERNEL_BENCH_H

#include <time.h>

#include "kernel/gemm.h"
#include "kernel_slots.h"

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef void bench_fn(const ur_kernels *k, void *arg);

/* Seconds a call takes: the best of five runs of about 5 ms. */
static double time_of(bench_fn *fn, const ur_kernels *k, void *arg)
{
	double best = INFINITY;
	long calls = 1;
	for (int run = 0; run < 5;) {
		double t = seconds();
		for (long i = 0; i < calls; i++)
			fn(k, arg);
		t = seconds() - t;
		if (t < 5e-3 && calls < 1L << 24) {
			calls *= 2;
			continue;
		}
		best = fmin(best, t / (double)calls);
		run++;
	}
	return best;
}

struct slot_call { const slot *s; io o; };
static void call_slot(const ur_kernels *k, void *arg)
{
	struct slot_call *c = arg;
	c->s->run(k, &c->o);
}

static void bench_slots(const ur_kernels *k)
{
	printf("%-18s %6s %10s %8s %8s %10s %7s\n", "slot", "n", "ns", "GFLOP/s", "GB/s", "ns in C", "times");
	for (int i = 0; i < SLOTS; i++)
		for (int n = 64; n <= 4096; n *= 64) {
			arrays all = {0};
			rnd r = {1};
			float *in[SLOT_INS];
			/* of 1: what is multiplied again and again must not fade into denormals */
			struct slot_call c = {&slots[i], {.n = n, .total = n, .rows = 4, .stride = n, .a = 1}};
			c.s->shape(&c.o);
			for (int q = 0; q < SLOT_INS; q++) {
				c.o.in[q] = in[q] = arr(&all, c.o.ins[q]);
				rnd_fill(&r, c.o.ins[q], 1, in[q]);
			}
			for (int q = 0; q < SLOT_OUTS; q++) {
				c.o.out[q] = arr(&all, c.o.outs[q]);
				rnd_fill(&r, c.o.outs[q], 1, c.o.out[q]);
			}
			if (c.s->fix)
				c.s->fix(&c.o, in);
			double t = time_of(call_slot, k, &c), plain = time_of(call_slot, &ur_kernels_c, &c);
			printf("%-18s %6d %10.1f %8.2f %8.2f %10.1f %7.1f\n", c.s->name, n, t * 1e9, c.s->flops * n / t * 1e-9,
			       c.s->floats * 4 * n / t * 1e-9, plain * 1e9, plain / t);
			arr_free(&all);
		}
}

struct product_call { ur_product p; ur_dtype dtype; void *panels[2]; int set_panels[2]; };
static void call_product(const ur_kernels *k, void *arg)
{
	struct product_call *c = arg;
	int which = k == &ur_kernels_c;
	c->p.panels = c->panels[which];
	c->p.p1 = c->set_panels[which];
	k->product[c->dtype](&c->p);
}

struct pack_call { int N, K; const float *src; float *panels; };
static void call_pack(const ur_kernels *k, void *arg)
{
	struct pack_call *c = arg;
	ur_pack(k, c->N, c->K, 1, c->src, c->K, 1, c->panels);
}

static void bench_products(const ur_kernels *k)
{
	static const int shapes[][3] = {{1, 1024, 256}, {4, 1024, 256}, {8, 1024, 512}, {20, 768, 256}, {32, 1024, 256},
	                                {64, 4096, 1024}, {120, 256, 256}, {256, 65, 256}};
	const ur_kernels *both[2] = {k, &ur_kernels_c};
	printf("\n%-18s %5s %5s %5s %10s %8s %10s %7s\n", "product", "M", "N", "K", "ns", "GFLOP/s", "ns in C", "times");
	for (int dtype = 0; dtype < UR_DTYPES; dtype++)
		for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
			int M = shapes[i][0], N = shapes[i][1], K = shapes[i][2];
			arrays all = {0};
			rnd r = {2};
			float *A = arr(&all, (size_t)(M * K)), *C = arr(&all, (size_t)(M * N)), *scale = arr(&all, (size_t)N);
			struct product_call c = {{.M = M, .N = N, .K = K, .blocks = 1, .A = A, .row = K, .col = 1, .scale = scale,
			                          .C = C, .ldc = N}, (ur_dtype)dtype, {0}, {0}};
			rnd_fill(&r, (size_t)(M * K), 1, A);
			rnd_fill(&r, (size_t)N, 1, scale);
			for (int s = 0; s < 2; s++) {
				size_t n = ur_panels_size(both[s], N, K, 1);
				float *panels = arr(&all, n);
				rnd_fill(&r, n, 1, panels);
				if (dtype != UR_F32)
					memset(panels, 63, n * sizeof *panels);
				c.panels[s] = panels;
				c.set_panels[s] = ur_panel_count(both[s], N, 1);
			}
			double t = time_of(call_product, k, &c), plain = time_of(call_product, &ur_kernels_c, &c);
			double flops = 2.0 * M * N * K;
			static const char *const kept[UR_DTYPES] = {"float32", "bfloat16", "int8"};
			printf("%-18s %5d %5d %5d %10.0f %8.1f %10.0f %7.1f\n", kept[dtype], M, N, K,
			       t * 1e9, flops / t * 1e-9, plain * 1e9, plain / t);
			if (dtype == UR_F32 && M == 64) {
				struct pack_call pack = {N, K, arr(&all, (size_t)(N * K)), c.panels[0]};
				rnd_fill(&r, (size_t)(N * K), 1, (float *)(uintptr_t)pack.src);
				t = time_of(call_pack, k, &pack);
				pack.panels = c.panels[1];
				plain = time_of(call_pack, &ur_kernels_c, &pack);
				printf("%-18s %5s %5d %5d %10.0f %5.1f GB/s %8.0f %7.1f\n", "pack", "", N, K, t * 1e9,
				       8.0 * N * K / t * 1e-9, plain * 1e9, plain / t);
			}
			arr_free(&all);
		}
}

struct linear_call { const ur_ctx *c; int M; const ur_mat *w; float *x, *y, *dw; int what; };
static void call_linear(const ur_kernels *k, void *arg)
{
	struct linear_call *l = arg;
	const ur_mat *w = l->w;
	(void)k;
	if (l->what == 0)
		ur_linear(l->c, l->M, w, NULL, l->x, w->cols, l->y, w->rows, 0);
	else if (l->what == 1)
		ur_linear_back(l->c, l->M, w, l->y, w->rows, l->x, w->cols, 0);
	else
		ur_linear_grad(l->c, l->M, w->rows, w->cols, l->y, w->rows, l->x, w->cols, l->dw, NULL);
}

static void bench_linear(const ur_kernels *k)
{
	static const int shapes[][3] = {{32, 1024, 256}, {4096, 1024, 256}, {2048, 768, 3072}};
	static const char *const names[] = {"linear", "linear_back", "linear_grad"};
	printf("\n%-12s %5s %5s %5s %14s %14s GFLOP/s\n", "on the pool", "M", "out", "in", "1 thread", "2 threads");
	for (int what = 0; what < 3; what++)
		for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
			int M = shapes[i][0], out = shapes[i][1], in = shapes[i][2];
			arrays all = {0};
			rnd r = {3};
			float *panels = arr(&all, ur_panels_size(k, out, in, 1));
			float *turned = arr(&all, ur_panels_size(k, in, out, 1));
			ur_mat w = {.rows = out, .cols = in, .blocks = 1, .panels = panels, .panels_t = turned};
			struct linear_call l = {NULL, M, &w, arr(&all, (size_t)(M * in)), arr(&all, (size_t)(M * out)),
			                        arr(&all, (size_t)(out * in)), what};
			rnd_fill(&r, ur_panels_size(k, out, in, 1), 1, panels);
			rnd_fill(&r, ur_panels_size(k, in, out, 1), 1, turned);
			rnd_fill(&r, (size_t)(M * in), 1, l.x);
			rnd_fill(&r, (size_t)(M * out), 1e-3, l.y);
			rnd_fill(&r, (size_t)(out * in), 1, l.dw);
			printf("%-12s %5d %5d %5d", names[what], M, out, in);
			for (int threads = 1; threads <= 2; threads++) {
				ur_ctx c;
				if (!ur_ctx_open(&c, k->name, threads))
					continue;
				l.c = &c;
				printf(" %14.1f", 2.0 * M * out * in / time_of(call_linear, k, &l) * 1e-9);
				ur_ctx_close(&c);
			}
			printf("\n");
			arr_free(&all);
		}
}

static int bench(const ur_kernels *k)
{
	double t = seconds(), flops = k->peak(200000000);
	printf("%s beside c; %.1f GFLOP/s in registers\n\n", k->name, flops / (seconds() - t) * 1e-9);
	bench_slots(k);
	bench_products(k);
	bench_linear(k);
	return 0;
}

#endif
