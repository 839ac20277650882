/* What to do: defaults that work, checks, and the JSON that checkpoints compare. */
#include "train/optimizer.h"

#include <math.h>
#include <string.h>

void ur_recipe_defaults(ur_recipe *r, const ur_spec *spec)
{
	const int pair = spec->pair, recurrent = !(spec->mixer->flags & UR_STATE_GROWS), carries = !pair && recurrent;

	*r = (ur_recipe){
		.steps = 2000, .batch = pair ? 64 : 32,
		.window = pair ? (spec->context < 100 ? spec->context : 100)
		          : carries ? 128 : spec->context < 256 ? spec->context : 256,
		.accumulate = 1,
		.windows = carries ? "carried" : "random", .optimizer = "adamw", .lr = recurrent && !pair ? 3e-3 : 1e-3,
		.min_lr = -1,
		.beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .momentum = 0.9, .weight_decay = recurrent || pair ? 0 : 0.1,
		.schedule = "cosine", .warmup = 100, .decay = 0.5, .decay_every = 1, .clip = 1, .eval_every = 250, .seed = 1,
	};
}

void ur_recipe_settle(ur_recipe *r, const ur_spec *spec)
{
	if (!r->windows)
		r->windows = !spec->pair && !(spec->mixer->flags & UR_STATE_GROWS) ? "carried" : "random";
	if (r->chunk >= r->window)
		r->chunk = 0;
	if (r->min_lr < 0)
		r->min_lr = !strcmp(r->schedule, "cosine") ? r->lr / 10 : 0;
}

static ur_status bad(ur_err *err, const char *what) { return ur_fail(err, UR_E_INVALID, "%s", what); }

ur_status ur_recipe_check(const ur_recipe *r, const ur_spec *spec, ur_err *err)
{
	ur_batch_mode mode;

	if (r->steps < 1)
		return bad(err, "training takes at least one step");
	if (r->batch < 1 || r->window < 1 || r->accumulate < 1)
		return bad(err, "batch size, sequence length and accumulation are at least 1");
	if (r->chunk < 0)
		return bad(err, "a chunk is a number of steps, or 0 for whole sequences");
	if (r->chunk && spec->pair)
		return bad(err, "pairs are trained on whole: --chunk is for models of one text");
	if (r->chunk && !(spec->mixer->flags & UR_STATE_GRAD))
		return ur_fail(err, UR_E_INVALID, "no gradient passes through the state of %s, which is all that chunks are "
		               "joined by; leave out --chunk", spec->mixer->name);
	if ((int64_t)r->batch * r->window > 1 << 24)
		return bad(err, "batch size x sequence length is over 16 million tokens; use --accumulate for large batches");
	if (!(r->lr > 0) || !isfinite(r->lr) || r->min_lr > r->lr)
		return bad(err, "the learning rate must be above 0, and the final one at most that");
	if (!(r->beta1 >= 0 && r->beta1 < 1 && r->beta2 >= 0 && r->beta2 < 1 && r->momentum >= 0 && r->momentum < 1))
		return bad(err, "beta1, beta2 and momentum are in [0, 1)");
	if (!(r->weight_decay >= 0) || !(r->clip >= 0) || !(r->decay > 0 && r->decay <= 1) || r->warmup < 0 ||
	    r->eval_every < 0 || r->eval_tokens < 0 || r->patience < 0 || r->decay_every < 0)
		return bad(err, "weight decay, clipping, warm-up and intervals cannot be negative; --decay is in (0, 1]");
	if (!(r->smoothing >= 0 && r->smoothing < 1))
		return bad(err, "label smoothing is in [0, 1)");
	if (!ur_optimizer_find(r->optimizer))
		return ur_fail(err, UR_E_INVALID, "no optimiser '%s'; there are adamw, sgd", r->optimizer);
	if (!ur_schedule_find(r->schedule))
		return ur_fail(err, UR_E_INVALID, "no schedule '%s'; there are constant, cosine, trapezoid, step, plateau",
		               r->schedule);
	if (r->windows && ur_batch_mode_find(r->windows, &mode, err))
		return UR_E_INVALID;
	if (!r->windows)
		mode = UR_BATCH_RANDOM;
	if (spec->pair && mode != UR_BATCH_RANDOM)
		return bad(err, "pairs stand alone: no state is carried from one to the next; use --windows random");
	if (mode == UR_BATCH_SEQUENTIAL)
		return bad(err, "windows are carried or random in training");
	if (ur_spec_limit(spec) && r->window > spec->context)
		return ur_fail(err, UR_E_INVALID, "windows of %d tokens do not fit a context of %d; use --seq-len %d or "
			"context=%d in the spec", r->window, spec->context, spec->context, r->window);
	if (mode == UR_BATCH_CARRIED && ur_spec_limit(spec))
		return bad(err, "this model sees a fixed context and cannot carry state from window to window; "
		           "use --windows random");
	return UR_OK;
}

json_t *ur_recipe_to_json(const ur_recipe *r)
{
	return json_pack("{s:I,s:i,s:i,s:i,s:s,s:s,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:s,s:I,s:f,s:I,s:f,s:I,s:I"
	                 ",s:i,s:I,s:f,s:i}",
		"steps", (json_int_t)r->steps, "batch-size", r->batch, "seq-len", r->window, "accumulate", r->accumulate,
		"windows", r->windows, "optimizer", r->optimizer, "lr", r->lr, "min-lr", r->min_lr, "beta1", r->beta1,
		"beta2", r->beta2, "eps", r->eps, "momentum", r->momentum, "weight-decay", r->weight_decay,
		"schedule", r->schedule,
		"warmup", (json_int_t)r->warmup, "decay", r->decay, "decay-every", (json_int_t)r->decay_every, "clip", r->clip,
		"eval-every", (json_int_t)r->eval_every, "eval-tokens", (json_int_t)r->eval_tokens, "patience", r->patience,
		"seed", (json_int_t)r->seed, "label-smoothing", r->smoothing,
		"chunk", r->chunk);
}
