/* Layers in turns: opened, run as often in a row as a repeat takes, and closed. */
#include "lab/rigs.h"

#include "base/machine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int ur_lab_mixer_count(const ur_lab *lab)
{
	int n = 0;

	while (lab->mixer[n].name && n < UR_LAB_MOST_MIXERS)
		n++;
	return n;
}

ur_rig_spec ur_lab_layer(const ur_lab_mixer *m, int width, int T, int B, ur_rig_pass pass)
{
	return (ur_rig_spec){ .forward = m->forward, .backward = m->backward, .dims = ur_rig_dims(m->forward->mixer, width),
	                      .T = T, .B = B, .pass = pass };
}

/* A repeat: as many calls in a row as take LEAST seconds, so that a layer finds its own numbers in cache and not those
 * of the one that had its turn before. */
static const double LEAST = 2e-3;
struct layer {
	ur_rig rig;
	int calls;
	double wall, thread, cpu;       /* seconds of those calls when they were run first */
};

static void run_layer(void *arg)
{
	struct layer *l = arg;

	for (int i = 0; i < l->calls; i++)
		ur_rig_run(&l->rig);
}

static void run_first(struct layer *l)
{
	const double start = ur_clock(), thread = ur_thread_clock(), cpu = ur_cpu_clock();

	run_layer(l);
	l->wall = ur_clock() - start;
	l->thread = ur_thread_clock() - thread;
	l->cpu = ur_cpu_clock() - cpu;
}

/* How many calls a repeat takes. `once` is what the last run of the search comes to, by call. */
static void set_calls(struct layer *l, ur_times *once)
{
	l->calls = 1;
	for (run_first(l); l->wall < LEAST / 4 && l->calls <= 1 << 20; run_first(l))
		l->calls *= 4;
	*once = (ur_times){ .n = 1, .median = l->wall / l->calls, .thread = l->thread / l->calls,
	                    .cpu = l->wall > 0 ? l->cpu / l->wall : NAN };
	once->low = once->high = once->median;
	once->thread_low = once->thread_high = once->thread;
	if (l->wall < LEAST)
		l->calls = (int)(l->calls * LEAST / (l->wall > 1e-9 ? l->wall : 1e-9)) + 1;
}

static void by_call(ur_times *t, int calls)
{
	double *const of[] = { &t->median, &t->low, &t->high, &t->thread, &t->thread_low, &t->thread_high };

	for (size_t i = 0; i < sizeof of / sizeof *of; i++)
		*of[i] /= calls;
}

ur_status ur_lab_time_layers(ur_lab *lab, int n, const ur_rig_spec *spec, const ur_ctx *const *ctx, double seconds,
                             ur_times *out, ur_err *err)
{
	struct layer *layer = calloc((size_t)n, sizeof *layer);
	ur_timed *thing = calloc((size_t)n, sizeof *thing);
	const double start = ur_clock();
	ur_status status = layer && thing ? UR_OK : ur_fail(err, UR_E_NOMEM, "out of memory for %d layers", n);
	double left;
	int open = 0;

	while (!status && open < n) {
		if (ur_lab_stopping(lab))
			status = ur_fail(err, UR_E_STOPPED, "stopped");
		else
			status = ur_rig_open(&layer[open].rig, &spec[open], ctx[open], err);
		if (!status) {
			set_calls(&layer[open], &out[open]);
			thing[open] = (ur_timed){ run_layer, &layer[open] };
			open++;
		}
	}
	left = seconds - (ur_clock() - start);
	if (!status && left > 0) {
		status = ur_lab_turns(lab, n, thing, left, out, err);
		for (int i = 0; i < n && !status; i++)
			by_call(&out[i], layer[i].calls);
	}
	while (open)
		ur_rig_close(&layer[--open].rig);
	free(layer);
	free(thing);
	return status;
}

const char *ur_lab_typical(const json_t *counts, int grows)
{
	const char *name, *first = NULL;
	json_t *of;

	json_object_foreach((json_t *)(uintptr_t)counts, name, of) {
		if (json_is_true(json_object_get(of, "grows")) != grows)
			continue;
		if (!first || !strcmp(name, "lstm"))
			first = name;
	}
	return first;
}
