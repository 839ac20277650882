/* What the cost experiment measures, in order: predictions, memory, sameness, one head, layers, the long one. */
#include "base/machine.h"
#include "lab/cost_parts.h"
#include "lab/materialised.h"
#include "lab/rigs.h"
#include "mixer/attention_tile.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

enum { MOST_T = 8, TOKENS = 8192, FIRST = 8192, NEAR = 2048, MEMORY_WIDTH = 256 };

/* Lengths and widths, each list ending with 0. */
typedef struct plan {
	int memory[MOST_T], core[MOST_T], forward[MOST_T], training[MOST_T], step[MOST_T], width[MOST_T];
	int far, heads, same;
	double each;                            /* seconds to spend on the short ones of a curve */
} plan;

static const plan *plan_of(const ur_lab *lab)
{
	static const plan plans[] = {
		[UR_LAB_QUICK] = { { 512, 1024, 2048, 3072, 4096 }, { 512, 1024, 2048, 4096 }, { 512, 1024, 2048, 4096 },
		                   { 128, 512, 2048 }, { 512, 2048, 8192 }, { 64 }, 16384, 1, 1024, 0.8 },
		[UR_LAB_DEFAULT] = { { 512, 1024, 2048, 4096, 8192 }, { 512, 1024, 2048, 4096, 8192 },
		                     { 512, 1024, 2048, 4096, 8192 }, { 128, 512, 2048, 8192, 32768 },
		                     { 512, 2048, 8192, 32768 }, { 64, 128 }, UR_COST_FAR, 1, 4096, 2.5 },
		[UR_LAB_FULL] = { { 512, 1024, 2048, 4096, 8192, 16384 }, { 512, 1024, 2048, 4096, 8192, 16384 },
		                  { 512, 1024, 2048, 4096, 8192, 16384 }, { 128, 512, 2048, 8192, 32768 },
		                  { 512, 2048, 8192, 32768, UR_COST_FAR }, { 64, 128, 256 }, UR_COST_FAR, 8, 4096, 4 },
	};
	return &plans[lab->size];
}

/* -- memory -- */

/* Whether a matrix of scores leaves most of the memory to others. */
static int fits(int T)
{
	const int64_t memory = ur_memory_free();
	return memory < 0 || (double)T * T * sizeof(float) < (double)memory / 4;
}

/* What the process grew by at most while run(arg) ran, where the system tells; then *resident is 1. */
static double grown(void (*run)(void *), void *arg, int *resident)
{
	const int resets = ur_memory_peak_reset();
	const int64_t before = ur_memory_peak();

	run(arg);
	*resident = resets && before >= 0;
	return *resident ? (double)(ur_memory_peak() - before) : 0;
}

/* Huge pages would make the neighbours of what is touched resident too, 2 MB at a time. */
static int huge_pages(int off)
{
	const int was = prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0);

	(void)prctl(PR_SET_THP_DISABLE, off > 0, 0, 0, 0);
	return was;
}

static void run_pass(void *rig) { ur_rig_run(rig); }

ur_status ur_cost_memory(const ur_lab_mixer *m, const ur_ctx *ctx, int width, int T, double *bytes, int *resident,
                         ur_err *err)
{
	const ur_rig_spec spec = ur_lab_layer(m, width, T, 1, UR_PASS_FORWARD);
	const int huge = huge_pages(1);
	ur_rig rig;
	ur_status status = ur_rig_open(&rig, &spec, ctx, err);
	double out, floats;

	if (status) {
		(void)huge_pages(huge);
		return status;
	}
	/* the output is first touched by the pass */
	out = (double)T * width * sizeof(float);
	floats = (double)m->forward->need(ctx, &rig.spec.dims, &rig.span).forward;
	*bytes = grown(run_pass, &rig, resident) - out;
	(void)huge_pages(huge);
	if (!*resident)
		*bytes = floats * sizeof(float);
	ur_rig_close(&rig);
	return UR_OK;
}

/* One head: q, k, v (between -1 and 1) and out, and the working memory of either form. */
typedef struct head {
	const ur_ctx *ctx;
	int T, heads;
	float *qkv, *out, *work;
	ur_arena memory;
} head;

