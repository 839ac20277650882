/* A learner in the middle, as one safetensors file: weights, moments ("optimizer.m.", "optimizer.v."), the frozen
 * weights ("frozen."), rings, states, means and variances, scores, the change detector; counters, settings and the
 * caller's place in the metadata. */
#include "base/file.h"
#include "train/learner_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char meta_key[] = "unroll.learning";

/* -- what is a list of numbers: each is written, and read back, through one table -- */

/* counters, in the order of the file's list */
enum { COUNTERS = 16 };
static void counters_of(ur_learner *l, int64_t *of[COUNTERS])
{
	int64_t *const all[COUNTERS] = { &l->events, &l->unanswered, &l->steps, &l->drifts, &l->last_drift, &l->skipped,
		&l->restarts, &l->resets, &l->bad, &l->classes, &l->usual, &l->last, &l->adwin.seen, &l->adwin.width,
		&l->adwin.rows, NULL };

	memcpy(of, all, sizeof all);
}

enum { REALS = 5 };
static void reals_of(ur_learner *l, double *of[REALS])
{
	double *const all[REALS] = { &l->last_value, &l->value_sum, &l->boost, &l->adwin.sum, &l->adwin.spread };

	memcpy(of, all, sizeof all);
}

/* A block of memory as a tensor. */
typedef struct block { const char *name; ur_st_dtype dtype; void *data; int64_t n; } block;
enum { MOST_BLOCKS = 20 };

static int rows_of(const ur_learner *l, const ur_watcher *w, const char *name, block *b)
{
	const size_t from = (size_t)w->ring.from;

	if (l->values)
		*b = (block){ name, UR_ST_F32, w->ring.rows + from * (size_t)l->in, (int64_t)w->ring.count * l->in };
	else
		*b = (block){ name, UR_ST_I32, w->ring.ids + from, w->ring.count };
	return 1;
}

enum { TALLY = sizeof(ur_tally) / sizeof(double) }; /* it is numbers alone */

/* All of them; those of rings are of the rows there are. */
static int blocks_of(ur_learner *l, block b[MOST_BLOCKS])
{
	const int64_t state = (int64_t)ur_model_state_size(l->live.m), normals = 3 * (int64_t)(l->features + 1);
	const size_t from = (size_t)l->live.ring.from;
	int n = 0;

	n += rows_of(l, &l->live, "learner.ring", &b[n]);
	n += rows_of(l, &l->frozen, "learner.frozen_ring", &b[n]);
	b[n++] = l->numbers ? (block){ "learner.answers", UR_ST_F32, l->wanted + from, l->live.ring.count }
	                    : (block){ "learner.answers", UR_ST_I32, l->targets + from, l->live.ring.count };
	if (l->carries) {
		b[n++] = (block){ "learner.state", UR_ST_U8, l->live.state, state };
		b[n++] = (block){ "learner.frozen_state", UR_ST_U8, l->frozen.state, state };
	}
	if (l->counts)
		b[n++] = (block){ "learner.counts", UR_ST_I64, l->counts, l->V };
	b[n++] = (block){ "learner.normal", UR_ST_F64, l->live.normal, normals };
	b[n++] = (block){ "learner.frozen_normal", UR_ST_F64, l->frozen.normal, normals };
	b[n++] = (block){ "learner.scores", UR_ST_F64, l->score.of, UR_CONTESTANTS * TALLY };
	b[n++] = (block){ "learner.change_counts", UR_ST_I64, l->adwin.count, UR_ADWIN_ROWS };
	b[n++] = (block){ "learner.change_sums", UR_ST_F64, l->adwin.bucket_sum, UR_ADWIN_ROWS * (UR_ADWIN_BUCKETS + 1) };
	b[n++] = (block){ "learner.change_spreads", UR_ST_F64, l->adwin.bucket_spread,
		UR_ADWIN_ROWS * (UR_ADWIN_BUCKETS + 1) };
	return n;
}

struct set { const char *prefix; float *values; };

static int sets_of(const ur_learner *l, struct set out[4])
{
	int n = 0;

	out[n++] = (struct set){ "", l->live.m->weights };
	out[n++] = (struct set){ "frozen.", l->frozen.m->weights };
	out[n++] = (struct set){ "optimizer.m.", l->m1 };
	if (l->m2)
		out[n++] = (struct set){ "optimizer.v.", l->m2 };
	return n;
}

/* -- settings -- */

