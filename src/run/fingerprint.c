/* What makes two opened models the same to a saved state: equal steps from equal states. */
#include "run/saved.h"

#include "vocab/text_hash.h"

#include <stdatomic.h>
#include <string.h>

enum { STRETCH = 256 };

static void add_number(ur_hash *h, double value)
{
	const int64_t whole = (int64_t)value;

	ur_hash_add(h, &whole, sizeof whole);
	value -= (double)whole;
	ur_hash_add(h, &value, sizeof value);
}

/* All of a spec that its parameters' shapes do not say, but for how far attention reaches back. */
static void add_spec(ur_hash *h, const ur_spec *s)
{
	const double numbers[] = { s->layers, s->width, s->tied, s->norm_last, (double)s->positions, s->ffn };

	ur_hash_add(h, s->mixer->name, strlen(s->mixer->name));
	ur_hash_add(h, s->form->name, strlen(s->form->name));
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		add_number(h, numbers[i]);
	for (int i = 0; s->mixer->options && s->mixer->options[i].name; i++)
		if (strcmp(s->mixer->options[i].name, "window"))
			add_number(h, s->option[i]);
}

static void add_port(ur_hash *h, const ur_port *p)
{
	add_number(h, p->n);
	if (p->mean)
		ur_hash_add(h, p->mean, (size_t)p->n * sizeof *p->mean);
	if (p->scale)
		ur_hash_add(h, p->scale, (size_t)p->n * sizeof *p->scale);
}

/* A matrix that is kept packed alone: by its values, for panels differ from one kernel set to another. */
static void add_packed(ur_hash *h, const ur_kernels *k, const ur_mat *w)
{
	float row[STRETCH];

	for (int i = 0; i < w->rows; i++)
		for (int from = 0, n; from < w->cols; from += n) {
			n = w->cols - from < STRETCH ? w->cols - from : STRETCH;
			ur_unpack(k, w, i, from, n, row);
			ur_hash_add(h, row, (size_t)n * sizeof *row);
		}
}

static uint64_t work_out(const ur_model *m)
{
	ur_hash h = { 0 };
	uint64_t value;

	add_spec(&h, &m->spec);
	add_number(&h, m->V);
	add_number(&h, m->dtype);
	for (int i = 0; i < m->params; i++) {
		const ur_param *p = &m->param[i].decl;

		add_number(&h, p->rows);
		add_number(&h, p->cols);
		if (m->mat[i].data)
			ur_hash_add(&h, m->mat[i].data, m->param[i].count * sizeof(float));
		else
			add_packed(&h, m->k, &m->mat[i]);
	}
	if (m->ports) {
		add_port(&h, &m->ports->in);
		add_port(&h, &m->ports->out);
		add_number(&h, (double)m->ports->says);
	}
	value = ur_hash_value(&h);
	return value ? value : 1; /* 0: not worked out */
}

uint64_t ur_model_fingerprint(const ur_model *m)
{
	_Atomic uint64_t *kept = &((ur_model *)(uintptr_t)m)->fingerprint;
	uint64_t value = atomic_load_explicit(kept, memory_order_relaxed);

	if (value == 0) { /* two threads may both work it out: to the same value */
		value = work_out(m);
		atomic_store_explicit(kept, value, memory_order_relaxed);
	}
	return value;
}