static ur_status head_open(head *h, const ur_ctx *ctx, int T, int heads, size_t work, ur_err *err)
{
	const size_t n = (size_t)T * (size_t)heads * UR_COST_HEAD;

	*h = (head){ .ctx = ctx, .T = T, .heads = heads };
	for (int pass = 0; pass < 2; pass++) {
		if (pass && !ur_arena_open(&h->memory))
			return ur_fail(err, UR_E_NOMEM, "attention at T = %d: no memory for %zu bytes; ask for less", T,
			               (3 * n + n + work) * sizeof(float));
		h->qkv = UR_TAKE(&h->memory, float, 3 * n);
		h->out = UR_TAKE(&h->memory, float, n);
		h->work = UR_TAKE(&h->memory, float, work);
	}
	for (size_t i = 0; i < 3 * n; i++)
		h->qkv[i] = (float)((int)(i * 2654435761u >> 7 & 1023) - 512) / 512;
	memset(h->out, 0, n * sizeof *h->out);
	return UR_OK;
}

static void run_scores(void *arg)
{
	head *h = arg;
	const size_t n = (size_t)h->T * UR_COST_HEAD;

	ur_materialised_forward(h->ctx, &(ur_materialised){ .T = h->T, .E = UR_COST_HEAD, .q = h->qkv, .k = h->qkv + n,
		.v = h->qkv + 2 * n, .out = h->out, .ld = UR_COST_HEAD }, h->work);
}

static ur_attention tiles_of(const head *h)
{
	const int D = h->heads * UR_COST_HEAD;
	const size_t n = (size_t)h->T * (size_t)D;

	return (ur_attention){ .T = h->T, .B = 1, .heads = h->heads, .kv_heads = h->heads, .E = UR_COST_HEAD, .q = h->qkv,
	                       .k = h->qkv + n, .v = h->qkv + 2 * n, .ld = D, .out = h->out, .ldo = D };
}

static void run_tiles(void *arg)
{
	const head *h = arg;
	const ur_attention a = tiles_of(h);

	ur_attention_forward(h->ctx, &a, h->work);
}

static size_t tiles_work(const ur_ctx *ctx, int T, int heads)
{
	const ur_attention a = tiles_of(&(head){ .T = T, .heads = heads });
	return ur_attention_work(ctx, &a);
}

ur_status ur_cost_memory_of_scores(const ur_ctx *ctx, int T, double *bytes, int *resident, ur_err *err)
{
	const size_t work = ur_materialised_work(ctx->k, T, UR_COST_HEAD);
	const int huge = huge_pages(1);
	head h;
	ur_status status = head_open(&h, ctx, T, 1, work, err);

	if (!status)
		*bytes = grown(run_scores, &h, resident);
	(void)huge_pages(huge);
	if (status)
		return status;
	if (!*resident)
		*bytes = (double)work * sizeof(float);
	ur_arena_close(&h.memory);
	return UR_OK;
}

ur_status ur_cost_apart(const ur_ctx *ctx, int T, int window, double *most, ur_err *err)
{
	const size_t n = (size_t)T * UR_COST_HEAD, scores = ur_materialised_work(ctx->k, T, UR_COST_HEAD);
	const size_t tiles = tiles_work(ctx, T, 1);
	ur_attention a;
	float *kept;
	head h;
	/* room for what the matrix gave, behind the working memory of either */
	ur_status status = head_open(&h, ctx, T, 1, (scores > tiles ? scores : tiles) + n, err);

	if (status)
		return status;
	kept = h.work + (scores > tiles ? scores : tiles);
	run_scores(&h);
	memcpy(kept, h.out, n * sizeof *kept);
	a = tiles_of(&h);
	a.window = window;
	ur_attention_forward(ctx, &a, h.work);
	*most = 0;
	for (size_t i = 0; i < n; i++) {
		const double apart = fabs((double)kept[i] - (double)h.out[i]);
		if (!(apart <= *most))
			*most = isfinite(apart) ? apart : FLT_MAX;      /* what JSON can hold */
	}
	ur_arena_close(&h.memory);
	return UR_OK;
}

