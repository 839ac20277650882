/* Chunks along time. */
#include "train/chunked.h"

#include <string.h>

/* Layers whose states hold every step are set back to a border; of the others' states borders have copies. */
static int set_back(const ur_layer *l) { return l->kind->rewind && l->kind->limit(&l->dims) > 0; }

void ur_chunked_plan(ur_chunked *q, ur_net *net, ur_backward *back, const ur_model *m, const ur_ctx *c, int T, int B,
                     int chunk, int carries, ur_arena *arena)
{
	const size_t size = ur_model_state_size(m), before = arena->used;
	const int chunks = ur_chunk_count(T, chunk);
	unsigned char *blocks;

	*q = (ur_chunked){ .net = net, .back = back, .T = T, .B = B, .C = chunks > 1 ? chunk : T, .chunks = chunks };
	if (chunks > 1) {
		for (int i = 0; i < m->stack.layers; i++)
			q->border_bytes += set_back(&m->stack.layer[i]) ? 0 : ur_layer_state(&m->stack.layer[i]);
		q->now = UR_TAKE(arena, void *, B);
		q->dnow = UR_TAKE(arena, void *, B);
		q->len = UR_TAKE(arena, int, B);
		blocks = UR_TAKE(arena, unsigned char, 2 * size * (size_t)B);
		q->border = UR_TAKE(arena, unsigned char, (size_t)(chunks - 1) * (size_t)B * q->border_bytes);
		for (int b = 0; b < B && blocks; b++) {
			q->now[b] = blocks + 2 * size * (size_t)b;
			q->dnow[b] = blocks + 2 * size * (size_t)b + size;
		}
	}
	q->bytes = arena->used - before;
	ur_net_plan(net, m, c, q->C, B, 1, chunks > 1 ? UR_STATES_STILL : carries, arena);
	ur_backward_plan(back, net, arena);
}

/* The states before the first step. */
static void begin(const ur_chunked *q, const ur_pass *pass)
{
	const ur_model *m = q->net->m;

	for (int b = 0; b < pass->B; b++) {
		if (pass->state) {
			ur_model_state_copy(m, q->now[b], pass->state[b]);
			continue;
		}
		for (int i = 0; i < m->stack.layers; i++) {
			const ur_layer *l = &m->stack.layer[i];
			void *state = ur_model_state_of(m, q->now[b], i);

			if (set_back(l))
				l->kind->rewind(&l->dims, state, 0);
			else
				memset(state, 0, ur_layer_state(l));
		}
		*ur_model_position(q->now[b]) = 0;
	}
}

/* The states as the chunk began with them; `first` is the position of the pass's first step. */
static void put_back(const ur_chunked *q, const ur_pass *pass, int chunk, int64_t first)
{
	const ur_model *m = q->net->m;
	const int64_t from = (int64_t)chunk * q->C;

	for (int b = 0; b < pass->B; b++) {
		const int64_t seen = pass->len && pass->len[b] < from ? pass->len[b] : from;
		const unsigned char *kept = q->border + ((size_t)chunk * (size_t)q->B + (size_t)b) * q->border_bytes;

		for (int i = 0; i < m->stack.layers; i++) {
			const ur_layer *l = &m->stack.layer[i];
			void *state = ur_model_state_of(m, q->now[b], i);

			if (set_back(l)) {
				l->kind->rewind(&l->dims, state, first + seen);
			} else {
				memcpy(state, kept, ur_layer_state(l));
				kept += ur_layer_state(l);
			}
		}
	}
}

static void keep(const ur_chunked *q, const ur_pass *pass, int chunk)
{
	const ur_model *m = q->net->m;

	for (int b = 0; b < pass->B; b++) {
		unsigned char *to = q->border + ((size_t)chunk * (size_t)q->B + (size_t)b) * q->border_bytes;

		for (int i = 0; i < m->stack.layers; i++) {
			const ur_layer *l = &m->stack.layer[i];

			if (set_back(l))
				continue;
			memcpy(to, ur_model_state_of(m, q->now[b], i), ur_layer_state(l));
			to += ur_layer_state(l);
		}
	}
}

/* One chunk of the pass, its states at `position`. */
static ur_pass piece(const ur_chunked *q, const ur_pass *pass, int chunk, int64_t position)
{
	const int from = chunk * q->C;
	const size_t rows = (size_t)from * (size_t)pass->B;
	ur_pass p = *pass;

	p.T = pass->T - from < q->C ? pass->T - from : q->C;
	if (p.ids)
		p.ids += rows;
	if (p.values)
		p.values += rows * (size_t)q->net->m->ports->in.n;
	p.first += from;
	p.state = q->now;
	for (int b = 0; b < pass->B; b++) {
		/* where a sequence ends the others go on: positions are the batch's */
		*ur_model_position(q->now[b]) = position;
		if (pass->len) {
			const int rest = pass->len[b] > from ? pass->len[b] - from : 0;
			q->len[b] = rest < p.T ? rest : p.T;
		}
	}
	p.len = pass->len ? q->len : NULL;
	return p;
}

/* No later step has a say in the last states. */
static void no_gradient(const ur_chunked *q, const ur_pass *pass)
{
	const ur_model *m = q->net->m;

	for (int b = 0; b < pass->B; b++)
		for (int i = 0; i < m->stack.layers; i++) {
			const ur_layer *l = &m->stack.layer[i];
			memset(ur_model_state_of(m, q->dnow[b], i), 0,
			       l->kind->state_used(&l->dims, ur_model_state_of(m, q->now[b], i)));
		}
}

double ur_chunked_pass(ur_chunked *q, const ur_pass *pass, const ur_aim *aim)
{
	const int last = ur_chunk_count(pass->T, q->C) - 1;
	int64_t first;
	double sum = 0;

	if (q->chunks == 1) {
		ur_net_forward(q->net, pass);
		return ur_net_backward(q->back, pass, aim);
	}
	begin(q, pass);
	first = *ur_model_position(q->now[0]);
	for (int i = 0; i <= last; i++) {
		const ur_pass p = piece(q, pass, i, first + (int64_t)i * q->C);
		if (i < last)
			keep(q, pass, i);
		ur_net_forward(q->net, &p);
	}
	for (int b = 0; pass->state && b < pass->B; b++) {
		*ur_model_position(q->now[b]) = *ur_model_position(pass->state[b]) + (pass->len ? pass->len[b] : pass->T);
		ur_model_state_copy(q->net->m, pass->state[b], q->now[b]);
	}
	no_gradient(q, pass);
	for (int i = last; i >= 0; i--) {
		const int64_t position = first + (int64_t)i * q->C;
		const size_t rows = (size_t)i * (size_t)q->C * (size_t)pass->B;
		ur_aim part = *aim;
		ur_pass p;

		if (i < last)
			put_back(q, pass, i, first);
		p = piece(q, pass, i, position);
		if (i < last)
			ur_net_forward(q->net, &p);
		if (part.targets)
			part.targets += rows;
		if (part.values)
			part.values += rows * (size_t)q->net->m->V;
		part.dstate = q->dnow;
		sum += ur_net_backward(q->back, &p, &part);
	}
	return sum;
}
