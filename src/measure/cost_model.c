#include "measure/cost_model.h"

#include "measure/slot_calls.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PART = 16 };     /* values of the smallest part of a call */

/* Where x lies between two points of a rising grid, in logs: *at and the share of the next one; beyond it, the line of
 * its last two points goes on. */
static double between(int points, const int *grid, double x, int *at)
{
	int i = 0;

	while (i + 2 < points && x >= grid[i + 1])
		i++;
	*at = i;
	return (log(x) - log(grid[i])) / (log(grid[i + 1]) - log(grid[i]));
}

static double product_seconds(const ur_rates *r, double rows, double columns, double depth)
{
	const double most = r->rows[UR_RATE_ROWS - 1];
	double at[3], sum = 0, times = 1;
	int from[3];

	if (rows < 1 || columns < 1 || depth < 1)
		return 0;
	if (rows > most) { /* rows by rows from there on */
		times = rows / most;
		rows = most;
	}
	at[0] = between(UR_RATE_ROWS, r->rows, rows, &from[0]);
	at[1] = between(UR_RATE_PANELS, r->panels, ceil(columns / r->nr), &from[1]);
	at[2] = between(UR_RATE_DEPTHS, r->depths, depth, &from[2]);
	for (int corner = 0; corner < 8; corner++) {
		double share = 1;
		int i[3];

		for (int d = 0; d < 3; d++) {
			i[d] = from[d] + (corner >> d & 1);
			share *= corner >> d & 1 ? at[d] : 1 - at[d];
		}
		sum += share * r->product[i[0]][i[1]][i[2]];
	}
	return times * exp(sum);
}

static int is_product(ur_slot slot)
{
	return slot == UR_SLOT_PRODUCT_F32 || slot == UR_SLOT_PRODUCT_BF16 || slot == UR_SLOT_PRODUCT_I8;
}

double ur_rates_call(const ur_rates *r, const ur_slot_call *call)
{
	const ur_slot_rate *rate = &r->slot[call->slot];
	double seconds = r->between;

	for (int i = 0; i < UR_FARS; i++)
		seconds += (double)call->far[i] * r->beyond[i];
	if (is_product(call->slot))
		return seconds + r->product_more + product_seconds(r, call->rows, (double)call->n, call->K);
	return seconds + rate->call + call->rows * (rate->row + rate->value * (double)call->n);
}

/* The smallest part that a call can be split into. */
static double smallest(const ur_rates *r, const ur_slot_call *call)
{
	ur_slot_call part = *call;

	memset(part.far, 0, sizeof part.far);
	part.rows = call->rows < 1 ? call->rows : 1;
	if (is_product(call->slot))
		part.n = part.n < r->nr ? part.n : r->nr;
	else
		part.n = part.n < PART ? part.n : PART;
	return ur_rates_call(r, &part);
}

/* -- measuring -- */

/* Seconds a byte of reading a buffer again and again, by its size, beyond what the smallest takes. */
static int measure_beyond(const ur_kernels *k, ur_rates *out)
{
	enum { MOST = 64 << 20, RUN = 4 << 20 };
	ur_arena memory = { 0 };
	double sum = 0;
	float *x;

	(void)UR_TAKE(&memory, char, MOST);
	if (!ur_arena_open(&memory))
		return 0;
	x = UR_TAKE(&memory, float, MOST / sizeof(float));
	k->fill(1, MOST / (int)sizeof(float), 0.5f, x, MOST / (int)sizeof(float));
	for (int i = 0; i < UR_FARS; i++) {
		const size_t bytes = i == UR_FARS - 1 ? MOST : (size_t)(0.7 * ur_far[i]) / 4096 * 4096;
		const int times = bytes < RUN ? (int)(RUN / bytes) : 1;
		double best = INFINITY;

		for (int run = 0; run < 4; run++) {
			double start = ur_thread_clock();
			for (int t = 0; t < times; t++)
				sum += k->sum_squares(bytes / sizeof(float), x);
			if (run)
				best = fmin(best, (ur_thread_clock() - start) / ((double)bytes * times));
		}
		out->beyond[i] = best;
	}
	for (int i = UR_FARS - 1; i >= 0; i--)
		out->beyond[i] = fmax(0, out->beyond[i] - out->beyond[0]);
	ur_arena_close(&memory);
	return sum > 0;
}

struct kinds { double products, others; };

static void count_kind(void *arg, const ur_slot_call *call)
{
	struct kinds *k = arg;

	if (is_product(call->slot))
		k->products++;
	else
		k->others++;
}

/* What small mixers take beyond their kernels, by call and by product: the least squares of what is left of each's
 * time, relative to it, over those that need no encoder. */
