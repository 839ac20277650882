/* put_document STORE: puts comparison documents into a store, as unroll compare would, for tests of the report.
 *
 * Reads the names of document files from standard input, one a line, and after each writes the comparison's id on a
 * line. All of them are versions of one comparison, which counts as running until one says that it is done (what
 * follows is a new one) or the input ends. A document's contenders bring their own "curves", which become points of
 * runs. */
#include "store/store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_done(const json_t *state) { return json_is_string(state) && !strcmp(json_string_value(state), "done"); }

static ur_status put_points(ur_store *store, int64_t run, const char *name, json_t *points, ur_err *err)
{
	const int n = (int)json_array_size(points);
	ur_store_point *p = calloc((size_t)n + 1, sizeof *p);
	ur_status status;

	for (int i = 0; i < n; i++) {
		json_t *at = json_array_get(points, (size_t)i), *value = json_array_get(at, 4);
		p[i] = (ur_store_point){
			.name = name, .step = json_integer_value(json_array_get(at, 0)),
			.tokens = json_integer_value(json_array_get(at, 1)), .seconds = json_number_value(json_array_get(at, 2)),
			.flops = json_number_value(json_array_get(at, 3)),
			.value = json_is_number(value) ? json_number_value(value) : NAN,
		};
	}
	status = ur_store_points(store, run, n, p, err);
	free(p);
	return status;
}

/* The contender's runs with their points; "run" becomes the store's id. */
static ur_status put_runs(ur_store *store, int64_t comparison, json_t *contender, ur_err *err)
{
	json_t *curves = json_object_get(contender, "curves"), *run, *points;
	const char *key;
	ur_status status = UR_OK;
	size_t i;

	json_array_foreach(json_object_get(contender, "runs"), i, run) {
		const ur_store_run begin = {
			.comparison = comparison, .kind = "main", .name = json_string_value(json_object_get(contender, "name")),
			.spec = "gru:1x8", .seed = json_integer_value(json_object_get(run, "seed")), .data = "text",
			.command = "put_document", .machine = "none", .version = "0", .started = 1, .status = "running",
		};
		int64_t id;

		if (status || (status = ur_store_run_begin(store, &begin, &id, err)))
			return status;
		json_object_set_new(run, "run", json_integer((json_int_t)id));
		json_object_foreach(json_array_get(curves, i), key, points)
			if (json_is_array(points) && !status)
				status = put_points(store, id, key, points, err);
		if (!status && is_done(json_object_get(run, "state")))
			status = ur_store_run_end(store, id, "done", 1, 1, 1, 1, err);
	}
	json_object_del(contender, "curves");
	return status;
}

static ur_status put(ur_store *store, const char *path, int64_t *id, int *done, ur_err *err)
{
	const ur_store_comparison begin = { .key = "put_document", .data = "text", .command = "unroll compare",
		.machine = "none", .version = "0", .started = 1 };
	json_error_t wrong;
	json_t *document = json_load_file(path, 0, &wrong), *contender;
	int resumed;
	size_t i;
	ur_status status = UR_OK;

	if (!document)
		return ur_fail(err, UR_E_FORMAT, "%s:%d: %s", path, wrong.line, wrong.text);
	if (!*id || *done)
		status = ur_store_comparison_begin(store, &begin, 1, id, &resumed, err);
	*done = 0;
	json_array_foreach(json_object_get(document, "contenders"), i, contender)
		if (!status)
			status = put_runs(store, *id, contender, err);
	if (!status)
		status = ur_store_fact_put(store, *id, UR_STORE_DOCUMENT, document, err);
	if (!status && is_done(json_object_get(document, "state"))) {
		*done = 1;
		status = ur_store_comparison_end(store, *id, err);
	}
	json_decref(document);
	return status;
}

int main(int argc, char **argv)
{
	ur_store *store;
	ur_err err = { 0 };
	char path[4096];
	int64_t id = 0;
	int done = 0;

	if (argc != 2 || ur_store_open(argv[1], UR_STORE_WRITE, &store, &err)) {
		(void)fprintf(stderr, "put_document: %s\n", argc != 2 ? "usage: put_document STORE" : err.text);
		return 1;
	}
	while (fgets(path, sizeof path, stdin)) {
		path[strcspn(path, "\n")] = 0;
		if (put(store, path, &id, &done, &err)) {
			(void)fprintf(stderr, "put_document: %s\n", err.text);
			ur_store_close(store);
			return 1;
		}
		(void)printf("%lld\n", (long long)id);
		(void)fflush(stdout);
	}
	ur_store_close(store);
	return 0;
}
