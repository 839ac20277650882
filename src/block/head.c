/* Head and loss: loss(row) = -log softmax(x W^T + b)[target]; d logits = (softmax - onehot) weight, where smoothing s
 * makes of onehot (1 - s) onehot + s / V. Of values: loss(row) = |x W^T + b - values|^2.
 * Logits are worked out for a stretch of rows at a time and used at once: for them the gradient of x, then that of W.
 * A vocabulary of 33,000 over 4,096 rows would be half a gigabyte of logits otherwise. */
#include "block/block.h"

#include <string.h>

enum { MOST_LOGITS = 2 << 20 };

static int stretch(int V, int rows)
{
	int n = MOST_LOGITS / V;
	if (n < UR_CHUNK)
		n = UR_CHUNK;
	return n < rows ? n : rows;
}

size_t ur_head_work(int V, int rows) { return (size_t)stretch(V, rows) * (size_t)V; }

struct head_job { const ur_ctx *c; const ur_head_call *q; int first; };

/* What smoothing changes of one row's gradient. */
static void smooth(const ur_head_call *q, float *row, int target)
{
	const float all = q->weight * q->smoothing / (float)q->V;

	for (int i = 0; i < q->V; i++)
		row[i] -= all;
	row[target] += q->weight * q->smoothing;
}

/* The loss of one row of values; said becomes its gradient. */
static double squares(const ur_head_call *q, const float *target, float *said)
{
	double sum = 0;

	for (int i = 0; i < q->V; i++) {
		const float off = target[i] == target[i] ? said[i] - target[i] : 0; /* NaN: not scored */
		sum += (double)off * (double)off;
		said[i] = 2 * q->weight * off;
	}
	return sum;
}

static void loss_rows(void *arg, int from, int to, int thread)
{
	const struct head_job *j = arg;
	const ur_head_call *q = j->q;
	const ur_kernels *k = j->c->k;
	float *logits = q->work + (size_t)from * (size_t)q->V;
	(void)thread;

	from += j->first;
	to += j->first;
	ur_linear_serial(k, to - from, q->w, q->bias, q->x + (size_t)from * (size_t)q->D, q->D, logits, q->V, 0);
	for (int r = from; r < to; r++) {
		float *row = logits + (size_t)(r - from) * (size_t)q->V;
		q->losses[r] = 0;
		if (q->values) {
			q->losses[r] = squares(q, q->values + (size_t)r * (size_t)q->V, row);
		} else if (q->targets[r] >= 0) {
			q->losses[r] = k->cross_entropy(q->V, row, q->targets[r], q->weight);
			if (q->weight != 0 && q->smoothing > 0)
				smooth(q, row, q->targets[r]);
		} else {
			memset(row, 0, (size_t)q->V * sizeof *row);
		}
	}
	if (q->weight != 0)
		k->product[UR_F32](&(ur_product){ .M = to - from, .N = q->D, .K = q->V, .blocks = 1, .A = logits, .row = q->V,
			.col = 1, .panels = q->w->panels_t, .p1 = ur_panel_count(k, q->D, 1),
			.C = q->dx + (size_t)from * (size_t)q->D, .ldc = q->D });
}

void ur_head_loss(const ur_ctx *c, const ur_head_call *q)
{
	int n = stretch(q->V, q->rows);

	for (int first = 0; first < q->rows; first += n) {
		int rows = q->rows - first < n ? q->rows - first : n;
		struct head_job j = { c, q, first };
		ur_for_chunks(c, rows, loss_rows, &j);
		if (q->weight != 0)
			ur_linear_grad(c, rows, q->V, q->D, q->work, q->V, q->x + (size_t)first * (size_t)q->D, q->D, q->dw,
			               q->dbias);
	}
}