static json_t *settings(const ur_learner *l)
{
	const ur_learning *h = &l->how;

	return json_pack("{s:i,s:s,s:s,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:s,s:I}", "window", h->window,
		"learn-from", h->whole ? "window" : "newest", "optimizer", h->optimizer, "lr", h->lr, "beta1", h->beta1, "beta2",
		h->beta2, "eps", h->eps, "momentum", h->momentum, "weight-decay", h->weight_decay, "clip", h->clip, "normalise",
		h->norm, "fade", h->fade, "delta", h->delta, "on-drift", h->faster ? "rate" : "none", "freeze-after",
		(json_int_t)h->freeze_after);
}

/* Doubles go through JSON as their bits. */
static json_t *bits_of(double x)
{
	char text[40];

	(void)snprintf(text, sizeof text, "%a", x);
	return json_string(text);
}

static json_t *class_names(const ur_learner *l)
{
	json_t *names = json_array();

	for (int i = 0; names && ur_learner_class_name(l, i); i++)
		if (json_array_append_new(names, json_string(ur_learner_class_name(l, i)))) {
			json_decref(names);
			return NULL;
		}
	return names;
}

static char *meta_of(ur_learner *l, const json_t *place)
{
	json_t *json = json_pack("{s:s,s:o,s:[],s:[],s:o,s:b,s:b,s:i}", "spec", l->live.m->spec.text, "settings",
		settings(l), "counters", "reals", "classes", class_names(l), "frozen", l->frozen_lives, "has_last", l->has_last,
		"rows", l->live.ring.count);
	int64_t *counter[COUNTERS];
	double *real[REALS];
	char *text = NULL;
	int failed = !json;

	counters_of(l, counter);
	reals_of(l, real);
	for (int i = 0; json && counter[i]; i++)
		failed |= json_array_append_new(json_object_get(json, "counters"), json_integer((json_int_t)*counter[i])) != 0;
	for (int i = 0; json && i < REALS; i++)
		failed |= json_array_append_new(json_object_get(json, "reals"), bits_of(*real[i])) != 0;
	if (place)
		failed |= json_object_set(json, "place", (json_t *)(uintptr_t)place) != 0;
	if (!failed)
		text = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(json);
	return text;
}

ur_status ur_learner_save(ur_learner *l, const json_t *place, const char *path, ur_err *err)
{
	struct set sets[4];
	block blocks[MOST_BLOCKS];
	const int n = sets_of(l, sets), each = ur_model_tensor_count(l->live.m), of = blocks_of(l, blocks);
	ur_tensor *tensors = calloc((size_t)(n * each + of), sizeof *tensors);
	char *names = calloc((size_t)(n * each), 2 * UR_NAME), *text = meta_of(l, place);
	int total = 0;
	ur_status status;

	if (l->pending) {
		status = ur_fail(err, UR_E_INVALID, "%.150s: an event was foretold and waits for its answer; save behind it",
		                 path);
	} else if (!tensors || !names || !text) {
		status = ur_fail(err, UR_E_NOMEM, "%.150s: no memory to write a checkpoint", path);
	} else {
		for (int i = 0; i < n; i++, total += each)
			ur_model_tensors(l->live.m, sets[i].prefix, sets[i].values, tensors + total,
			                 names + (size_t)total * 2 * UR_NAME);
		for (int i = 0; i < of; i++) {
			tensors[total] = (ur_tensor){ .name = blocks[i].name, .dtype = blocks[i].dtype, .rank = 1,
			                              .data = blocks[i].data };
			tensors[total++].shape[0] = blocks[i].n;
		}
		status = ur_safetensors_write(path, total, tensors, 1, &(ur_meta){ meta_key, text }, err);
	}
	free(text);
	free(names);
	free(tensors);
	return status;
}

/* -- reading -- */

/* The first setting in which two differ; NULL: none. */
static const char *difference(json_t *then, json_t *now)
{
	const char *key;
	json_t *value;

	json_object_foreach(now, key, value)
		if (!json_equal(json_object_get(then, key), value))
			return key;
	return NULL;
}

