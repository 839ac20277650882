#include "lab/rigs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

ur_rig_spec ur_lab_layer(const ur_lab_mixer *m, int width, int T, int B, ur_pass pass)
{
	return (ur_rig_spec){ .forward = m->forward, .backward = m->backward, .dims = ur_rig_dims(m->forward->mixer, width),
	                      .T = T, .B = B, .pass = pass };
}

void ur_lab_run_rig(void *rig) { ur_rig_run(rig); }

ur_status ur_lab_time_layers(ur_lab *lab, int n, const ur_rig_spec *spec, const ur_ctx *const *ctx, double seconds,
                             ur_times *out, ur_err *err)
{
	ur_rig *rig = calloc((size_t)n, sizeof *rig);
	ur_timed *thing = calloc((size_t)n, sizeof *thing);
	ur_status status = rig && thing ? UR_OK : ur_fail(err, UR_E_NOMEM, "out of memory for %d layers", n);
	int open = 0;

	while (!status && open < n) {
		status = ur_rig_open(&rig[open], &spec[open], ctx[open], err);
		if (!status) {
			thing[open] = (ur_timed){ ur_lab_run_rig, &rig[open] };
			open++;
		}
	}
	if (!status)
		status = ur_lab_turns(lab, n, thing, seconds, out, err);
	while (open)
		ur_rig_close(&rig[--open]);
	free(rig);
	free(thing);
	return status;
}

double ur_lab_cpu_seconds(const json_t *times)
{
	const double share = ur_fact_at(times, "cpu");
	return ur_fact_at(times, "median") * (share < 1 ? share : 1);
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
