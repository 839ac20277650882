/* A comparison's journal, kept in the store. */
#include "cli/cli_compare.h"

enum { MOST_POINTS = 64 };

static ur_status get(void *arg, const char *name, json_t **fact, ur_err *err)
{
	const ur_kept *k = arg;
	return ur_store_fact_get(k->store, k->id, name, fact, err);
}

static ur_status put(void *arg, const char *name, const json_t *fact, ur_err *err)
{
	const ur_kept *k = arg;
	return ur_store_fact_put(k->store, k->id, name, fact, err);
}

static ur_status begin(void *arg, const ur_journal_run *run, int64_t *id, ur_err *err)
{
	const ur_kept *k = arg;
	return ur_store_run_begin(k->store, &(ur_store_run){ .comparison = k->id, .kind = run->kind, .name = run->name,
		.spec = run->spec, .seed = run->seed, .data = k->about.data, .fingerprint = k->about.fingerprint,
		.command = k->about.command, .machine = k->about.machine, .version = k->about.version,
		.recipe = run->recipe }, id, err);
}

static ur_status end(void *arg, int64_t id, const char *status, int64_t steps, int64_t tokens, double seconds,
                     double loss, ur_err *err)
{
	const ur_kept *k = arg;
	return ur_store_run_end(k->store, id, status, steps, tokens, seconds, loss, err);
}

static ur_status points(void *arg, int64_t id, int n, const ur_journal_point *p, ur_err *err)
{
	const ur_kept *k = arg;
	ur_status status = UR_OK;

	for (int from = 0; from < n && !status; from += MOST_POINTS) {
		ur_store_point some[MOST_POINTS];
		const int count = n - from < MOST_POINTS ? n - from : MOST_POINTS;
		for (int i = 0; i < count; i++)
			some[i] = (ur_store_point){ p[from + i].name, p[from + i].step, p[from + i].tokens, p[from + i].seconds,
				p[from + i].flops, p[from + i].value };
		status = ur_store_points(k->store, id, count, some, err);
	}
	return status;
}

static ur_status curves(void *arg, int64_t id, json_t **out, ur_err *err)
{
	const ur_kept *k = arg;
	return ur_store_points_json(k->store, id, out, err);
}

ur_status ur_kept_open(ur_kept *kept, ur_store *store, int fresh, ur_err *err)
{
	ur_status status = ur_store_comparison_begin(store, &kept->about, fresh, &kept->id, &kept->resumed, err);

	kept->store = store;
	if (!status)
		status = ur_store_comparison_folder(store, kept->id, kept->folder, err);
	kept->journal = (ur_journal){ kept, kept->folder, get, put, begin, end, points, curves };
	return status;
}