/* -- curves -- */

static json_t *numbers(const int *T)
{
	json_t *list = json_array();

	for (int i = 0; i < MOST_T && T[i]; i++)
		json_array_append_new(list, json_integer(T[i]));
	return list;
}

/* A curve without values; `processor`: of one thread, whose own seconds count. */
static json_t *curve_of(const ur_lab *lab, int width, const int *T, int processor)
{
	json_t *each = json_object();

	for (int i = 0; i < ur_lab_mixer_count(lab); i++)
		json_object_set_new(each, lab->mixer[i].name,
		                    json_pack("{s:b}", "grows", (lab->mixer[i].forward->mixer->flags & UR_STATE_GROWS) != 0));
	return json_pack("{s:i,s:i,s:b,s:o,s:{},s:o}", "width", width, "tokens", TOKENS, "processor", processor, "T",
	                 numbers(T), "of", "mixers", each);
}

static void put(json_t *curve, const char *name, json_t *value)
{
	json_t *of = json_object_get(curve, "of"), *list = json_object_get(of, name);

	if (!list) {
		list = json_array();
		json_object_set_new(of, name, list);
	}
	json_array_append_new(list, value ? value : json_null());
}

static ur_status memory(ur_lab *lab, const plan *p, ur_err *err)
{
	const int width = MEMORY_WIDTH;
	ur_status status;
	int resident = 1, told;
	double bytes;
	json_t *curve;

	if (ur_lab_recall(lab, &status, err, "memory") || status)
		return status;
	if (!(curve = curve_of(lab, width, p->memory, 0)))
		return ur_fail(err, UR_E_NOMEM, "out of memory for a curve");
	for (int i = -1; i < MOST_T && !status && (i < 0 || p->memory[i]); i++) {
		/* a first one that does not count touches what threads keep */
		const int T = p->memory[i < 0 ? 0 : i];

		status = ur_lab_say(lab, -1, err, "memory at T = %d", T);
		for (int m = 0; m < ur_lab_mixer_count(lab) && !status; m++)
			if (!(status = ur_cost_memory(&lab->mixer[m], lab->ctx, width, T, &bytes, &told, err)) && i >= 0) {
				put(curve, lab->mixer[m].name, json_real(bytes));
				resident = resident && told;
			}
		bytes = NAN;
		if (!status && fits(T) && !(status = ur_cost_memory_of_scores(lab->ctx, T, &bytes, &told, err)))
			resident = resident && told;
		if (i >= 0)
			put(curve, "scores", bytes > 0 ? json_real(bytes) : json_null());
	}
	if (!status)
		json_object_set_new(curve, "resident", json_boolean(resident));
	else
		json_decref(curve);
	return status ? status : ur_lab_keep(lab, curve, err, "memory");
}

static ur_status same(ur_lab *lab, const plan *p, ur_err *err)
{
	ur_status status;
	double most;

	if (ur_lab_recall(lab, &status, err, "same") || status)
		return status;
	if ((status = ur_lab_say(lab, -1, err, "whether tiles give what the matrix gives")) ||
	    (status = ur_cost_apart(lab->ctx, p->same, 0, &most, err)))
		return status;
	return ur_lab_keep(lab, json_pack("{s:i,s:f}", "T", p->same, "most", most), err, "same");
}

