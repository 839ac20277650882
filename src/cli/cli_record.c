/* A training run on its way into the store. Trouble with the store is reported once and never stops training: what
 * could not be written is kept, and tried again when the run ends. */
#include "cli/cli_train.h"

#include "base/machine.h"

#include <math.h>
#include <stdlib.h>

enum { CURVE = 150 };   /* points of a curve of training */
static const double FLUSH_EVERY = 3;

ur_status ur_record_start(ur_record *rec, const char *path, const ur_plan *plan, const char *command, ur_err *err)
{
	const ur_job *job = plan->job;
	const ur_recipe *r = &job->recipe;
	char standard[UR_STORE_PATH], machine[200];
	ur_store_run run = {
		.kind = "train", .name = job->out, .spec = plan->spec->text, .seed = (int64_t)r->seed, .data = plan->data,
		.command = command, .machine = ur_machine_text(job->ctx, machine, sizeof machine), .version = UNROLL_VERSION,
	};
	ur_recipe exact;
	ur_status status;

	*rec = (ur_record){ .every = r->steps > CURVE ? r->steps / CURVE : 1, .flushed = ur_clock(),
		.step_flops = ur_job_step_flops(job) };
	if (!path && (status = ur_store_path(standard, err)))
		return status;
	if (job->task)
		run.fingerprint = ur_task_fingerprint(job->task);
	else if (job->pairs)
		run.fingerprint = ur_pairs_fingerprint(job->pairs);
	else if ((status = ur_corpus_fingerprint(job->corpus, &run.fingerprint, err)))
		return status;
	if ((status = ur_store_open(path ? path : standard, UR_STORE_WRITE, &rec->store, err)))
		return status;
	exact = *r;
	ur_job_settle(job, &exact);
	run.recipe = ur_recipe_to_json(&exact);
	status = ur_store_run_begin(rec->store, &run, &rec->run, err);
	json_decref(run.recipe);
	if (status) {
		ur_store_close(rec->store);
		rec->store = NULL;
	}
	return status;
}

static void add(ur_record *rec, const ur_step_report *r, const char *name, double value)
{
	if (rec->n == rec->room) {
		const int room = rec->room ? 2 * rec->room : 64;
		ur_store_point *points = realloc(rec->points, (size_t)room * sizeof *points);
		if (!points)
			return; /* a curve with a gap */
		rec->points = points;
		rec->room = room;
	}
	rec->points[rec->n++] = (ur_store_point){ .name = name, .step = r->step, .tokens = r->tokens,
		.seconds = r->trained_seconds, .flops = (double)r->step * rec->step_flops, .value = value };
}

static ur_status flush(ur_record *rec, ur_err *err)
{
	ur_status status = ur_store_points(rec->store, rec->run, rec->n, rec->points, err);

	if (!status)
		rec->n = 0;
	rec->failed = status != UR_OK;
	rec->flushed = ur_clock();
	return status;
}

ur_status ur_record_step(ur_record *rec, const ur_step_report *r, ur_err *err)
{
	if (!rec->store)
		return UR_OK;
	rec->loss_sum += r->loss;
	rec->losses++;
	if (r->step % rec->every == 0 || r->step == r->steps) {
		add(rec, r, "train_loss", rec->loss_sum / (double)rec->losses); /* mean since the last one */
		add(rec, r, "lr", r->lr);
		add(rec, r, "grad_norm", r->grad_norm);
		rec->loss_sum = 0;
		rec->losses = 0;
	}
	if (r->validated) {
		add(rec, r, "val_loss", r->val_loss);
		if (r->task)
			add(rec, r, "val_accuracy", r->task->accuracy.mean);
	}
	/* a store that another holds for half a minute may cost that once, not every few seconds */
	return rec->n && !rec->failed && ur_clock() - rec->flushed > FLUSH_EVERY ? flush(rec, err) : UR_OK;
}

void ur_record_reach(ur_record *rec, const ur_step_report *now, const ur_reach *reach)
{
	for (int i = 0; i < reach->bins && rec->store; i++)
		add(rec, now, ur_reach_name(i), reach->bin[i].mean);
}

ur_status ur_record_end(ur_record *rec, ur_status result, const ur_outcome *o, const ur_step_report *last, ur_err *err)
{
	const char *word = result == UR_OK ? "done" : result == UR_E_DIVERGED ? "diverged" : "stopped";
	int64_t steps = last->step, tokens = last->tokens;
	double seconds = last->trained_seconds, loss = last->step ? last->best_loss : NAN;
	ur_status status = UR_OK;

	if (!rec->store)
		return UR_OK;
	if (result == UR_OK) {
		steps = o->steps;
		tokens = o->tokens;
		seconds = o->seconds;
		loss = isnan(o->best_loss) ? o->train_loss : o->best_loss;
	}
	if (rec->n)
		status = flush(rec, err);
	if (!status)
		status = ur_store_run_end(rec->store, rec->run, word, steps, tokens, seconds, loss, err);
	/* refused before it began, a checkpoint of another recipe for one, is no run */
	if (!status && !steps && result != UR_OK && result != UR_E_DIVERGED && result != UR_E_STOPPED)
		status = ur_store_delete_run(rec->store, rec->run, err);
	ur_store_close(rec->store);
	rec->store = NULL;
	free(rec->points);
	rec->points = NULL;
	return status;
}
