/* Mixers that cheat: what the lab's counts have to see through. */
#ifndef LAB_FAKES_H
#define LAB_FAKES_H

#include "lab/lab.h"

/* Attention that lets every position wait for the one before it. */
static void serial_forward(const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *s, float *saved,
                           float *work)
{
	const int wide = s->B * d->out;

	ur_mixer_forward_attention.forward(c, d, w, s, saved, work);
	for (int t = 1; t < s->T; t++)
		c->k->add(wide, s->y + (ptrdiff_t)(t - 1) * wide, s->y + (ptrdiff_t)t * wide);
}

/* A "recurrence" whose outputs do not depend on what came before. */
static void parallel_forward(const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *s, float *saved,
                             float *work)
{
	(void)w, (void)saved, (void)work;
	c->k->copy(s->T * s->B, d->out, s->x, d->in, s->y, d->out);
}

static ur_mixer_forward serial_attention, parallel_lstm;

/* The honest two, attention that is serial, an LSTM that is not. */
static const ur_lab_mixer honest[] = {
	{ "lstm", &ur_mixer_forward_lstm, &ur_mixer_backward_lstm },
	{ "attention", &ur_mixer_forward_attention, &ur_mixer_backward_attention }, { 0 } };
static const ur_lab_mixer with_serial_attention[] = {
	{ "lstm", &ur_mixer_forward_lstm, &ur_mixer_backward_lstm },
	{ "attention", &serial_attention, &ur_mixer_backward_attention }, { 0 } };
static const ur_lab_mixer with_parallel_lstm[] = {
	{ "lstm", &parallel_lstm, &ur_mixer_backward_lstm },
	{ "attention", &ur_mixer_forward_attention, &ur_mixer_backward_attention }, { 0 } };

/* A quick lab of one experiment on these mixers; its section, a new reference. */
static inline json_t *run_with(const ur_experiment *e, const ur_lab_mixer *mixer)
{
	json_t *document, *section;
	ur_journal *journal;
	ur_err err = { 0 };
	ur_ctx ctx;
	ur_lab lab = { .seed = 1, .one = &ctx, .ctx = &ctx, .mixer = mixer, .chosen = 1 };

	serial_attention = ur_mixer_forward_attention;
	serial_attention.forward = serial_forward;
	parallel_lstm = ur_mixer_forward_lstm;
	parallel_lstm.forward = parallel_forward;
	while (ur_experiments[lab.only[0]] != e)
		lab.only[0]++;
	assert_true(ur_ctx_open(&ctx, NULL, 1));
	assert_int_equal(ur_journal_open(&journal, &err), UR_OK);
	lab.journal = journal;
	if (ur_lab_run(&lab, &document, &err))
		fail_msg("%s", err.text);
	section = json_incref(json_array_get(json_object_get(document, "experiments"), 0));
	json_decref(document);
	ur_journal_close(journal);
	ur_ctx_close(&ctx);
	return section;
}

#endif
