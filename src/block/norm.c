/* Normalisation over the width of a row.
 * Layer norm: y = (x - mean) / sqrt(var + eps) g + b. RMS norm: y = x / sqrt(mean(x^2) + eps) g. */
#include "block/block.h"

static void layer_row(const ur_kernels *k, int D, float eps, const float *x, const float *g, const float *b, float *y,
                      float *stats)
{
	k->layernorm(D, eps, x, g, b, y, stats);
}

static void layer_row_back(const ur_kernels *k, int D, const float *x, const float *g, const float *stats,
                           const float *dy, float *dx)
{
	k->layernorm_back(D, x, g, stats, dy, dx);
}

static void rms_row(const ur_kernels *k, int D, float eps, const float *x, const float *g, const float *b, float *y,
                    float *stats)
{
	(void)b;
	k->rmsnorm(D, eps, x, g, y, stats);
}

static void rms_row_back(const ur_kernels *k, int D, const float *x, const float *g, const float *stats,
                         const float *dy, float *dx)
{
	k->rmsnorm_back(D, x, g, stats, dy, dx);
}

const ur_norm ur_norm_layer = { "layer", 1e-5f, 2, layer_row, layer_row_back };
const ur_norm ur_norm_rms = { "rms", 1e-5f, 1, rms_row, rms_row_back };

int ur_norm_params(const ur_norm *n, int D, ur_param p[UR_BLOCK_PARAMS])
{
	p[0] = (ur_param){ .name = "weight", .rows = D, .init = UR_INIT_ONE };
	p[1] = (ur_param){ .name = "bias", .rows = D, .init = UR_INIT_ZERO };
	return n->params;
}

struct norm_job {
	const ur_ctx *c;
	const ur_norm *n;
	int D, rows, add;
	const ur_mat *w;
	const float *x, *stats_in, *dy;
	float *y, *stats, *dx, *work;
	float *const *dw;
};

static void forward_rows(void *arg, int from, int to, int thread)
{
	const struct norm_job *j = arg;
	(void)thread;
	for (int r = from; r < to; r++)
		j->n->row(j->c->k, j->D, j->n->eps, j->x + (size_t)r * (size_t)j->D, j->w[0].data,
		          j->n->params > 1 ? j->w[1].data : NULL, j->y + (size_t)r * (size_t)j->D, j->stats + 2 * (size_t)r);
}

void ur_norm_forward(const ur_ctx *c, const ur_norm *n, int D, const ur_mat *w, int rows, const float *x, float *y,
                     float *stats)
{
	struct norm_job j = { .c = c, .n = n, .D = D, .w = w, .x = x, .y = y, .stats = stats };
	ur_for_chunks(c, rows, forward_rows, &j);
}

/* Gains and biases: each task a range of columns over all rows in order. */
enum { COLUMNS = 32 };

static void gain_task(void *arg, int task, int thread)
{
	const struct norm_job *j = arg;
	int from = task * COLUMNS, n = j->D - from < COLUMNS ? j->D - from : COLUMNS;
	(void)thread;
	j->c->k->norm_gain_back(j->rows, n, j->D, j->x + from, j->stats_in, j->dy + from, j->dw[0] + from);
	if (j->n->params > 1)
		j->c->k->column_sums(j->rows, n, j->dy + from, j->D, j->dw[1] + from);
}

void ur_norm_gains(const ur_ctx *c, const ur_norm *n, int D, int rows, const float *x, const float *stats,
                   const float *dy, float *const *dw)
{
	struct norm_job j = { .c = c, .n = n, .D = D, .rows = rows, .x = x, .stats_in = stats, .dy = dy, .dw = dw };
	ur_pool_run(c->pool, (D + COLUMNS - 1) / COLUMNS, gain_task, &j);
}

static void backward_rows(void *arg, int from, int to, int thread)
{
	const struct norm_job *j = arg;
	const ur_kernels *k = j->c->k;
	float *row = j->add ? j->work + (size_t)thread * (size_t)j->D : NULL;

	for (int r = from; r < to; r++) {
		size_t at = (size_t)r * (size_t)j->D;
		float *out = j->add ? row : j->dx + at;
		j->n->row_back(k, j->D, j->x + at, j->w[0].data, j->stats_in + 2 * (size_t)r, j->dy + at, out);
		if (j->add)
			k->add(j->D, row, j->dx + at);
	}
}

size_t ur_norm_work(int D, int threads) { return (size_t)D * (size_t)threads; }

void ur_norm_backward(const ur_ctx *c, const ur_norm *n, int D, const ur_mat *w, int rows, const float *x,
                      const float *stats, const float *dy, float *dx, int add, float *const *dw, float *work)
{
	struct norm_job j = { .c = c, .n = n, .D = D, .add = add, .w = w, .x = x, .stats_in = stats, .dy = dy,
	                      .dx = dx, .work = work };
	ur_norm_gains(c, n, D, rows, x, stats, dy, dw);
	ur_for_chunks(c, rows, backward_rows, &j);
}
