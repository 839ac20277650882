/* Comparing on a text: windows of it to train on, the loss of every token of its last part. */
#include "compare/compare_parts.h"

#include "base/machine.h"

#include <math.h>
#include <stdlib.h>

static ur_words words(const ur_compare *w)
{
	const ur_vocab *vocab = ur_corpus_vocab(w->corpus);
	return (ur_words){ .V = ur_vocab_size(vocab), .vocab = vocab };
}

static ur_status begin(ur_comparing *q, ur_err *err)
{
	const ur_split *s = &q->what->split;
	ur_comparison *o = q->out;

	o->train_tokens = s->train_to - s->train_from;
	o->val_tokens = s->val_to - s->val_from;
	o->test_tokens = s->test_to - s->test_from;
	o->own_heldout = o->test_tokens >= 2;
	if (o->val_tokens < 2)
		return ur_fail(err, UR_E_INVALID, "learning rates are chosen on the validation text, and there is none: "
			"the text is too short, or --val is too small");
	if (o->train_tokens < 8)
		return ur_fail(err, UR_E_INVALID, "the training text has %lld tokens, too few to train on",
			(long long)o->train_tokens);
	return UR_OK;
}

static void end(ur_comparing *q) { ur_heldout_close(&q->heldout); }

static int window(const ur_comparing *q, int64_t tokens)
{
	(void)q;
	return ur_budget_window(tokens);
}

/* Positions beyond the windows that a model is trained on would never be trained. */
static int context(const ur_comparing *q) { return q->out->window; }

/* loss_same: the same tokens of context for all, what the most limited has, or a window. */
static ur_status fit(ur_comparing *q, ur_err *err)
{
	ur_comparison *o = q->out;

	(void)err;
	o->context = o->window;
	for (int i = 0; i < o->n; i++)
		if (o->of[i].limit > 0 && o->of[i].limit < o->context)
			o->context = o->of[i].limit;
	return UR_OK;
}

/* Windows of one length: state carries on from one to the next where it can, and elsewhere each is a whole context of
 * fresh text. */
static void batch(const ur_comparing *q, const ur_contender *c, ur_recipe *r)
{
	const int64_t quarter = q->out->train_tokens / 4;

	r->window = c->limit > 0 && c->limit < q->out->window ? (int)c->limit : q->out->window;
	/* a short text has short windows, and few of them at a time */
	if (r->window > quarter)
		r->window = quarter > 1 ? (int)quarter : 1;
	r->batch = q->out->step_tokens / r->window > 1 ? q->out->step_tokens / r->window : 1;
	if (r->batch > quarter / r->window)
		r->batch = quarter / r->window > 1 ? (int)(quarter / r->window) : 1;
}

static void job(const ur_comparing *q, int only, ur_job *out)
{
	out->corpus = q->what->corpus;
	out->split = q->what->split;
	if (only)
		out->split.val_to = out->split.val_from;
}

static ur_status no_memory(ur_err *err) { return ur_fail(err, UR_E_NOMEM, "no memory to score"); }

static ur_status time_scoring(ur_comparing *q, const ur_contender *c, const ur_model *m, ur_rate *rate, ur_err *err)
{
	const ur_split *split = &q->what->split;
	ur_heldout some = { 0 };
	float *losses = NULL;
	double start;
	ur_status status = ur_heldout_open(&some, q->what->corpus, split->val_from, split->val_to, UR_LEAST_VALIDATION,
	                                   err);

	if (!status && !(losses = calloc((size_t)some.scored, sizeof *losses)))
		status = no_memory(err);
	start = ur_clock();
	if (!status)
		status = ur_heldout_score(&some, m, q->what->ctx, 0, losses, err);
	if (!status) /* limited models read what they score twice */
		rate->score = (double)some.scored * (c->limit ? 2 : 1) / (ur_clock() - start);
	rate->after = 0;
	free(losses);
	ur_heldout_close(&some);
	return status;
}

static ur_status open(ur_comparing *q, int64_t most, ur_err *err)
{
	const ur_split *s = &q->what->split;
	ur_comparison *o = q->out;
	ur_status status = ur_heldout_open(&q->heldout, q->what->corpus, o->own_heldout ? s->test_from : s->val_from,
	                                   o->own_heldout ? s->test_to : s->val_to, most, err);
	o->scored = q->heldout.scored;
	o->scored_bytes = q->heldout.bytes;
	return status;
}

/* The held-out losses, and what they are by block. */
static ur_status score(ur_comparing *q, const ur_contender *c, ur_trained *of, const ur_model *m, ur_err *err)
{
	float *losses = calloc((size_t)q->heldout.scored, sizeof *losses);
	double sum = 0, same = 0;
	ur_status status = losses ? UR_OK : no_memory(err);

	(void)c;
	if (!status)
		status = ur_heldout_score(&q->heldout, m, q->what->ctx, q->out->context, losses, err);
	for (int64_t i = 0; i < q->heldout.scored && !status; i++)
		same += (double)losses[i];
	if (!status)
		status = ur_heldout_score(&q->heldout, m, q->what->ctx, 0, losses, err);
	for (int64_t i = 0; i < q->heldout.scored && !status; i++)
		sum += (double)losses[i];
	if (!status) {
		of->loss_same = same / (double)q->heldout.scored;
		of->loss = sum / (double)q->heldout.scored;
		of->bits_per_byte = sum / log(2) / (double)q->heldout.bytes;
		ur_blocks_make(losses, q->heldout.scored, UR_BLOCK_TOKENS, &of->blocks);
	}
	free(losses);
	return status;
}

const ur_on ur_on_text = { words, begin, end, window, context, fit, batch, job, time_scoring, open, score,
	ur_text_costs };
