/* A journal that lasts as long as the process: two JSON objects and a folder. */
#include "compare/journal.h"

#include "base/file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct memory {
	ur_journal journal;
	json_t *facts;
	json_t *ids;                    /* "kind/name/seed": id */
	json_t *curves;                 /* [id - 1]: {name: {step: [...]}} */
	char folder[512];
} memory;

static ur_status full(ur_err *err) { return ur_fail(err, UR_E_NOMEM, "no memory to keep what was found"); }

static ur_status get(void *arg, const char *name, json_t **fact, ur_err *err)
{
	const memory *m = arg;
	(void)err;
	*fact = json_incref(json_object_get(m->facts, name));
	return UR_OK;
}

static ur_status put(void *arg, const char *name, const json_t *fact, ur_err *err)
{
	memory *m = arg;
	return json_object_set_new(m->facts, name, json_deep_copy(fact)) ? full(err) : UR_OK;
}

static ur_status begin(void *arg, const ur_journal_run *run, int64_t *id, ur_err *err)
{
	memory *m = arg;
	char key[256];

	(void)snprintf(key, sizeof key, "%s/%s/%lld", run->kind, run->name, (long long)run->seed);
	*id = json_integer_value(json_object_get(m->ids, key));
	if (*id)
		return UR_OK;
	*id = (int64_t)json_array_size(m->curves) + 1;
	if (json_array_append_new(m->curves, json_object()) || json_object_set_new(m->ids, key, json_integer(*id)))
		return full(err);
	return UR_OK;
}

static ur_status end(void *arg, int64_t id, const char *status, int64_t steps, int64_t tokens, double seconds,
                     double loss, ur_err *err)
{
	(void)arg, (void)id, (void)status, (void)steps, (void)tokens, (void)seconds, (void)loss, (void)err;
	return UR_OK;
}

static ur_status points(void *arg, int64_t id, int n, const ur_journal_point *p, ur_err *err)
{
	memory *m = arg;
	json_t *run = json_array_get(m->curves, (size_t)(id - 1));

	for (int i = 0; i < n; i++) {
		json_t *curve = json_object_get(run, p[i].name);
		size_t at, before;
		json_t *point = json_pack("[I,I,f,f,o]", (json_int_t)p[i].step, (json_int_t)p[i].tokens, p[i].seconds,
		                          p[i].flops, isfinite(p[i].value) ? json_real(p[i].value) : json_null());
		if (!curve && json_object_set_new(run, p[i].name, curve = json_array()))
			return full(err);
		for (at = before = json_array_size(curve); at > 0; at--)
			if (json_integer_value(json_array_get(json_array_get(curve, at - 1), 0)) < p[i].step)
				break;
		/* a resumed run writes its steps anew */
		while (at < before && json_integer_value(json_array_get(json_array_get(curve, at), 0)) == p[i].step)
			json_array_remove(curve, at), before--;
		if (!point || json_array_insert_new(curve, at, point))
			return full(err);
	}
	return UR_OK;
}

static ur_status curves(void *arg, int64_t id, json_t **out, ur_err *err)
{
	const memory *m = arg;
	*out = json_deep_copy(json_array_get(m->curves, (size_t)(id - 1)));
	return *out ? UR_OK : full(err);
}

ur_status ur_journal_open(ur_journal **journal, ur_err *err)
{
	const char *tmp = getenv("TMPDIR");
	memory *m = calloc(1, sizeof *m);

	*journal = NULL;
	if (!m)
		return full(err);
	m->journal = (ur_journal){ m, m->folder, get, put, begin, end, points, curves };
	m->facts = json_object();
	m->ids = json_object();
	m->curves = json_array();
	if (snprintf(m->folder, sizeof m->folder, "%s/unroll-XXXXXX",
	             tmp && *tmp ? tmp : "/tmp") >= (int)sizeof m->folder || !mkdtemp(m->folder)) {
		ur_status status = ur_fail(err, UR_E_IO, "%s: cannot make a folder for models there: %s",
		                           tmp && *tmp ? tmp : "/tmp", strerror(errno));
		m->folder[0] = 0;
		ur_journal_close(&m->journal);
		return status;
	}
	*journal = &m->journal;
	return UR_OK;
}

void ur_journal_close(ur_journal *journal)
{
	memory *m = journal ? journal->arg : NULL;

	if (!m)
		return;
	if (*m->folder)
		ur_remove_all(m->folder);
	json_decref(m->facts);
	json_decref(m->ids);
	json_decref(m->curves);
	free(m);
}