static ur_status measure_between(const ur_ctx *c, ur_rates *out, ur_err *err)
{
	enum { T = 64, TIMES = 40, RUNS = 5 };
	double pp = 0, po = 0, oo = 0, pl = 0, ol = 0, product, other;

	for (int i = 0; ur_mixer_forwards[i / 2]; i++) {
		const ur_mixer_forward *f = ur_mixer_forwards[i / 2];
		const int width = i % 2 ? 64 : 32;
		const ur_rig_spec spec = { .forward = f, .dims = ur_rig_dims(f->mixer, width), .T = T, .B = 1 };
		ur_rig_spec dry = spec;
		struct kinds calls = { 0, 0 };
		double best = INFINITY, seconds, left;
		ur_count count;
		ur_status status;
		ur_rig rig;

		if (f->mixer->flags & UR_READS_MEMORY)
			continue;
		dry.empty = 1;
		status = ur_predict(out, f, NULL, &spec.dims, T, 1, UR_PASS_FORWARD, &seconds, err);
		if (!status)
			status = ur_count_rig(&dry, UR_COUNT_DRY | UR_COUNT_TALLY, count_kind, &calls, &count, err);
		if (!status)
			status = ur_rig_open(&rig, &spec, c, err);
		if (status)
			return status;
		for (int run = 0; run < RUNS; run++) {
			double start = ur_thread_clock();
			for (int t = 0; t < TIMES; t++)
				ur_rig_run(&rig);
			best = fmin(best, (ur_thread_clock() - start) / TIMES);
		}
		ur_rig_close(&rig);
		calls.products /= best;
		calls.others /= best;
		left = 1 - seconds / best;
		pp += calls.products * calls.products;
		po += calls.products * calls.others;
		oo += calls.others * calls.others;
		pl += calls.products * left;
		ol += calls.others * left;
	}
	product = (pl * oo - ol * po) / (pp * oo - po * po);
	other = (ol * pp - pl * po) / (pp * oo - po * po);
	if (!(other >= 0)) {
		other = 0;
		product = pl / pp;
	}
	if (!(product >= other)) { /* no call without what every call has */
		product = other = fmax(0, (pl + ol) / (pp + 2 * po + oo));
	}
	out->between = other;
	out->product_more = product - other;
	return UR_OK;
}

ur_status ur_rates_measure(const ur_ctx *c, ur_rates *out, ur_err *err)
{
	static const int rows[UR_RATE_ROWS] = { 1, 2, 4, 6, 12, 24, 32, 48, 96, 120 };
	static const int panels[UR_RATE_PANELS] = { 1, 4, 16, 64, 128 }, depths[UR_RATE_DEPTHS] = { 8, 32, 128, 512 };
	double start = ur_clock();
	ur_slot_room *room;
	ur_status status;

	*out = (ur_rates){ .nr = c->k->nr, .mr = c->k->mr };
	for (int i = 0; i < UR_RATE_ROWS; i++)
		out->rows[i] = rows[i];
	for (int i = 0; i < UR_RATE_PANELS; i++)
		out->panels[i] = panels[i] * 16 / c->k->nr > i ? panels[i] * 16 / c->k->nr : i + 1;
	for (int i = 0; i < UR_RATE_DEPTHS; i++)
		out->depths[i] = depths[i];
	room = ur_slot_room_open(c->k, rows[UR_RATE_ROWS - 1], out->panels[UR_RATE_PANELS - 1], depths[UR_RATE_DEPTHS - 1]);
	if (!room)
		return ur_fail(err, UR_E_NOMEM, "no memory to time kernels with");
	for (int i = 0; i < UR_RATE_ROWS; i++)
		for (int p = 0; p < UR_RATE_PANELS; p++)
			for (int d = 0; d < UR_RATE_DEPTHS; d++)
				out->product[i][p][d] = log(ur_slot_time(room, UR_SLOT_PRODUCT_F32, rows[i],
				                                         out->panels[p] * c->k->nr, depths[d]));
	for (int s = 0; s < UR_SLOTS; s++) {
		ur_slot_rate *rate = &out->slot[s];
		double few, more, rows_few = 0, rows_more = 0;

		if (is_product((ur_slot)s))
			continue;
		few = ur_slot_time(room, (ur_slot)s, 1, 32, 0);
		more = ur_slot_time(room, (ur_slot)s, 1, 512, 0);
		rate->value = fmax(0, (more - few) / 480);
		if (ur_slot_has_rows((ur_slot)s)) {
			rows_few = ur_slot_time(room, (ur_slot)s, 16, 32, 0);
			rows_more = ur_slot_time(room, (ur_slot)s, 16, 256, 0);
			rate->value = fmax(0, (rows_more - rows_few) / (16 * 224));
			rate->row = fmax(0, (rows_few - few) / 15 - 32 * rate->value);
		}
		rate->call = fmax(0, few - rate->row - 32 * rate->value);
	}
	ur_slot_room_close(room);
	if (!measure_beyond(c->k, out))
		return ur_fail(err, UR_E_NOMEM, "no memory to time memory with");
	status = measure_between(c, out, err);
	out->seconds = ur_clock() - start;
	return status;
}

