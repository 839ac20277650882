/* Training speed of a model of pairs: forward, backward, clipping, optimiser step and packing on made batches of one
 * shape, without padding or dropout. Prints one JSON line: target tokens per second (of the median step), arithmetic
 * and its percent of the processor's measured peak, the loss before the first step; with --profile where time went.
 *
 *     bench_pairs --spec seq2seq:gru:1x256,attention=bahdanau,encoder=bi --batch 64 --source 16 --target 16
 *                 --vocab 6000 --threads 1 --steps 20
 *
 * With --serve it takes --steps steps for each line of its standard input and answers with a line of JSON, so that
 * peers/run.py can let it and others take turns. */
#include "bench.h"

#include "base/rng.h"
#include "train/backward.h"
#include "train/optimizer.h"

#include <string.h>
#include <time.h>

enum { BATCHES = 16, WARM = 2, MOST = 1 << 12 };

typedef struct options { const char *spec; int batch, source, target, vocab, threads, steps, serve, profile; } options;

typedef struct bench {
	const options *o;
	ur_ctx c;
	ur_model *m;
	ur_recipe r;
	ur_arena arena;
	ur_net net;
	ur_backward back;
	ur_profile profile;
	float *m1, *m2;
	double *parts;
	int32_t *source[BATCHES], *ids[BATCHES], *targets[BATCHES];
	int64_t done;
	double loss;                    /* mean of the last step */
} bench;

static void die(const char *what)
{
	fprintf(stderr, "bench_pairs: %s\n", what);
	exit(2);
}

static options parse(int argc, char **argv)
{
	options o = { "seq2seq:gru:1x256,attention=bahdanau,encoder=bi", 64, 16, 16, 6000, 1, 20, 0, 0 };

	for (int i = 1; i < argc; i++) {
		const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
		int *number = !strcmp(name, "--batch") ? &o.batch : !strcmp(name, "--source") ? &o.source
			: !strcmp(name, "--target") ? &o.target : !strcmp(name, "--vocab") ? &o.vocab
			: !strcmp(name, "--threads") ? &o.threads : !strcmp(name, "--steps") ? &o.steps : NULL;

		if (!strcmp(name, "--serve"))
			o.serve = 1;
		else if (!strcmp(name, "--profile"))
			o.profile = 1;
		else if (!strcmp(name, "--spec") && *value)
			o.spec = argv[++i];
		else if (number && atoi(value) > 0)
			*number = atoi(argv[++i]);
		else
			die("unknown option or bad number; see the comment at the top of bench_pairs.c");
	}
	return o;
}

static void plan(bench *b)
{
	const options *o = b->o;
	const size_t batch = (size_t)o->batch;

	b->m1 = UR_TAKE(&b->arena, float, b->m->floats);
	b->m2 = UR_TAKE(&b->arena, float, b->m->floats);
	b->parts = UR_TAKE(&b->arena, double, ur_grad_parts(b->m->floats));
	for (int i = 0; i < BATCHES; i++) {
		b->source[i] = UR_TAKE(&b->arena, int32_t, (size_t)o->source * batch);
		b->ids[i] = UR_TAKE(&b->arena, int32_t, (size_t)o->target * batch);
		b->targets[i] = UR_TAKE(&b->arena, int32_t, (size_t)o->target * batch);
	}
	ur_net_plan_pairs(&b->net, b->m, &b->c, o->source, o->target, o->batch, 1, &b->arena);
	ur_backward_plan(&b->back, &b->net, &b->arena);
}

static void draw(const bench *b, int32_t *to, int n, uint64_t which)
{
	for (int i = 0; i < n; i++)
		to[i] = (int32_t)ur_rng_below(1, ur_rng_for(UR_RNG_TEST, which), (uint64_t)i, (uint64_t)b->o->vocab);
}

static void begin(bench *b, const options *o)
{
	ur_err err = { 0 };
	ur_spec spec;

	*b = (bench){ .o = o };
	if (ur_spec_parse(o->spec, &spec, &err))
		die(err.text);
	if (!spec.pair)
		die("a model of pairs is wanted, as in seq2seq:gru:1x256");
	if (!ur_ctx_open(&b->c, NULL, o->threads))
		die("no kernels, threads or memory");
	if (ur_model_create(&spec, &(ur_words){ .V = o->vocab, .source_V = o->vocab }, b->c.k, 1, &b->m, &err))
		die(err.text);
	ur_recipe_defaults(&b->r, &spec);
	plan(b);
	if (!ur_arena_open(&b->arena))
		die("no memory");
	plan(b);
	for (int i = 0; i < BATCHES; i++) {
		draw(b, b->source[i], o->source * o->batch, 3 * (uint64_t)i);
		draw(b, b->ids[i], o->target * o->batch, 3 * (uint64_t)i + 1);
		draw(b, b->targets[i], o->target * o->batch, 3 * (uint64_t)i + 2);
	}
	ur_model_init(b->m, 1);
	ur_model_pack(b->m, &b->c);
}