static ur_status core(ur_lab *lab, const plan *p, ur_err *err)
{
	head h[MOST_T];
	ur_timed thing[2 * MOST_T];
	ur_times times[2 * MOST_T];
	ur_status status;
	json_t *curve;
	int open = 0;

	if (ur_lab_recall(lab, &status, err, "core") || status)
		return status;
	if (!(curve = curve_of(lab, UR_COST_HEAD, p->core, 1)))
		return ur_fail(err, UR_E_NOMEM, "out of memory for a curve");
	if (!(status = ur_lab_say(lab, -1, err, "one head, with its scores and in tiles")))
		for (; open < MOST_T && p->core[open] && fits(p->core[open]) && !status; open += !status) {
			const int T = p->core[open];
			const size_t scores = ur_materialised_work(lab->one->k, T, UR_COST_HEAD);
			const size_t tiles = tiles_work(lab->one, T, 1);

			status = head_open(&h[open], lab->one, T, 1, scores > tiles ? scores : tiles, err);
			thing[2 * open] = (ur_timed){ run_scores, &h[open] };
			thing[2 * open + 1] = (ur_timed){ run_tiles, &h[open] };
		}
	if (!status)
		status = ur_lab_turns(lab, 2 * open, thing, open * p->each, times, err);
	for (int i = 0; i < open && !status; i++) {
		put(curve, "scores", ur_times_json(&times[2 * i]));
		put(curve, "tiles", ur_times_json(&times[2 * i + 1]));
	}
	while (open)
		ur_arena_close(&h[--open].memory);
	if (status)
		json_decref(curve);
	return status ? status : ur_lab_keep(lab, curve, err, "core");
}

static int batch_of(ur_rig_pass pass, int T) { return pass == UR_PASS_TRAINING && T < TOKENS ? TOKENS / T : 1; }

/* All mixers at n lengths, in turns. */
static ur_status layers(ur_lab *lab, int width, int n, const int *T, ur_rig_pass pass, double each, json_t *curve,
                        ur_err *err)
{
	const int of = ur_lab_mixer_count(lab), all = n * of;
	const ur_ctx *ctx[MOST_T * UR_LAB_MOST_MIXERS];
	ur_rig_spec spec[MOST_T * UR_LAB_MOST_MIXERS];
	ur_times times[MOST_T * UR_LAB_MOST_MIXERS];
	ur_status status = ur_lab_say(lab, -1, err, "%s, width %d, T up to %d", ur_rig_pass_name(pass), width, T[n - 1]);

	for (int i = 0; i < all; i++) {
		ctx[i] = pass == UR_PASS_TRAINING ? lab->ctx : lab->one;
		spec[i] = ur_lab_layer(&lab->mixer[i % of], width, T[i / of], batch_of(pass, T[i / of]), pass);
	}
	if (!status)
		status = ur_lab_time_layers(lab, all, spec, ctx, n * each, times, err);
	for (int i = 0; i < all && !status; i++)
		put(curve, lab->mixer[i % of].name, ur_times_json(&times[i]));
	return status;
}

static ur_status curves(ur_lab *lab, const plan *p, int width, ur_rig_pass pass, const int *T, ur_err *err)
{
	const char *name = ur_rig_pass_name(pass);
	ur_status status;
	json_t *curve;

	if (ur_lab_recall(lab, &status, err, "%s/%d", name, width) || status)
		return status;
	if (!(curve = curve_of(lab, width, T, pass != UR_PASS_TRAINING)))
		return ur_fail(err, UR_E_NOMEM, "out of memory for a curve");
	/* what an exponent is fitted to is timed together, so that what disturbs one length disturbs all; batches of long
	 * sequences take too long for that, and are compared at equal lengths: the short ones, where times are near each
	 * other, with more repeats */
	for (int i = 0, n; i < MOST_T && T[i] && !status; i += n) {
		for (n = 1; pass != UR_PASS_TRAINING && i + n < MOST_T && T[i + n]; n++)
			continue;
		status = layers(lab, width, n, T + i, pass, pass == UR_PASS_TRAINING && T[i] < NEAR ? 2 * p->each : p->each,
		                curve, err);
	}
	if (status)
		json_decref(curve);
	return status ? status : ur_lab_keep(lab, curve, err, "%s/%d", name, width);
}

