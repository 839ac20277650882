/* What a checkpoint says of the run that left it: enough to go on without repeating every setting, and to see that a
 * new run is not about to write over one that was never finished. */
#include "cli/cli_train.h"

#include <errno.h>
#include <unistd.h>

ur_status ur_left_read(const char *out, ur_left *left, ur_err *err)
{
	ur_safetensors *file = NULL;
	const char *text;
	json_int_t step, steps;
	ur_status status;

	*left = (ur_left){ 0 };
	if (ur_checkpoint_path(out, left->path, sizeof left->path) >= (int)sizeof left->path)
		return ur_fail(err, UR_E_INVALID, "the name of the model file is too long");
	if (access(left->path, F_OK))
		return UR_OK;
	if ((status = ur_safetensors_open(left->path, &file, err)))
		return status;
	text = ur_safetensors_meta(file, "unroll.training");
	left->json = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	ur_safetensors_close(file);
	if (!left->json ||
	    json_unpack(left->json, "{s:s, s:o, s:{s:I, s:b}, s:{s:I}}", "spec", &left->spec, "recipe", &left->recipe,
	                "run", "step", &step, "done", &left->done, "recipe", "steps", &steps)) {
		ur_left_close(left);
		return ur_fail(err, UR_E_FORMAT, "%.200s is not a checkpoint of this program", left->path);
	}
	left->step = step;
	left->steps = steps;
	return UR_OK;
}

void ur_left_close(ur_left *left)
{
	json_decref(left->json);
	left->json = NULL;
}

ur_status ur_left_recipe(const ur_left *left, ur_recipe *r, ur_err *err)
{
	json_int_t steps = r->steps, warmup = r->warmup, decay_every = r->decay_every, eval_every = r->eval_every;
	json_int_t eval_tokens = r->eval_tokens, seed = (json_int_t)r->seed;
	json_error_t why;

	if (json_unpack_ex(left->recipe, &why, 0,
		"{s?I,s?i,s?i,s?i,s?s,s?s,s?F,s?F,s?F,s?F,s?F,s?F,s?F,s?s,s?I,s?F,s?I,s?F,s?I,s?I,s?i,s?I,s?F,s?i}",
		"steps", &steps, "batch-size", &r->batch, "seq-len", &r->window, "accumulate", &r->accumulate,
		"windows", &r->windows, "optimizer", &r->optimizer, "lr", &r->lr, "min-lr", &r->min_lr, "beta1", &r->beta1,
		"beta2", &r->beta2, "eps", &r->eps, "momentum", &r->momentum, "weight-decay", &r->weight_decay,
		"schedule", &r->schedule, "warmup", &warmup, "decay", &r->decay, "decay-every", &decay_every, "clip", &r->clip,
		"eval-every", &eval_every,
		"eval-tokens", &eval_tokens, "patience", &r->patience, "seed", &seed,
		"label-smoothing", &r->smoothing, "chunk", &r->chunk))
		return ur_fail(err, UR_E_FORMAT, "checkpoint %.200s: its settings cannot be read: %.100s", left->path,
		               why.text);
	r->steps = steps;
	r->warmup = warmup;
	r->decay_every = decay_every;
	r->eval_every = eval_every;
	r->eval_tokens = eval_tokens;
	r->seed = (uint64_t)seed;
	return UR_OK;
}

void ur_left_words(const ur_left *left, const char *out, ur_words *words)
{
	ur_safetensors *file = NULL;
	ur_spec spec;

	*words = (ur_words){ 0 };
	if (ur_safetensors_open(out, &file, NULL))
		return;
	if (!ur_model_describe(file, &spec, words, NULL) && strcmp(spec.text, left->spec))
		ur_words_free(words); /* an earlier model's, which the run has not replaced yet */
	ur_safetensors_close(file);
}
