/* Checkpoints: written from and read into the trainer's own arrays. */
#include "train/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ur_checkpoint_path(const char *out, char *path, size_t room)
{
	static const char ending[] = ".safetensors";
	size_t n = strlen(out), e = sizeof ending - 1;
	if (n > e && !strcmp(out + n - e, ending))
		n -= e;
	return snprintf(path, room, "%.*s.ckpt%s", (int)n, out, ending);
}

/* Doubles go through JSON as their bits, in hexadecimal: a resumed run must continue from the very same number. */
static json_t *bits_of(double x)
{
	char text[40];
	snprintf(text, sizeof text, "%a", x);
	return json_string(text);
}

static double from_bits(const json_t *j)
{
	return json_is_string(j) ? strtod(json_string_value(j), NULL) : NAN;
}

static json_t *run_to_json(const ur_run *r)
{
	return json_pack("{s:I,s:I,s:o,s:I,s:o,s:o,s:o,s:I,s:I,s:i,s:o,s:i,s:o,s:b}", "step", (json_int_t)r->step,
		"tokens", (json_int_t)r->tokens, "loss_sum", bits_of(r->loss_sum), "loss_count", (json_int_t)r->loss_count,
		"train_loss", bits_of(r->train_loss), "val_loss", bits_of(r->val_loss), "best_loss", bits_of(r->best_loss),
		"best_step", (json_int_t)r->best_step, "scored", (json_int_t)r->scored, "stale", r->stale,
		"pace_factor", bits_of(r->pace.factor), "pace_stale", r->pace.stale, "seconds", bits_of(r->seconds),
		"done", r->done);
}

static int run_from_json(const json_t *j, ur_run *r)
{
	json_int_t step, tokens, loss_count, best_step, scored;
	int stale, pace_stale, done;

	if (json_unpack((json_t *)(uintptr_t)j, "{s:I,s:I,s:I,s:I,s:I,s:i,s:i,s:b}", "step", &step, "tokens", &tokens,
	                "loss_count", &loss_count, "best_step", &best_step, "scored", &scored, "stale", &stale,
	                "pace_stale", &pace_stale, "done", &done) || step < 0 || tokens < 0)
		return 0;
	*r = (ur_run){ .step = step, .tokens = tokens, .loss_sum = from_bits(json_object_get(j, "loss_sum")),
		.loss_count = loss_count, .train_loss = from_bits(json_object_get(j, "train_loss")),
		.val_loss = from_bits(json_object_get(j, "val_loss")),
		.best_loss = from_bits(json_object_get(j, "best_loss")), .best_step = best_step, .scored = scored,
		.stale = stale,
		.pace = { from_bits(json_object_get(j, "pace_factor")), pace_stale },
		.seconds = from_bits(json_object_get(j, "seconds")), .done = done };
	return isfinite(r->pace.factor);
}

static json_t *split_to_json(const ur_split *s)
{
	return json_pack("[I,I,I,I,I,I]", (json_int_t)s->train_from, (json_int_t)s->train_to, (json_int_t)s->val_from,
	                 (json_int_t)s->val_to, (json_int_t)s->test_from, (json_int_t)s->test_to);
}

struct set { const char *prefix; float *values; };

static int sets_of(const ur_checkpoint *c, struct set out[4])
{
	int n = 0;
	out[n++] = (struct set){ "", c->m->weights };
	out[n++] = (struct set){ "optimizer.m.", c->m1 };
	if (c->m2)
		out[n++] = (struct set){ "optimizer.v.", c->m2 };
	if (!isnan(c->run->best_loss))
		out[n++] = (struct set){ "best.", c->best };
	return n;
}

ur_status ur_checkpoint_save(const ur_checkpoint *c, const char *path, ur_err *err)
{
	struct set sets[4];
	int n = sets_of(c, sets), each = ur_model_tensor_count(c->m), total = 0;
	ur_tensor *tensors = calloc((size_t)(n * each + 1), sizeof *tensors);
	char *names = calloc((size_t)(n * each), 2 * UR_NAME), *text = NULL;
	json_t *json = json_pack("{s:o,s:o,s:s,s:o}", "recipe", ur_recipe_to_json(c->recipe), "run", run_to_json(c->run),
	                         "spec", c->m->spec.text, "split", split_to_json(c->split));
	char hash[20];
	ur_status status;

	snprintf(hash, sizeof hash, "%016llx", (unsigned long long)c->fingerprint);
	if (json && !json_object_set_new(json, "corpus", json_string(hash)))
		text = json_dumps(json, JSON_COMPACT);
	if (!tensors || !names || !text) {
		status = ur_fail(err, UR_E_NOMEM, "%.150s: no memory to write a checkpoint", path);
	} else {
		for (int i = 0; i < n; i++, total += each)
			ur_model_tensors(c->m, sets[i].prefix, sets[i].values, tensors + total,
			                 names + (size_t)total * 2 * UR_NAME);
		if (c->carried) {
			tensors[total] = (ur_tensor){ .name = "carried", .dtype = UR_ST_U8, .rank = 1, .data = c->carried };
			tensors[total++].shape[0] = (int64_t)c->carried_bytes;
		}
		status = ur_safetensors_write(path, total, tensors, 1, &(ur_meta){ "unroll.training", text }, err);
	}
	json_decref(json);
	free(text);
	free(names);
	free(tensors);
	return status;
}

