/* Products of the shapes Unroll uses, by Unroll and by the libraries at hand, taking turns within one run:
 *
 *     bench_gemm_peers --threads N [--rounds R] [--seconds S] [--json FILE] [--clock wall|processor]
 *                      [--blas NAME=LIBRARY]... [--onednn OBJECT]...
 *
 * Each library is given what it likes best: of its ways to do a product (weights one way round or the other, packed or
 * not, matmul or inner product) the fastest is found first, for each shape. Its threads are pinned, one to a processor,
 * as ours are. Each slice of time starts with calls that are not timed, and between slices the program sleeps, so that
 * threads of the one before that still spin do not disturb it. Every result is checked. A figure is the median of the
 * slices; peak is what the same threads reach with multiply-adds in registers, measured in turn with the rest. --clock
 * processor counts this program's own processor time, for one thread on a machine that others are using. */
#define _GNU_SOURCE
#include "gemm_peer.h"
#include "base/rng.h"
#include "kernel/gemm.h"

#include <dirent.h>
#include <dlfcn.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PEERS = 8, ROUNDS = 1000, LEAST_ROUNDS = 7, TASKS = 256 };
static const double SLICE = 0.003; /* seconds a library runs before the next has its turn; one call at least */

static const int shapes[][3] = {
	{ 8, 1024, 512 }, { 16, 1024, 256 }, { 32, 1024, 256 }, { 64, 4096, 1024 }, { 2048, 2048, 512 },
	{ 4096, 1024, 256 }, { 768, 384, 128 }, { 768, 512, 128 }, { 4096, 256, 1024 },
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* the constants of cblas.h */
enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112, PACKED = 151, B_MATRIX = 162 };
typedef void sgemm_fn(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda,
                      const float *b, int ldb, float beta, float *c, int ldc);
typedef void compute_fn(int order, int ta, int tb, int m, int n, int k, const float *a, int lda,
                        const float *b, int ldb, float beta, float *c, int ldc);
typedef size_t pack_size_fn(int which, int m, int n, int k);
typedef void pack_fn(int order, int which, int trans, int m, int n, int k, float alpha, const float *src, int ld,
                     float *dst);

/* A BLAS: its sgemm and, where it has them, MKL's calls for packed weights. */
struct blas {
	sgemm_fn *sgemm;
	compute_fn *compute;
	pack_size_fn *pack_size;
	pack_fn *pack;
};

/* How to measure. */
struct plan {
	int rounds;       /* at most */
	double seconds;   /* for a shape, once it has had LEAST_ROUNDS */
	clockid_t clock;
	FILE *json;       /* NULL: none */
};

struct product {
	struct gemm_case c;
	const struct blas *blas;
	const struct ur_ctx *ctx;
	float *packed;
	ur_mat w;
	int trans;
};

struct peer {
	const char *name;
	const struct gemm_peer *plugin;  /* oneDNN */
	struct blas blas;
	const ur_ctx *ctx;               /* ours */
	void *state;
	void (*run)(void *state);
	const char *variant;
	double rate[ROUNDS];
};

