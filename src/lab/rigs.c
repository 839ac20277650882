#include "lab/rigs.h"

#include "base/machine.h"
#include "base/order.h"

#include <stdlib.h>
#include <string.h>

ur_rig_spec ur_lab_layer(const ur_lab_mixer *m, int width, int T, int B, ur_pass pass)
{
	return (ur_rig_spec){ .forward = m->forward, .backward = m->backward, .dims = ur_rig_dims(m->forward->mixer, width),
	                      .T = T, .B = B, .pass = pass };
}

/* A repeat: as many calls in a row as take LEAST seconds, so that a layer finds its own numbers in cache and not those
 * of the one that had its turn before. */
static const double LEAST = 2e-3;
struct layer { ur_rig rig; int calls; };

static void run_layer(void *arg)
{
	struct layer *l = arg;

	for (int i = 0; i < l->calls; i++)
		ur_rig_run(&l->rig);
}

static void set_calls(struct layer *l)
{
	double took;

	l->calls = 1;
	for (;;) {
		const double start = ur_clock();

		run_layer(l);
		took = ur_clock() - start;
		if (took >= LEAST / 4 || l->calls > 1 << 20)
			break;
		l->calls *= 4;
	}
	if (took < LEAST)
		l->calls = (int)(l->calls * LEAST / (took > 1e-9 ? took : 1e-9)) + 1;
}

ur_status ur_lab_time_layers(ur_lab *lab, int n, const ur_rig_spec *spec, const ur_ctx *const *ctx, double seconds,
                             ur_times *out, ur_err *err)
{
	struct layer *layer = calloc((size_t)n, sizeof *layer);
	ur_timed *thing = calloc((size_t)n, sizeof *thing);
	ur_status status = layer && thing ? UR_OK : ur_fail(err, UR_E_NOMEM, "out of memory for %d layers", n);
	int open = 0;

	while (!status && open < n) {
		status = ur_rig_open(&layer[open].rig, &spec[open], ctx[open], err);
		if (!status) {
			set_calls(&layer[open]);
			thing[open] = (ur_timed){ run_layer, &layer[open] };
			open++;
		}
	}
	if (!status)
		status = ur_lab_turns(lab, n, thing, seconds, out, err);
	for (int i = 0; i < n && !status; i++) {
		out[i].median /= layer[i].calls;
		out[i].low /= layer[i].calls;
		out[i].high /= layer[i].calls;
	}
	while (open)
		ur_rig_close(&layer[--open].rig);
	free(layer);
	free(thing);
	return status;
}

ur_status ur_lab_cpu_layers(ur_lab *lab, int n, const ur_rig_spec *spec, double allowed, double *seconds, ur_err *err)
{
	struct layer *layer = calloc((size_t)n, sizeof *layer);
	double (*took)[UR_LAB_REPEATS] = calloc((size_t)n, sizeof *took);
	const double start = ur_clock();
	ur_status status = layer && took ? UR_OK : ur_fail(err, UR_E_NOMEM, "out of memory for %d layers", n);
	int open = 0, rounds = 0;

	for (; !status && open < n && !(status = ur_rig_open(&layer[open].rig, &spec[open], lab->one, err)); open++)
		set_calls(&layer[open]);
	while (!status && rounds < UR_LAB_REPEATS && (rounds == 0 || ur_clock() - start < allowed)) {
		for (int i = 0; i < n && !status; i++) {
			const double from = ur_thread_clock();

			run_layer(&layer[i]);
			took[i][rounds] = (ur_thread_clock() - from) / layer[i].calls;
			if (ur_lab_stopping(lab))
				status = ur_fail(err, UR_E_STOPPED, "stopped");
		}
		rounds++;
	}
	for (int i = 0; i < n && !status; i++)
		seconds[i] = ur_median(rounds, took[i]);
	while (open)
		ur_rig_close(&layer[--open].rig);
	free(layer);
	free(took);
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
