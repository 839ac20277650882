/* Memory and time of a training run, before it begins: what it may take, the chunks that follow from that, and both in
 * parts; and beside the plan what it did take. */
#include "cli/cli_train.h"

#include "base/machine.h"
#include "measure/step_time.h"

#include <limits.h>

int ur_plan_memory(const ur_args *args, const ur_plan_ask *ask, ur_job *job, ur_plan *p)
{
	ur_recipe *r = &job->recipe;
	ur_err err = { 0 };
	ur_status status;
	int chunk = r->chunk;

	p->job = job;
	p->memory_free = ur_memory_free();
	p->memory_most = p->memory_free;
	p->memory_peak = -1;
	if (ask->memory && (p->memory_most < 0 || ask->memory < p->memory_most))
		p->memory_most = ask->memory;
	/* a chunk is part of what decides the result: one that was said, or that a stopped run had, stays */
	if (ask->chunk_set || p->memory_most < 0)
		status = ur_train_plan_of(job, &p->parts, &err);
	else
		status = ur_train_fit(job, (size_t)p->memory_most, &chunk, &p->parts, &err);
	if (status && status != UR_E_NOMEM)
		return ur_failed(args, status, &err);
	r->chunk = chunk;
	if (r->chunk >= (job->task ? job->task->length : r->window))
		r->chunk = 0;
	p->bytes = p->parts.all;
	p->parameters = p->parts.parameters;
	p->in_parts = ask->in_parts || r->chunk > 0;
	return UR_EXIT_OK;
}

static int fits(const ur_plan *p) { return p->memory_most < 0 || p->bytes <= (size_t)p->memory_most; }

int ur_plan_fits(const ur_args *args, const ur_plan *p)
{
	const int asked = p->memory_most < p->memory_free;
	ur_short need, have;

	if (fits(p))
		return UR_EXIT_OK;
	ur_complain(args, "needs %s%s, %s is %s; make --batch-size or --seq-len smaller (--accumulate makes up for a "
		"smaller batch), or the model", ur_size_text((double)p->bytes, need),
		p->job->recipe.chunk ? " even in chunks" : "", ur_size_text((double)p->memory_most, have),
		asked ? "what --memory allows" : "free");
	return UR_EXIT_FAILED;
}

void ur_plan_time(ur_plan *p)
{
	ur_step_time time = { 0 };

	if (!p->in_parts || p->job->pairs || !fits(p))
		return;
	/* what is taken for this is given back before the run takes its own */
	if (!ur_step_time_predict(p->job, p->memory_most < 0 ? SIZE_MAX : (size_t)p->memory_most, &time, NULL)) {
		p->step_seconds = time.seconds;
		p->step_from = time.length;
	}
}

void ur_plan_print_parts(FILE *to, const ur_plan *p)
{
	const ur_train_plan *m = &p->parts;
	const ur_recipe *r = &p->job->recipe;
	const int T = p->job->task ? p->job->task->length : r->window;
	ur_short a, b;

	if (!p->in_parts)
		return;
	if (r->chunk)
		(void)fprintf(to, "chunks      %s of %s steps, each worked out twice: --chunk %d repeats this run\n",
		              ur_commas((T + r->chunk - 1) / r->chunk, a), ur_commas(r->chunk, b), r->chunk);
	(void)fprintf(to, "memory      weights %s,", ur_size_text((double)m->weights, a));
	(void)fprintf(to, " optimiser %s,", ur_size_text((double)m->optimiser, a));
	(void)fprintf(to, " states %s,", ur_size_text((double)m->states, a));
	(void)fprintf(to, " activations %s%s,", ur_size_text((double)m->activations, a), r->chunk ? " of a chunk" : "");
	(void)fprintf(to, " tokens %s,", ur_size_text((double)m->data, a));
	(void)fprintf(to, " validation %s", ur_size_text((double)m->validation, a));
	if (p->memory_most >= 0 && p->memory_most < p->memory_free)
		(void)fprintf(to, "; --memory allows %s", ur_size_text((double)p->memory_most, a));
	(void)fputc('\n', to);
	if (p->step_seconds > 0) {
		(void)fprintf(to, "time        about %s a step,", ur_time_text(p->step_seconds, a));
		(void)fprintf(to, " %s in all, validation apart (predicted from sequences of %d tokens)\n",
		              ur_time_text(p->step_seconds * (double)r->steps, a), p->step_from);
	}
}

json_t *ur_plan_parts_json(const ur_plan *p)
{
	const ur_train_plan *m = &p->parts;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "weights", (json_int_t)m->weights, "optimiser",
		(json_int_t)m->optimiser, "states", (json_int_t)m->states, "activations", (json_int_t)m->activations, "tokens",
		(json_int_t)m->data, "validation", (json_int_t)m->validation);
}

void ur_peak_begin(ur_plan *p) { p->memory_before = ur_memory_peak_reset() ? ur_memory_peak() : -1; }

void ur_peak_end(ur_plan *p)
{
	const int64_t peak = ur_memory_peak();
	p->memory_peak = p->memory_before >= 0 && peak >= 0 ? peak - p->memory_before : -1;
}