/* The first member in which two recipes differ, more steps apart; NULL: none. */
static const char *difference(json_t *then, json_t *now)
{
	const char *key;
	json_t *value;
	json_object_foreach(now, key, value) {
		const json_t *old = json_object_get(then, key);
		if (!old && json_is_number(value) && json_number_value(value) == 0) /* a setting that came later, off */
			continue;
		if (!strcmp(key, "steps") && json_integer_value(value) >= json_integer_value(old))
			continue;
		if (!json_equal(old, value))
			return key;
	}
	return NULL;
}

static ur_status check_same(const ur_checkpoint *c, json_t *json, ur_err *err)
{
	json_t *now = ur_recipe_to_json(c->recipe), *then = json_object_get(json, "recipe");
	json_t *split = split_to_json(c->split);
	const char *spec = json_string_value(json_object_get(json, "spec")), *key = difference(then, now);
	const char *corpus = json_string_value(json_object_get(json, "corpus"));
	ur_status status = UR_OK;

	if (!spec || !corpus || !json_is_object(then)) {
		status = ur_fail(err, UR_E_FORMAT, "lacks its recipe, spec or corpus");
	} else if (strcmp(spec, c->m->spec.text)) {
		status = ur_fail(err, UR_E_INVALID, "is of '%.100s', not of '%.100s'; give the same --arch to resume", spec,
		                 c->m->spec.text);
	} else if (strtoull(corpus, NULL, 16) != c->fingerprint) {
		status = ur_fail(err, UR_E_INVALID,
		                 "was trained on other data than this; resume with the same --data and --vocab");
	} else if (!json_equal(split, json_object_get(json, "split"))) {
		status = ur_fail(err, UR_E_INVALID, "was trained on another part of the data; resume with the same --val");
	} else if (key) {
		char *was = json_dumps(json_object_get(then, key), JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
		char *is = json_dumps(json_object_get(now, key), JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
		status = ur_fail(err, UR_E_INVALID, "had --%s %.40s, now %.40s; resume with the same settings (only --steps "
		                 "may grow)", key, was ? was : "?", is ? is : "?");
		free(was);
		free(is);
	}
	json_decref(now);
	json_decref(split);
	return status;
}

static ur_status read_all(ur_checkpoint *c, const ur_safetensors *file, ur_err *err)
{
	const char *text = ur_safetensors_meta(file, "unroll.training");
	json_error_t why;
	json_t *json = text ? json_loads(text, JSON_REJECT_DUPLICATES, &why) : NULL;
	struct set sets[4];
	int n;
	ur_status status;

	if (!json)
		return ur_fail(err, UR_E_FORMAT,
		               text ? "its metadata is not JSON" : "not a checkpoint: its metadata lacks unroll.training");
	status = check_same(c, json, err);
	if (!status && !run_from_json(json_object_get(json, "run"), c->run))
		status = ur_fail(err, UR_E_FORMAT, "its counters are incomplete");
	json_decref(json);
	if (status)
		return status;
	n = sets_of(c, sets);
	for (int i = 0; i < n && !status; i++)
		status = ur_model_read_tensors(c->m, file, sets[i].prefix, sets[i].values, err);
	if (!status && c->carried) {
		const ur_tensor *t = ur_safetensors_find(file, "carried");
		if (!t || t->dtype != UR_ST_U8 || t->bytes != c->carried_bytes)
			return ur_fail(err, UR_E_FORMAT, "its carried state is missing or of another size");
		memcpy(c->carried, t->data, t->bytes);
	}
	return status;
}

ur_status ur_checkpoint_load(ur_checkpoint *c, const char *path, ur_err *err)
{
	ur_safetensors *file = NULL;
	ur_err why = { 0 };
	ur_status status = ur_safetensors_open(path, &file, err);

	if (status)
		return status;
	status = read_all(c, file, &why);
	if (status)
		ur_fail(err, status, "checkpoint %.150s %s", path, why.text);
	ur_safetensors_close(file);
	return status;
}