/* -- predicting -- */

/* Products of the same shape come again and again: their last answers. */
enum { REMEMBERED = 256 };

struct sum {
	const ur_rates *r;
	double seconds, touched, first;
	struct { int rows, K; int64_t n; double seconds; } known[REMEMBERED];
	/* by level, for units */
	struct level { double work, least; } *level;
	int levels, room, failed;
};

static double seconds_of(struct sum *s, const ur_slot_call *call)
{
	const size_t at = ((size_t)call->rows * 31 + (size_t)call->n * 7 + (size_t)call->K) % REMEMBERED;

	double far = 0;

	if (!is_product(call->slot))
		return ur_rates_call(s->r, call);
	for (int i = 0; i < UR_FARS; i++)
		far += (double)call->far[i] * s->r->beyond[i];
	if (s->known[at].rows != call->rows || s->known[at].K != call->K || s->known[at].n != call->n) {
		s->known[at].rows = call->rows;
		s->known[at].K = call->K;
		s->known[at].n = call->n;
		s->known[at].seconds = ur_rates_call(s->r, call) - far;
	}
	return s->known[at].seconds + far;
}

static void add_call(void *arg, const ur_slot_call *call)
{
	struct sum *s = arg;

	s->seconds += seconds_of(s, call);
	s->touched += call->bytes;
	s->first += (double)call->first;
}

static ur_rig_spec spec_of(const ur_mixer_forward *forward, const ur_mixer_backward *backward, const ur_dims *dims,
                           int T, int B, ur_rig_pass pass)
{
	return (ur_rig_spec){ .forward = forward, .backward = backward, .dims = *dims, .T = T, .B = B, .pass = pass,
	                      .empty = 1 };
}

ur_status ur_predict(const ur_rates *r, const ur_mixer_forward *forward, const ur_mixer_backward *backward,
                     const ur_dims *dims, int T, int B, ur_rig_pass pass, double *seconds, ur_err *err)
{
	const ur_rig_spec spec = spec_of(forward, backward, dims, T, B, pass);
	struct sum s = { .r = r };
	ur_count count;
	ur_status status = ur_count_rig(&spec, UR_COUNT_DRY | UR_COUNT_TALLY | UR_COUNT_REUSE, add_call, &s, &count, err);
	int i = 0;

	/* calls follow each other: what one touches first, the one before it touched as long ago as a call takes */
	while (s.touched >= ur_far[i])
		i++;
	*seconds = s.seconds + s.first * r->beyond[i];
	return status;
}

static void add_level(void *arg, const ur_slot_call *call)
{
	struct sum *s = arg;
	const double least = smallest(s->r, call);

	if (call->depth > s->room) {
		const int room = 2 * call->depth + 1024;
		struct level *more = realloc(s->level, (size_t)room * sizeof *more);

		if (!more) {
			s->failed = 1;
			return;
		}
		for (int i = s->room; i < room; i++)
			more[i] = (struct level){ 0, 0 };
		s->level = more;
		s->room = room;
	}
	if (call->depth > s->levels)
		s->levels = call->depth;
	s->level[call->depth - 1].work += seconds_of(s, call);
	s->level[call->depth - 1].least = fmax(s->level[call->depth - 1].least, least);
}

ur_status ur_predict_units(const ur_rates *r, const ur_mixer_forward *forward, const ur_mixer_backward *backward,
                           const ur_dims *dims, int T, int B, ur_rig_pass pass, int n, const double *units,
                           double *seconds, ur_err *err)
{
	const ur_rig_spec spec = spec_of(forward, backward, dims, T, B, pass);
	struct sum s = { .r = r };
	ur_count count;
	ur_status status = ur_count_rig(&spec, UR_COUNT_DRY, add_level, &s, &count, err);

	if (!status && s.failed)
		status = ur_fail(err, UR_E_NOMEM, "no memory for %lld levels of calls", (long long)count.chain);
	for (int i = 0; i < n; i++) {
		seconds[i] = 0;
		for (int l = 0; l < s.levels; l++)
			seconds[i] += fmax(s.level[l].work / units[i], s.level[l].least);
	}
	free(s.level);
	return status;
}
