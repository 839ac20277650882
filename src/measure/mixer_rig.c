/* A mixer's call with all that it reads and writes, in one block of memory. */
#include "measure/mixer_rig.h"

#include <math.h>
#include <string.h>

enum { SLACK = 64, ROWS = 17 }; /* steps before states start again, at most; rows of an indexed x */

const char *ur_rig_pass_name(ur_rig_pass pass)
{
	static const char *const names[UR_PASSES] = { "forward", "training", "step" };
	return names[pass];
}

ur_dims ur_rig_dims(const ur_mixer *m, int width)
{
	ur_dims d = { .in = width, .out = width, .context = 1, .memory = m->flags & UR_READS_MEMORY ? width : 0 };

	for (int i = 0; m->options[i].name; i++)
		d.option[i] = m->options[i].standard;
	/* a standard that this width cannot have, halved until it can */
	for (int i = 0; m->options[i].name && m->check(&d); i++)
		while (m->options[i].whole && d.option[i] > m->options[i].least && m->check(&d))
			d.option[i] = floor(d.option[i] / 2);
	return d;
}

/* Uniform in [-size, size), the same at every run. */
static void fill(float *x, size_t n, float size, uint64_t seed)
{
	uint64_t s = seed * 2654435761u + 1;

	for (size_t i = 0; i < n; i++) {
		s = s * 6364136223846793005u + 1442695040888963407u;
		x[i] = size * (float)((double)(s >> 33) * 0x1p-30 - 1);
	}
}

static int slack(const ur_rig_spec *s) { return s->T / 4 + 1 < SLACK ? s->T / 4 + 1 : SLACK; }

static size_t many(int a, int b, int c) { return (size_t)a * (size_t)b * (size_t)c; }

/* A parameter: its data, then its panels. */
static void lay_weight(ur_rig *r, int i, const ur_param *p)
{
	const int training = r->spec.pass == UR_PASS_TRAINING, cols = p->cols ? p->cols : 1;
	ur_mat *w = &r->w[i];
	float *data;

	*w = (ur_mat){ .rows = p->rows, .cols = cols, .blocks = p->blocks ? p->blocks : 1, .cut = p->cut };
	data = UR_TAKE(&r->memory, float, many(p->rows, cols, 1));
	r->dw[i] = training ? UR_TAKE(&r->memory, float, many(p->rows, cols, 1)) : NULL;
	w->data = data;
	if (p->cols) {
		float *panels = UR_TAKE(&r->memory, float, ur_pack_size(r->ctx->k, w, training));
		w->panels = panels;
		w->panels_t = training && panels ? panels + ur_panels_size(r->ctx->k, w->rows, w->cols, w->blocks) : NULL;
	}
	if (r->memory.base && !r->spec.empty)
		fill(data, many(p->rows, cols, 1), p->a > 0 ? p->a : 0.05f, (uint64_t)i + 1);
}

/* Measures or cuts everything; what calls only read, or add to, comes first. */
static void lay(ur_rig *r)
{
	const ur_rig_spec *s = &r->spec;
	const ur_mixer *m = s->forward->mixer;
	const ur_dims *d = &s->dims;
	const int T = s->pass == UR_PASS_STEP ? 1 : s->T, B = s->B, S = r->span.S, values = r->memory.base && !s->empty;
	const int reads = (m->flags & UR_READS_MEMORY) != 0, training = s->pass == UR_PASS_TRAINING;
	const int states = s->pass == UR_PASS_STEP || s->stateful;
	const size_t rows = many(s->T, B, 1), x_rows = s->indexed ? ROWS : rows;
	ur_param p[UR_MIXER_PARAMS];
	int *len, *mlen;
	int32_t *index;
	float *x, *source;
	ur_need need;

	r->n = m->params(d, p);
	for (int i = 0; i < r->n; i++)
		lay_weight(r, i, &p[i]);
	x = UR_TAKE(&r->memory, float, x_rows * (size_t)d->in);
	source = UR_TAKE(&r->memory, float, reads ? many(S, B, d->memory) : 0);
	r->source = source;
	r->dmemory = UR_TAKE(&r->memory, float, reads && training ? many(S, B, d->memory) : 0);
	len = UR_TAKE(&r->memory, int, B);
	mlen = UR_TAKE(&r->memory, int, B);
	index = UR_TAKE(&r->memory, int32_t, rows);
	r->state = UR_TAKE(&r->memory, void *, 3 * (size_t)B);
	r->made_at = UR_TAKE(&r->memory, float *, B);
	r->made = UR_TAKE(&r->memory, const float *, B);
	for (int b = 0; b < B; b++) {
		const size_t size = states ? r->state_size : 0, made = reads ? m->memory_size(d, S) : 0;
		void *state = UR_TAKE(&r->memory, char, size), *dstate = UR_TAKE(&r->memory, char, training ? size : 0);
		void *kept = UR_TAKE(&r->memory, char, size);
		float *at = UR_TAKE(&r->memory, float, s->pass == UR_PASS_STEP ? made : 0);

		if (!r->memory.base)
			continue;
		r->state[b] = state;
		r->state[B + b] = dstate;
		r->state[2 * B + b] = kept;
		r->made_at[b] = at;
		r->made[b] = at;
		len[b] = s->ragged ? s->T - (b * s->T / B + b % 2) % s->T : s->T;
		mlen[b] = s->ragged ? S - b * S / (2 * B) : S;
	}
	r->inputs = r->memory.used;
	for (size_t i = 0; r->memory.base && i < rows; i++)
		index[i] = (int32_t)(i * 7 % ROWS);
	if (values) {
		fill(x, x_rows * (size_t)d->in, 1, 77);
		fill(source, reads ? many(S, B, d->memory) : 0, 1, 78);
	}
	r->mlen = mlen;
	r->dstate = r->state ? r->state + B : NULL;
	r->kept = r->state ? r->state + 2 * B : NULL;
	r->span = (ur_span){
		.T = s->T, .B = B, .S = S, .x = x, .memory = reads ? source : NULL, .rows = s->indexed ? ROWS : 0,
		.len = s->ragged ? len : NULL, .mlen = s->ragged && reads ? mlen : NULL,
	};
	/* need() looks only at whether there are any */
	r->span.index = s->indexed ? (index ? index : &(const int32_t){ 0 }) : NULL;
	r->span.state = states ? (r->state ? r->state : (void *[1]){ NULL }) : NULL;
	need = s->forward->need(r->ctx, d, &r->span);
	r->span.index = s->indexed ? index : NULL;
	r->span.state = states ? r->state : NULL;
	r->span.y = UR_TAKE(&r->memory, float, rows * (size_t)d->out);
	r->dy = UR_TAKE(&r->memory, float, training ? many(T, B, d->out) : 0);
	r->dx = UR_TAKE(&r->memory, float, training ? x_rows * (size_t)d->in : 0);
	r->saved = UR_TAKE(&r->memory, float, training ? need.saved : 0);
	need.forward = training && need.backward > need.forward ? need.backward : need.forward;
	if (s->pass == UR_PASS_STEP && m->step_work(d, B) > need.forward)
		need.forward = m->step_work(d, B);
	r->work = UR_TAKE(&r->memory, float, need.forward);
}