static double clock_of(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void die(const char *what, const char *detail)
{
	fprintf(stderr, "bench_gemm_peers: %s%s\n", what, detail);
	exit(1);
}

static void *need(void *p)
{
	if (!p)
		die("no memory", "");
	return p;
}

/* -- Unroll -- */

static void run_ours(void *state)
{
	struct product *p = state;
	ur_linear(p->ctx, p->c.M, &p->w, NULL, p->c.A, p->c.K, p->c.C, p->c.N, 0);
}

static void *open_ours(const ur_ctx *ctx, const struct gemm_case *c)
{
	struct product *p = need(calloc(1, sizeof *p));
	p->c = *c;
	p->ctx = ctx;
	p->w = (ur_mat){ .rows = c->N, .cols = c->K, .blocks = 1, .dtype = UR_F32, .data = c->W };
	p->packed = need(aligned_alloc(64, (ur_pack_size(ctx->k, &p->w, 0) * sizeof(float) + 63) / 64 * 64));
	p->w.panels = p->packed;
	ur_pack_weights(ctx, 1, &p->w);
	return p;
}

/* -- a BLAS: B as it lies, B transposed, and either of them packed -- */

static const char *const blas_variants[] = { "B as (K, N)", "B as (N, K)", "packed" };
enum { BLAS_VARIANTS = 3, BLAS_PACKED = 2 };

static void run_blas(void *state)
{
	struct product *p = state;
	const struct gemm_case *c = &p->c;
	if (p->packed)
		p->blas->compute(ROW_MAJOR, NO_TRANS, PACKED, c->M, c->N, c->K, c->A, c->K, p->packed, c->N, 0, c->C, c->N);
	else if (p->trans)
		p->blas->sgemm(ROW_MAJOR, NO_TRANS, TRANS, c->M, c->N, c->K, 1, c->A, c->K, c->W, c->K, 0, c->C, c->N);
	else
		p->blas->sgemm(ROW_MAJOR, NO_TRANS, NO_TRANS, c->M, c->N, c->K, 1, c->A, c->K, c->B, c->N, 0, c->C, c->N);
}

static void *open_blas(const struct blas *blas, const struct gemm_case *c, int variant)
{
	struct product *p;
	if (variant == BLAS_PACKED && !blas->compute)
		return NULL;
	p = need(calloc(1, sizeof *p));
	p->c = *c;
	p->blas = blas;
	p->trans = variant == 1;
	if (variant == BLAS_PACKED) {
		p->packed = need(aligned_alloc(64, (blas->pack_size(B_MATRIX, c->M, c->N, c->K) + 63) / 64 * 64));
		blas->pack(ROW_MAJOR, B_MATRIX, NO_TRANS, c->M, c->N, c->K, 1, c->B, c->N, p->packed);
	}
	return p;
}

static void close_product(void *state)
{
	struct product *p = state;
	free(p->packed);
	free(p);
}

/* A function out of a library, through memcpy because C has no cast between the two kinds of pointer. */
static int find(void *library, const char *name, void *fn)
{
	void *p = dlsym(library, name);
	if (!p)
		return 0;
	memcpy(fn, &p, sizeof p);
	return 1;
}

static void set_threads(void *library, int threads)
{
	/* BLIS and MKL take the number, OpenBLAS too; those on OpenMP also read OMP_NUM_THREADS, set before they loaded */
	static const char *const names[] = { "openblas_set_num_threads", "MKL_Set_Num_Threads" };
	void (*set_int)(int);
	void (*set_long)(ptrdiff_t);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (find(library, names[i], &set_int))
			set_int(threads);
	if (find(library, "bli_thread_set_num_threads", &set_long))
		set_long(threads);
}

/* Loads NAME=LIBRARY. 0, with a line to stderr, where it cannot be. */
static int load_blas(struct peer *p, char *arg, int threads)
{
	char *path = strchr(arg, '=');
	void *library;
	if (!path)
		die("--blas wants NAME=LIBRARY, not ", arg);
	*path++ = '\0';
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
	if (!library || !find(library, "cblas_sgemm", &p->blas.sgemm)) {
		fprintf(stderr, "skipped %s: %s\n", arg, library ? "it has no cblas_sgemm" : dlerror());
		return 0;
	}
	if (!find(library, "cblas_sgemm_compute", &p->blas.compute) || !find(library, "cblas_sgemm_pack", &p->blas.pack) ||
	    !find(library, "cblas_sgemm_pack_get_size", &p->blas.pack_size))
		p->blas.compute = NULL;
	set_threads(library, threads);
	p->name = arg;
	return 1;
}

static int load_onednn(struct peer *p, const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	gemm_peer_fn *get;
	if (!library || !find(library, "gemm_peer", &get)) {
		fprintf(stderr, "skipped %s: %s\n", path, library ? "it has no gemm_peer" : dlerror());
		return 0;
	}
	p->plugin = get();
	p->name = p->plugin->name;
	return 1;
}

static void *open_variant(const struct peer *p, const struct gemm_case *c, int variant)
{
	if (p->ctx)
		return variant ? NULL : open_ours(p->ctx, c);
	if (p->plugin)
		return variant < GEMM_VARIANTS ? p->plugin->open(c, variant) : NULL;
	return open_blas(&p->blas, c, variant);
}

static void close_variant(const struct peer *p, void *state)
{
	if (p->plugin)
		p->plugin->close(state);
	else
		close_product(state);
}

static void check(const struct peer *p, const struct gemm_case *c)
{
	for (int n = 0; n < 400; n++) {
		int i = (int)((long)n * 7919 % c->M), j = (int)((long)n * 104729 % c->N);
		double want = 0, size = 0;
		for (int k = 0; k < c->K; k++) {
			double term = (double)c->A[i * c->K + k] * (double)c->B[k * c->N + j];
			want += term;
			size += fabs(term);
		}
		if (!(fabs(want - (double)c->C[i * c->N + j]) <= 1e-5 * size))
			die("wrong product by ", p->name);
	}
}

/* Seconds for one call, the best of a few. */
static double quick(clockid_t clock, void (*run)(void *), void *state)
{
	double best = INFINITY, begin = clock_of(clock);
	for (int i = 0; i < 4 || (clock_of(clock) - begin < 0.02 && i < 200); i++) {
		double t = clock_of(clock);
		run(state);
		t = clock_of(clock) - t;
		if (t < best)
			best = t;
	}
	return best;
}

/* Opens the peer's fastest way to do the product; returns its seconds a call. */
static double open_best(clockid_t clock, struct peer *p, const struct gemm_case *c)
{
	double best = INFINITY;
	p->state = NULL;
	p->run = p->ctx ? run_ours : p->plugin ? p->plugin->run : run_blas;
	for (int v = 0; v < BLAS_VARIANTS; v++) {
		void *state = open_variant(p, c, v);
		double t;
		if (!state)
			continue;
		memset(c->C, 0xff, (size_t)c->M * (size_t)c->N * sizeof *c->C);
		p->run(state);
		check(p, c);
		t = quick(clock, p->run, state);
		if (t >= best) {
			close_variant(p, state);
			continue;
		}
		if (p->state)
			close_variant(p, p->state);
		best = t;
		p->state = state;
		p->variant = p->ctx ? p->ctx->k->name : p->plugin ? p->plugin->variants[v] : blas_variants[v];
	}
	if (!p->state)
		die("cannot do the product: ", p->name);
	return best;
}

/* Pins threads that were not there before, one to a processor, the caller's processor being the first. */
static void pin_new_threads(const cpu_set_t *all, int *known, int *count)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	size_t cpu = 0;

	while (cpu < CPU_SETSIZE && !CPU_ISSET(cpu, all))
		cpu++;
	while (dir && (entry = readdir(dir))) {
		int tid = atoi(entry->d_name), old = tid == 0 || tid == (int)getpid();
		cpu_set_t one;
		for (int i = 0; i < *count; i++)
			old |= known[i] == tid;
		if (old || *count == TASKS)
			continue;
		known[(*count)++] = tid;
		do
			cpu = (cpu + 1) % CPU_SETSIZE;
		while (!CPU_ISSET(cpu, all));
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		(void)sched_setaffinity(tid, sizeof one, &one);
	}
	if (dir)
		closedir(dir);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *x, int n)
{
	qsort(x, (size_t)n, sizeof *x, ascending);
	return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

struct burn { const ur_kernels *k; size_t adds; double flops[64]; };
static void burn_task(void *arg, int task, int thread)
{
	struct burn *b = arg;
	(void)thread;
	b->flops[task] = b->k->peak(b->adds);
}

/* GFLOP/s of multiply-adds in registers on all the threads. */
static double peak_rate(clockid_t clock, const ur_ctx *ctx)
{
	struct burn b = { .k = ctx->k, .adds = 4000000 };
	int n = ctx->threads < 64 ? ctx->threads : 64;
	double t, sum = 0;
	ur_pool_run(ctx->pool, n, burn_task, &b); /* wakes the threads */
	b.adds = 200000000;
	t = clock_of(clock);
	ur_pool_run(ctx->pool, n, burn_task, &b);
	t = clock_of(clock) - t;
	for (int i = 0; i < n; i++)
		sum += b.flops[i];
	return sum / t * 1e-9;
}

static float *random_matrix(size_t n, uint64_t seed)
{
	float *x = need(aligned_alloc(64, (n * sizeof *x + 63) / 64 * 64));
	for (size_t i = 0; i < n; i++)
		x[i] = (float)(ur_rng_unit(seed, 1, i) * 2 - 1);
	return x;
}

static void one_shape(struct peer *peers, int count, const ur_ctx *ctx, const int shape[3],
                      const struct plan *plan)
{
	int M = shape[0], N = shape[1], K = shape[2];
	float *A = random_matrix((size_t)M * (size_t)K, 1), *B = random_matrix((size_t)K * (size_t)N, 2);
	float *W = random_matrix((size_t)K * (size_t)N, 3), *C = random_matrix((size_t)M * (size_t)N, 4);
	struct gemm_case c = { M, N, K, A, B, W, C };
	double flops = 2.0 * M * N * K, peaks[ROUNDS], peak, each[PEERS], begin;
	int rounds = 0;

	for (int k = 0; k < K; k++)
		for (int n = 0; n < N; n++)
			W[(size_t)n * (size_t)K + (size_t)k] = B[(size_t)k * (size_t)N + (size_t)n];
	for (int i = 0; i < count; i++)
		each[i] = open_best(plan->clock, &peers[i], &c);
	begin = clock_of(CLOCK_MONOTONIC);
	for (int r = 0; r < plan->rounds; r++) {
		if (r >= LEAST_ROUNDS && clock_of(CLOCK_MONOTONIC) - begin > plan->seconds)
			break;
		rounds = r + 1;
		peaks[r] = peak_rate(plan->clock, ctx);
		for (int turn = 0; turn < count; turn++) {
			/* who goes first changes from round to round */
			int i = (turn + r) % count, calls = (int)(SLICE / each[i]) + 1;
			double t;
			usleep(2000);
			for (int n = 0; n <= calls / 4; n++)
				peers[i].run(peers[i].state);
			t = clock_of(plan->clock);
			for (int n = 0; n < calls; n++)
				peers[i].run(peers[i].state);
			peers[i].rate[r] = flops * calls / (clock_of(plan->clock) - t) * 1e-9;
		}
	}
	peak = median(peaks, rounds);
	printf("%4dx%4dx%4d %8.1f", M, N, K, peak);
	for (int i = 0; i < count; i++) {
		double mid = median(peers[i].rate, rounds), best = peers[i].rate[rounds - 1];
		printf("  %6.1f %3.0f%% (%5.1f)", mid, 100 * mid / peak, best);
		if (plan->json)
			fprintf(plan->json, "{\"bench\": \"gemm\", \"M\": %d, \"N\": %d, \"K\": %d, \"threads\": %d, "
			        "\"peer\": \"%s\", \"way\": \"%s\", \"gflops\": %.2f, \"gflops_best\": %.2f, "
			        "\"peak_gflops\": %.2f, \"clock\": \"%s\", \"rounds\": %d}\n",
			        M, N, K, ctx->threads, peers[i].name, peers[i].variant, mid, best, peak,
			        plan->clock == CLOCK_MONOTONIC ? "wall" : "processor", rounds);
		close_variant(&peers[i], peers[i].state);
	}
	putchar('\n');
	fflush(stdout);
	free(A), free(B), free(W), free(C);
}

/* Starts every library's threads and pins them, before the caller's own thread is pinned and passes that on. */
static void start_threads(struct peer *peers, int count)
{
	enum { M = 256, N = 1024, K = 256 };
	float *A = random_matrix(M * K, 1), *B = random_matrix(K * N, 2), *C = random_matrix(M * N, 3);
	float *W = random_matrix(K * N, 4);
	struct gemm_case c = { M, N, K, A, B, W, C };
	int known[TASKS], tasks = 0;
	cpu_set_t all;

	if (sched_getaffinity(0, sizeof all, &all))
		die("cannot read the processors this process may use", "");
	for (int k = 0; k < K; k++)
		for (int n = 0; n < N; n++)
			W[n * K + k] = B[k * N + n];
	pin_new_threads(&all, known, &tasks);
	for (int i = 0; i < count; i++) {
		open_best(CLOCK_MONOTONIC, &peers[i], &c);
		close_variant(&peers[i], peers[i].state);
		pin_new_threads(&all, known, &tasks);
	}
	free(A), free(B), free(W), free(C);
}

/* Before any library is loaded, because they read these when they are. */
static void set_environment(int threads)
{
	char n[16];
	snprintf(n, sizeof n, "%d", threads);
	setenv("OMP_NUM_THREADS", n, 1);
	setenv("OPENBLAS_NUM_THREADS", n, 1);
	setenv("BLIS_NUM_THREADS", n, 1);
	setenv("MKL_NUM_THREADS", n, 1);
	setenv("MKL_THREADING_LAYER", "GNU", 1);
	setenv("MKL_INTERFACE_LAYER", "LP64", 1);
	setenv("GOMP_SPINCOUNT", "30000", 1);        /* idle threads sleep between slices */
	setenv("OPENBLAS_THREAD_TIMEOUT", "20", 1);
	unsetenv("OPENBLAS_CORETYPE");
	unsetenv("OPENBLAS_L2_SIZE");
	unsetenv("OMP_PROC_BIND");
	unsetenv("OMP_PLACES");
	unsetenv("GOMP_CPU_AFFINITY");
}

static int number(const char *text, int least, int most, const char *name)
{
	char *end;
	long n = text ? strtol(text, &end, 10) : 0;
	if (!text || *end || n < least || n > most)
		die("bad number for ", name);
	return (int)n;
}

int main(int argc, char **argv)
{
	struct peer *peers = need(calloc(PEERS, sizeof *peers));
	struct plan plan = { 101, 5, CLOCK_MONOTONIC, NULL };
	int count = 1, threads = 1;
	ur_ctx ctx;

	for (int i = 1; i + 1 < argc; i += 2)
		if (!strcmp(argv[i], "--threads"))
			threads = number(argv[i + 1], 1, 64, argv[i]);
	set_environment(threads);
	for (int i = 1; i < argc; i += 2) {
		char *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (!value)
			die("needs a value: ", argv[i]);
		if (!strcmp(argv[i], "--rounds"))
			plan.rounds = number(value, LEAST_ROUNDS, ROUNDS, argv[i]);
		else if (!strcmp(argv[i], "--seconds"))
			plan.seconds = number(value, 1, 3600, argv[i]);
		else if (!strcmp(argv[i], "--json"))
			plan.json = need(fopen(value, "a"));
		else if (!strcmp(argv[i], "--clock") && (!strcmp(value, "wall") || !strcmp(value, "processor")))
			plan.clock = *value == 'w' ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID;
		else if (!strcmp(argv[i], "--blas") && count < PEERS)
			count += load_blas(&peers[count], value, threads);
		else if (!strcmp(argv[i], "--onednn") && count < PEERS)
			count += load_onednn(&peers[count], value);
		else if (strcmp(argv[i], "--threads"))
			die("no such option, or too many libraries: ", argv[i]);
	}
	start_threads(peers + 1, count - 1);
	if (!ur_ctx_open(&ctx, NULL, threads))
		die("no kernels for this processor", "");
	peers[0].name = "unroll";
	peers[0].ctx = &ctx;

	printf("GFLOP/s at %d thread%s, kernels %s: median slice, percent of peak (best slice)\n%14s %8s",
	       threads, threads > 1 ? "s" : "", ctx.k->name, "M x N x K", "peak");
	for (int i = 0; i < count; i++)
		printf("  %19s", peers[i].name);
	putchar('\n');
	for (int s = 0; s < SHAPES; s++)
		one_shape(peers, count, &ctx, shapes[s], &plan);
	if (plan.json && fclose(plan.json))
		die("cannot write the results", "");
	ur_ctx_close(&ctx);
	free(peers);
	return 0;
}
