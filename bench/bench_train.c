/* Training speed of a model: forward, backward and optimiser step on random tokens, carried or fresh windows as the
 * model would be trained. Prints one JSON line: tokens per second (median over repeats, and each), peak memory, and the
 * percent of the processor's measured peak.
 *
 *     bench_train --arch lstm:2x256 --batch 32 --seq-len 128 --vocab 65 --threads 1 --steps 10 --repeat 5
 */
#include "bench.h"

#include "base/rng.h"
#include "train/backward.h"
#include "train/optimizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct options { const char *arch; int batch, window, vocab, threads, steps, repeat; } options;

static void die(const char *what)
{
	fprintf(stderr, "bench_train: %s\n", what);
	exit(2);
}

static options parse(int argc, char **argv)
{
	options o = { "lstm:2x256", 32, 128, 65, 1, 10, 5 };
	for (int i = 1; i + 1 < argc; i += 2) {
		const char *name = argv[i], *value = argv[i + 1];
		int *number = !strcmp(name, "--batch") ? &o.batch : !strcmp(name, "--seq-len") ? &o.window
			: !strcmp(name, "--vocab") ? &o.vocab : !strcmp(name, "--threads") ? &o.threads
			: !strcmp(name, "--steps") ? &o.steps : !strcmp(name, "--repeat") ? &o.repeat : NULL;
		if (number && atoi(value) > 0)
			*number = atoi(value);
		else if (!strcmp(name, "--arch"))
			o.arch = value;
		else
			die("unknown option or bad number; see the comment at the top of bench_train.c");
	}
	return o;
}

int main(int argc, char **argv)
{
	options o = parse(argc, argv);
	ur_ctx c;
	ur_err err = { 0 };
	ur_spec spec;
	ur_model *m;
	ur_recipe r;
	ur_arena arena = { 0 };
	ur_net net;
	ur_backward back;
	float *m1 = NULL, *m2 = NULL;
	double *parts = NULL, rate[100], flops, peak;
	unsigned char *blocks = NULL;
	void **state = NULL;
	int32_t *ids, *targets;
	int carried;
	size_t size;
	int64_t step = 0;

	if (ur_spec_parse(o.arch, &spec, &err))
		die(err.text);
	if (!ur_ctx_open(&c, NULL, o.threads))
		die("no kernels, threads or memory");
	if (ur_model_create(&spec, &(ur_words){ .V = o.vocab }, c.k, 1, &m, &err))
		die(err.text);
	ur_recipe_defaults(&r, &spec);
	carried = !(spec.mixer->flags & UR_STATE_GROWS);
	size = ur_model_state_size(m);
	for (int pass = 0; pass < 2; pass++) {
		if (pass && !ur_arena_open(&arena))
			die("no memory");
		m1 = UR_TAKE(&arena, float, m->floats);
		m2 = UR_TAKE(&arena, float, m->floats);
		parts = UR_TAKE(&arena, double, ur_grad_parts(m->floats));
		blocks = carried ? UR_TAKE(&arena, unsigned char, size * (size_t)o.batch) : NULL;
		state = carried ? UR_TAKE(&arena, void *, o.batch) : NULL;
		ur_net_plan(&net, m, &c, o.window, o.batch, 1, carried, &arena);
		ur_backward_plan(&back, &net, &arena);
	}
	for (int b = 0; state && b < o.batch; b++)
		state[b] = blocks + size * (size_t)b;
	ids = calloc((size_t)(o.window * o.batch), sizeof *ids);
	targets = calloc((size_t)(o.window * o.batch), sizeof *targets);
	if (!ids || !targets)
		die("no memory");
	for (int i = 0; i < o.window * o.batch; i++) {
		ids[i] = (int32_t)ur_rng_below(1, ur_rng_for(UR_RNG_TEST, 0), (uint64_t)i, (uint64_t)o.vocab);
		targets[i] = (int32_t)ur_rng_below(1, ur_rng_for(UR_RNG_TEST, 1), (uint64_t)i, (uint64_t)o.vocab);
	}
	ur_model_init(m, 1);
	ur_model_pack(m, &c);
	peak = bench_peak_of(&c);
	flops = 3 * ur_model_flops(m, 0, o.window, o.batch);
	if (o.repeat > 99)
		o.repeat = 99;
	for (int q = -1; q < o.repeat; q++) {
		double start = ur_clock();
		for (int i = 0; i < o.steps; i++, step++) {
			ur_pass p = { .T = o.window, .B = o.batch, .ids = ids, .state = state, .step = (uint64_t)step };
			double norm;
			memset(back.all, 0, m->floats * sizeof *back.all);
			ur_net_forward(&net, &p);
			ur_net_backward(&back, &p, &(ur_aim){ .targets = targets, .weight = 1 / (float)(o.window * o.batch) });
			norm = ur_grad_norm(&c, m->floats, back.all, parts);
			ur_optimizer_step(ur_optimizer_find("adamw"), &c, &r, m, step + 1, 1e-3, norm > 1 ? (float)(1 / norm) : 1,
			                  back.all, m1, m2);
			ur_model_pack(m, &c);
		}
		if (q >= 0)
			rate[q] = (double)o.steps * o.window * o.batch / (ur_clock() - start);
	}
	qsort(rate, (size_t)o.repeat, sizeof *rate, bench_by_size);
	printf("{\"peer\": \"unroll\", \"arch\": \"%s\", \"kernels\": \"%s\", \"threads\": %d, \"batch\": %d, "
	       "\"seq_len\": %d, \"parameters\": %lld, \"tokens_per_second\": %.0f, \"best\": %.0f, \"gflops\": %.1f, "
	       "\"peak_gflops\": %.1f, \"percent_of_peak\": %.1f, \"planned_mib\": %.1f, \"peak_rss\": %lld}\n",
	       o.arch, c.k->name, c.threads, o.batch, o.window, (long long)m->scalars, rate[o.repeat / 2],
	       rate[o.repeat - 1], rate[o.repeat / 2] * flops / (o.window * o.batch) * 1e-9, peak * 1e-9,
	       100 * rate[o.repeat / 2] * flops / (o.window * o.batch) / peak,
	       (double)(arena.size + m->memory.size) / 1048576, (long long)ur_memory_peak());
	return 0;
}