/* States after T steps, and what steps want of the sources. */
static void begin_steps(ur_rig *r)
{
	const ur_rig_spec *s = &r->spec;
	const ur_mixer *m = s->forward->mixer;

	if (s->T > 0)
		s->forward->forward(r->ctx, &s->dims, r->w, &r->span, NULL, r->work);
	for (int b = 0; m->remember && b < s->B; b++) {
		/* a source of its own for each stream: row j of stream b's is row b * S + j, which is as good as any */
		m->remember(r->ctx->k, &s->dims, r->w, r->span.S, r->source + many(b, r->span.S, s->dims.memory),
		            r->made_at[b]);
	}
}

ur_status ur_rig_open(ur_rig *rig, const ur_rig_spec *spec, const ur_ctx *ctx, ur_err *err)
{
	const ur_mixer *m = spec->forward->mixer;
	const char *why;

	*rig = (ur_rig){ .spec = *spec, .ctx = ctx };
	rig->spec.dims.context = spec->T + SLACK + 1;
	rig->span.S = m->flags & UR_READS_MEMORY ? (spec->S > 0 ? spec->S : spec->T > 0 ? spec->T : 1) : 0;
	why = m->check(&rig->spec.dims);
	if (why)
		return ur_fail(err, UR_E_INVALID, "%s of width %d: %s", m->name, spec->dims.out, why);
	if (spec->pass == UR_PASS_TRAINING && !spec->backward)
		return ur_fail(err, UR_E_INVALID, "%s: training needs its gradients", m->name);
	rig->state_size = m->state_size(&rig->spec.dims);
	lay(rig);
	if (!ur_arena_open(&rig->memory))
		return ur_fail(err, UR_E_NOMEM, "%s of width %d at T = %d, batch %d: no memory for %zu bytes; ask for less",
		               m->name, spec->dims.out, spec->T, spec->B, rig->memory.used);
	lay(rig);
	if (!spec->empty)
		ur_pack_weights(ctx, rig->n, rig->w);
	if (spec->pass == UR_PASS_STEP)
		begin_steps(rig);
	for (int b = 0; rig->span.state && b < spec->B; b++)
		memcpy(rig->kept[b], rig->state[b], rig->state_size);
	return UR_OK;
}

void ur_rig_restart(ur_rig *r)
{
	for (int b = 0; r->span.state && b < r->spec.B; b++)
		memcpy(r->state[b], r->kept[b], r->state_size);
	r->since = 0;
}

int ur_rig_steps(const ur_rig *r) { return slack(&r->spec); }

void ur_rig_run(ur_rig *r)
{
	const ur_rig_spec *s = &r->spec;
	const ur_dims *d = &s->dims;
	/* training takes short sequences whole: what they attended to before them is a constant */
	const int H = d->out, grad = !(s->forward->mixer->flags & UR_STATE_GROWS) && s->stateful;

	if (r->span.state && r->since++ == slack(s)) {
		ur_rig_restart(r);
		r->since = 1;
	}
	if (s->pass == UR_PASS_STEP) {
		s->forward->mixer->step(&(ur_turn){
			.k = r->ctx->k, .d = d, .w = r->w, .n = s->B, .x = r->span.x, .y = r->span.y, .state = r->state,
			.memory = r->made, .mlen = r->mlen, .work = r->work,
		});
		return;
	}
	s->forward->forward(r->ctx, d, r->w, &r->span, s->pass == UR_PASS_TRAINING ? r->saved : NULL, r->work);
	if (s->pass == UR_PASS_FORWARD)
		return;
	r->ctx->k->copy(s->T * s->B, H, r->span.y, H, r->dy, H);
	s->backward->backward(r->ctx, d, r->w, &r->span, r->saved, r->dy, r->dx, r->dw, grad ? r->dstate : NULL,
	                      r->span.memory ? r->dmemory : NULL, r->work);
}

void ur_rig_close(ur_rig *rig)
{
	ur_arena_close(&rig->memory);
	*rig = (ur_rig){ 0 };
}
