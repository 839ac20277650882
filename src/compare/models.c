/* The models that are kept and measured, and their files. */
#include "compare/compare_parts.h"

#include "base/file.h"

#include <stdio.h>

/* The run of the lowest validation loss. */
static int best_run(const ur_contender *c, int seeds)
{
	int best = 0;

	for (int s = 1; s < seeds; s++)
		if (c->run[s].val_loss < c->run[best].val_loss)
			best = s;
	return best;
}

ur_status ur_models_open(ur_comparing *q, ur_models *kept, ur_err *err)
{
	for (int i = 0; i < q->out->n; i++) {
		ur_contender *c = &q->out->of[i];
		char path[UR_COMPARE_PATH];
		ur_status status;

		if (c->diverged)
			continue;
		c->kept = best_run(c, q->out->seeds);
		status = ur_comparing_path(q, c, c->run[c->kept].seed, path, err);
		if (!status)
			status = ur_model_load(path, q->what->ctx->k, 0, &kept->of[i], err);
		if (status)
			return status;
		c->weight_bytes = sizeof(float) * (size_t)c->parameters;
	}
	return UR_OK;
}

void ur_models_close(ur_models *kept)
{
	for (int i = 0; i < UR_MOST_CONTENDERS; i++)
		ur_model_free(kept->of[i]);
}

double ur_measuring_seconds(const ur_comparing *q, int i) { return ur_budget_measuring(&q->work, q->seconds[i]); }

ur_status ur_models_save(ur_comparing *q, ur_contender *c, ur_err *err)
{
	char from[UR_COMPARE_PATH];
	ur_file *file = NULL;
	ur_map map;
	ur_status status;

	if (!q->what->out_dir)
		return UR_OK;
	if (snprintf(c->path, sizeof c->path, "%s/%.63s.safetensors", q->what->out_dir, c->name) >= (int)sizeof c->path)
		return ur_fail(err, UR_E_INVALID, "the name of the folder for models is too long");
	status = ur_comparing_path(q, c, c->run[c->kept].seed, from, err);
	if (status || (status = ur_file_map(from, &map, err)))
		return status;
	status = ur_file_begin(c->path, &file, err);
	if (!status)
		status = ur_file_write(file, map.bytes, map.size, err);
	if (!status)
		status = ur_file_commit(file, err);
	else
		ur_file_abandon(file);
	if (!status)
		c->file_bytes = (int64_t)map.size;
	ur_file_unmap(&map);
	return status;
}