static ur_status check_same(const ur_learner *l, json_t *json, ur_err *err)
{
	json_t *now = settings(l), *then = json_object_get(json, "settings");
	const char *spec = json_string_value(json_object_get(json, "spec")), *key = then && now ? difference(then, now)
		: NULL;
	ur_status status = UR_OK;

	if (!spec || !then || !now) {
		status = ur_fail(err, UR_E_FORMAT, "lacks its settings or spec");
	} else if (strcmp(spec, l->live.m->spec.text)) {
		status = ur_fail(err, UR_E_INVALID, "is of '%.100s', not of '%.100s'", spec, l->live.m->spec.text);
	} else if (key) {
		char *was = json_dumps(json_object_get(then, key), JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
		char *is = json_dumps(json_object_get(now, key), JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
		status = ur_fail(err, UR_E_INVALID, "had --%s %.40s, now %.40s; resume with the same settings", key,
		                 was ? was : "?", is ? is : "?");
		free(was);
		free(is);
	}
	json_decref(now);
	return status;
}

static ur_status read_classes(ur_learner *l, const json_t *names, ur_err *err)
{
	int number;
	size_t i;
	json_t *name;

	json_array_foreach((json_t *)(uintptr_t)names, i, name)
		if (!json_is_string(name) ||
		    ur_learner_class(l, json_string_value(name), json_string_length(name), &number, NULL) || number != (int)i)
			return ur_fail(err, UR_E_FORMAT, "its classes are not those of the model");
	return UR_OK;
}

static ur_status read_meta(ur_learner *l, json_t *json, ur_err *err)
{
	const json_t *counters = json_object_get(json, "counters"), *reals = json_object_get(json, "reals");
	int64_t *counter[COUNTERS];
	double *real[REALS];
	int rows;

	if (json_unpack(json, "{s:b,s:b,s:i}", "frozen", &l->frozen_lives, "has_last", &l->has_last, "rows",
	                &rows) || rows < 0 || rows > l->how.window || !json_is_array(counters) ||
	    json_array_size(counters) != COUNTERS - 1 || json_array_size(reals) != REALS)
		return ur_fail(err, UR_E_FORMAT, "its counters are incomplete");
	counters_of(l, counter);
	reals_of(l, real);
	for (size_t i = 0; counter[i]; i++)
		*counter[i] = (int64_t)json_integer_value(json_array_get(counters, i));
	for (size_t i = 0; i < REALS; i++) {
		const char *text = json_string_value(json_array_get(reals, i));
		*real[i] = text ? strtod(text, NULL) : NAN;
	}
	if (l->classes < l->V) /* a new model that had not met them all: its outputs are yet to be named */
		l->numbered = 0;
	l->live.ring.from = l->frozen.ring.from = 0;
	l->live.ring.count = l->frozen.ring.count = rows;
	return read_classes(l, json_object_get(json, "classes"), err);
}

static ur_status read_block(const ur_safetensors *file, const block *b, ur_err *err)
{
	const ur_tensor *t = ur_safetensors_find(file, b->name);

	if (!t || t->dtype != b->dtype || t->bytes != (size_t)b->n * ur_st_dtype_size(b->dtype))
		return ur_fail(err, UR_E_FORMAT, "its %s is missing or of another size", b->name);
	if (t->bytes)
		memcpy(b->data, t->data, t->bytes);
	return UR_OK;
}

static int floats_sane(size_t n, const float *x, int nan_too)
{
	for (size_t i = 0; i < n; i++)
		if (!isfinite(x[i]) && !(nan_too && isnan(x[i])))
			return 0;
	return 1;
}

static int normals_sane(const ur_learner *l, const ur_normal *v)
{
	for (int i = 0; i <= l->features; i++)
		if (!(v[i].n >= 0) || !isfinite(v[i].n) || !isfinite(v[i].mean) || !(v[i].variance >= 0) ||
		    !isfinite(v[i].variance))
			return 0;
	return 1;
}

static int sums_sane(const ur_sums *s)
{
	return s->n >= 0 && s->n < 9e15 && s->losses >= 0 && s->losses < 9e15 && isfinite(s->error + s->square + s->loss);
}

static int scores_sane(const ur_learner *l)
{
	for (int i = 0; i < UR_CONTESTANTS; i++) {
		const ur_tally *t = &l->score.of[i];

		if (!sums_sane(&t->all) || !sums_sane(&t->fading) || !isfinite(t->ahead + t->ahead2) ||
		    !(t->both >= 0 && t->both < 9e15) || !isfinite(t->faded_n2) || (t->fading.n > 0 && t->faded_n2 < 1))
			return 0;
	}
	return 1;
}

/* Whatever could make a later event read outside of an array, or never come to a number again. */
static int is_sane(const ur_learner *l)
{
	const int rows = l->live.ring.count;
	int64_t *counter[COUNTERS];
	struct set sets[4];
	const int n = sets_of(l, sets);

	counters_of((ur_learner *)(uintptr_t)l, counter);
	for (int i = 0; counter[i]; i++)
		if (*counter[i] < (counter[i] == &l->usual ? -1 : 0))
			return 0;
	for (int i = 0; i < n; i++)
		if (!floats_sane(l->live.m->floats, sets[i].values, 0))
			return 0;
	for (int i = 0; l->live.ring.ids && i < rows; i++)
		if (l->live.ring.ids[i] < 0 || l->live.ring.ids[i] >= l->V || l->frozen.ring.ids[i] < 0 ||
		    l->frozen.ring.ids[i] >= l->V)
			return 0;
	for (int i = 0; l->targets && i < rows; i++)
		if (l->targets[i] < -1 || l->targets[i] >= l->V)
			return 0;
	if (l->live.ring.rows && (!floats_sane((size_t)rows * (size_t)l->in, l->live.ring.rows, 0) ||
	                          !floats_sane((size_t)rows * (size_t)l->in, l->frozen.ring.rows, 0)))
		return 0;
	return (!l->wanted || floats_sane((size_t)rows, l->wanted, 1)) && normals_sane(l, l->live.normal) &&
	       normals_sane(l, l->frozen.normal) && ur_adwin_sane(&l->adwin) && (l->numbers || l->classes <= l->V) &&
	       (l->numbers || (l->usual < l->V && l->last < l->V)) && l->boost >= 1 && l->boost <= 4 &&
	       isfinite(l->last_value) && isfinite(l->value_sum) &&
	       scores_sane(l);
}

/* States hold a position, which only counts here, and layers' own, of fixed size; their numbers are looked at. */
static int states_sane(const ur_learner *l)
{
	const ur_watcher *of[] = { &l->live, &l->frozen };

	for (int i = 0; l->carries && i < 2; i++)
		for (int k = 0; k < of[i]->m->spec.layers; k++) {
			const ur_layer *layer = &of[i]->m->stack.layer[k];
			const void *state = ur_model_state_of(of[i]->m, of[i]->state, k);

			if (!floats_sane(layer->kind->state_used(&layer->dims, state) / sizeof(float), state, 0))
				return 0;
		}
	return 1;
}

static ur_status read_all(ur_learner *l, const ur_safetensors *file, json_t *json, ur_err *err)
{
	struct set sets[4];
	block blocks[MOST_BLOCKS];
	const int n = sets_of(l, sets);
	ur_status status = check_same(l, json, err);
	int of;

	if (!status)
		status = read_meta(l, json, err);
	if (status)
		return status;
	of = blocks_of(l, blocks); /* as many rows as it says */
	for (int i = 0; i < n && !status; i++)
		status = ur_model_read_tensors(l->live.m, file, sets[i].prefix, sets[i].values, err);
	for (int i = 0; i < of && !status; i++)
		status = read_block(file, &blocks[i], err);
	if (!status && !(is_sane(l) && states_sane(l)))
		status = ur_fail(err, UR_E_FORMAT, "is damaged: its numbers contradict each other");
	return status;
}

/* A file and what its metadata say (NULL: it is no checkpoint), the caller's to close and to give back. */
static ur_status open_file(const char *path, ur_safetensors **file, json_t **json, ur_err *err)
{
	const ur_status status = ur_safetensors_open(path, file, err);
	const char *text = status ? NULL : ur_safetensors_meta(*file, meta_key);

	*json = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	return status;
}

static ur_status no_checkpoint(ur_err *err)
{
	return ur_fail(err, UR_E_FORMAT, "is no checkpoint of a model that learns online");
}

ur_status ur_learner_place(const char *path, json_t **place, ur_err *err)
{
	ur_safetensors *file;
	json_t *json;
	ur_err why = { 0 };
	ur_status status = open_file(path, &file, &json, err);

	*place = NULL;
	if (status)
		return status;
	if (json)
		*place = json_incref(json_object_get(json, "place"));
	else
		status = ur_fail(err, no_checkpoint(&why), "checkpoint %.150s %s", ur_path_tail(path), why.text);
	json_decref(json);
	ur_safetensors_close(file);
	return status;
}

ur_status ur_learner_restore(ur_learner *l, const char *path, json_t **place, ur_err *err)
{
	ur_safetensors *file = NULL;
	ur_err why = { 0 };
	json_t *json;
	ur_status status;

	l->pending = 0;
	if (place)
		*place = NULL;
	if ((status = open_file(path, &file, &json, err)))
		return status;
	status = json ? read_all(l, file, json, &why) : no_checkpoint(&why);
	if (status)
		ur_fail(err, status, "checkpoint %.150s %s", ur_path_tail(path), why.text);
	else
		ur_learner_pack(l);
	if (!status && place)
		*place = json_incref(json_object_get(json, "place"));
	json_decref(json);
	ur_safetensors_close(file);
	return status;
}