/* Seconds on one thread of training batches, before any is timed. */
static ur_status predict(ur_lab *lab, const plan *p, ur_err *err)
{
	enum { UP_TO = 8192 };                  /* counting takes time itself */
	int T[MOST_T] = { 0 }, n = 0, width = p->width[0];
	ur_rates *rates;
	ur_status status;
	json_t *curve;

	if (ur_lab_recall(lab, &status, err, "predicted") || status)
		return status;
	while (n < MOST_T - 1 && p->training[n] && p->training[n] <= UP_TO) {
		T[n] = p->training[n];
		n++;
	}
	/* of the widest, which the findings are about */
	for (int i = 0; i < MOST_T && p->width[i]; i++)
		width = p->width[i] > width ? p->width[i] : width;
	rates = malloc(sizeof *rates);
	if (!rates || !(curve = curve_of(lab, width, T, 0))) {
		free(rates);
		return ur_fail(err, UR_E_NOMEM, "out of memory for a prediction");
	}
	if (!(status = ur_lab_say(lab, 0, err, "what the cost model expects")))
		status = ur_rates_measure(lab->one, rates, err);
	for (int i = 0; i < n && !status; i++)
		for (int m = 0; m < ur_lab_mixer_count(lab) && !status; m++) {
			const ur_dims d = ur_rig_dims(lab->mixer[m].forward->mixer, width);
			double seconds = 0;

			if (!(status = ur_lab_say(lab, -1, err, "what the cost model expects at T = %d", T[i])) &&
			    !(status = ur_predict(rates, lab->mixer[m].forward, lab->mixer[m].backward, &d, T[i],
			                          batch_of(UR_PASS_TRAINING, T[i]), UR_PASS_TRAINING, &seconds, err)))
				put(curve, lab->mixer[m].name, json_real(seconds));
		}
	free(rates);
	if (status)
		json_decref(curve);
	return status ? status : ur_lab_keep(lab, curve, err, "predicted");
}

/* Attention where no matrix of scores fits: once, as it takes long. */
static ur_status far(ur_lab *lab, const plan *p, ur_err *err)
{
	const int T = p->far, heads = p->heads;
	double start, seconds, bytes, flops = 4 * ur_attention_pairs(T, 0, 0) * heads * UR_COST_HEAD;
	int resident = 0, huge;
	ur_status status;
	head h;

	if (ur_lab_recall(lab, &status, err, "long") || status)
		return status;
	if ((status = ur_lab_say(lab, -1, err, "attention in tiles at T = %d, heads: %d", T, heads)))
		return status;
	huge = huge_pages(1);
	/* a shorter one, of tiles as large, first touches what threads keep */
	if (!(status = head_open(&h, lab->ctx, FIRST, heads, tiles_work(lab->ctx, FIRST, heads), err))) {
		run_tiles(&h);
		ur_arena_close(&h.memory);
		status = head_open(&h, lab->ctx, T, heads, tiles_work(lab->ctx, T, heads), err);
	}
	if (status) {
		(void)huge_pages(huge);
		return status;
	}
	start = ur_clock();
	bytes = grown(run_tiles, &h, &resident);
	seconds = ur_clock() - start;
	(void)huge_pages(huge);
	if (!resident)
		bytes = (double)tiles_work(lab->ctx, T, heads) * sizeof(float);
	ur_arena_close(&h.memory);
	return ur_lab_keep(lab, json_pack("{s:i,s:i,s:i,s:i,s:f,s:f,s:b,s:f}", "T", T, "heads", heads, "width",
		heads * UR_COST_HEAD, "threads", lab->ctx->threads, "seconds", seconds, "bytes", bytes, "resident", resident,
		"share", flops / seconds / lab->speed.flops), err, "long");
}

ur_status ur_cost_measure(ur_lab *lab, ur_err *err)
{
	const plan *p = plan_of(lab);
	ur_status status;

	if ((status = predict(lab, p, err)) || (status = memory(lab, p, err)) || (status = same(lab, p, err)) ||
	    (status = core(lab, p, err)))
		return status;
	for (int i = 0; i < MOST_T && p->width[i]; i++)
		if ((status = curves(lab, p, p->width[i], UR_PASS_FORWARD, p->forward, err)) ||
		    (status = curves(lab, p, p->width[i], UR_PASS_TRAINING, p->training, err)) ||
		    (status = curves(lab, p, p->width[i], UR_PASS_STEP, p->step, err)))
			return status;
	return far(lab, p, err);
}