static void train(bench *b)
{
	const options *o = b->o;
	const int rows = o->target * o->batch, i = (int)(b->done++ % BATCHES);
	const ur_pass p = { .T = o->target, .B = o->batch, .ids = b->ids[i], .S = o->source, .source = b->source[i],
		.step = (uint64_t)b->done };
	double norm, start;

	memset(b->back.all, 0, b->m->floats * sizeof *b->back.all);
	ur_net_forward(&b->net, &p);
	b->loss = ur_net_backward(&b->back, &p, &(ur_aim){ .targets = b->targets[i], .weight = 1 / (float)rows }) / rows;
	start = ur_profile_start(b->net.profile);
	norm = ur_grad_norm(&b->c, b->m->floats, b->back.all, b->parts);
	ur_optimizer_step(ur_optimizer_find("adamw"), &b->c, &b->r, b->m, b->done, 1e-3, norm > 1 ? (float)(1 / norm) : 1,
	                  b->back.all, b->m1, b->m2);
	ur_profile_end(b->net.profile, UR_OP_OPTIMISER, start, 0, 0);
	start = ur_profile_start(b->net.profile);
	ur_model_pack(b->m, &b->c);
	ur_profile_end(b->net.profile, UR_OP_PACK, start, 0, 0);
}

static void show(const ur_profile *p, double steps)
{
	for (int i = 0; i < UR_OP_KINDS; i++)
		if (p->seconds[i] > 0)
			fprintf(stderr, "%-14s %8.2f ms a step  %6.1f GFLOP/s\n", ur_op_name((ur_op)i), 1e3 * p->seconds[i] / steps,
			        p->flops[i] / p->seconds[i] * 1e-9);
}

int main(int argc, char **argv)
{
	const options o = parse(argc, argv);
	static double rate[MOST];
	bench b;
	const double tokens = (double)o.target * o.batch;
	double peak, flops, first, median, cpu = 0, wall = 0;
	char line[64];
	int n = 0;

	begin(&b, &o);
	peak = bench_peak_of(&b.c);
	flops = 3 * ur_model_flops(b.m, o.source, o.target, o.batch);
	train(&b);
	first = b.loss;
	for (int i = 1; i < WARM; i++)
		train(&b);
	if (o.profile)
		b.net.profile = &b.profile;
	if (o.serve) {
		printf("{\"ready\": true}\n");
		fflush(stdout);
	}
	/* a measurement: one step, or --steps of them when it is asked for by a line */
	while (n < MOST && (o.serve ? fgets(line, sizeof line, stdin) != NULL : n < o.steps)) {
		const int steps = o.serve ? o.steps : 1;
		const clock_t used = clock();
		const double start = ur_clock();

		for (int i = 0; i < steps; i++)
			train(&b);
		wall += ur_clock() - start;
		cpu += (double)(clock() - used) / CLOCKS_PER_SEC;
		rate[n] = steps * tokens / (ur_clock() - start);
		if (o.serve) {
			printf("{\"tokens_per_second\": %.1f}\n", rate[n]);
			fflush(stdout);
		}
		n++;
	}
	if (o.profile)
		show(&b.profile, (double)(b.done - WARM));
	median = bench_median(n, rate); /* sorts */
	printf("{\"peer\": \"unroll\", \"spec\": \"%s\", \"kernels\": \"%s\", \"threads\": %d, \"batch\": %d, "
	       "\"source\": %d, \"target\": %d, \"vocab\": %d, \"parameters\": %lld, \"first_loss\": %.4f, \"loss\": %.4f, "
	       "\"tokens_per_second\": %.0f, \"best\": %.0f, \"gflops\": %.1f, \"peak_gflops\": %.1f, "
	       "\"percent_of_peak\": %.1f, \"per_cpu_second\": %.0f, \"cpu_share\": %.3f, \"planned_mib\": %.1f, "
	       "\"peak_rss\": %lld}\n",
	       o.spec, b.c.k->name, b.c.threads, o.batch, o.source, o.target, o.vocab, (long long)b.m->scalars, first,
	       b.loss, median, n ? rate[n - 1] : 0, median * flops / tokens * 1e-9, peak * 1e-9,
	       100 * median * flops / tokens / peak, n ? n * (o.serve ? o.steps : 1) * tokens / cpu : 0,
	       n ? cpu / (wall * o.threads) : 0, (double)(b.arena.size + b.m->memory.size) / 1048576,
	       (long long)ur_memory_peak());
	return 0;
}
