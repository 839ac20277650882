/* The file in which a stopped stream goes on: safetensors with what the library saves of the stream, the outputs of its
 * last step, and the rest as JSON in the metadata:
 *
 *     {"version": 2, "events": 120, "since": 120, "source": "/data/a.csv", "bytes": 5120, "source_events": 120,
 *      "lines": 121, "mark": 8111: of what stands before that byte of the source,
 *      "answer": 2.0: that before the next event (cli_stream_before.c)} */
#include "cli/cli_stream.h"

#include "base/file.h"
#include "format/safetensors.h"
#include "vocab/text_hash.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { VERSION = 2, MARKED = 4096 };
static const json_int_t MOST_COUNT = (json_int_t)1 << 62;
static const char KEY[] = "unroll.stream", STREAM[] = "stream", OUTPUTS[] = "outputs";

int64_t ur_source_mark(int fd, int64_t bytes)
{
	char text[MARKED];
	const size_t n = bytes < MARKED ? (size_t)bytes : MARKED;
	ur_hash hash = { 0 };

	for (size_t at = 0; at < n;) {
		const ssize_t got = pread(fd, text + at, n - at, (off_t)(bytes - (int64_t)(n - at)));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		at += (size_t)got;
	}
	ur_hash_add(&hash, text, n);
	return (int64_t)(ur_hash_value(&hash) >> 2);
}

static char *memo_text(const ur_stream_memo *memo)
{
	json_t *json = json_pack("{s:i, s:I, s:I}", "version", VERSION, "events", (json_int_t)memo->events, "since",
	                         (json_int_t)memo->since);
	char *text = NULL;
	int bad = !json;

	if (json && isfinite(memo->answer))
		bad |= json_object_set_new(json, "answer", json_real(memo->answer));
	if (json && memo->source) {
		bad |= json_object_set_new(json, "source", json_string(memo->source));
		bad |= json_object_set_new(json, "bytes", json_integer((json_int_t)memo->place.bytes));
		bad |= json_object_set_new(json, "source_events", json_integer((json_int_t)memo->place.events));
		bad |= json_object_set_new(json, "lines", json_integer((json_int_t)memo->place.lines));
		if (memo->mark >= 0)
			bad |= json_object_set_new(json, "mark", json_integer((json_int_t)memo->mark));
	}
	if (!bad)
		text = json_dumps(json, JSON_REAL_PRECISION(17));
	json_decref(json);
	return text;
}

ur_status ur_stream_state_write(const char *path, const ur_model *m, const ur_stream *stream,
                                const ur_stream_memo *memo, ur_err *err)
{
	size_t bytes = unroll_stream_save_size(stream);
	void *state = malloc(bytes);
	char *text = memo_text(memo);
	ur_meta meta = { KEY, text };
	ur_tensor tensor[2] = { { .name = STREAM, .dtype = UR_ST_U8, .rank = 1, .data = state },
		{ .name = OUTPUTS, .dtype = UR_ST_F32, .rank = 1, .shape = { unroll_outputs(m) }, .data = memo->outputs } };
	ur_status status = state && text ? unroll_stream_save(stream, state, bytes, &bytes, err)
		: ur_fail(err, UR_E_NOMEM, "out of memory for the stream's state: it has %zu bytes", bytes);

	tensor[0].shape[0] = (int64_t)bytes;
	if (!status)
		status = ur_safetensors_write(path, memo->heard ? 2 : 1, tensor, 1, &meta, err);
	free(text);
	free(state);
	return status;
}

/* ---- reading: nothing in the file is trusted ---- */

static ur_status damaged(const char *path, const char *what, ur_err *err)
{
	return ur_fail(err, UR_E_FORMAT, "%s is no state of a stream (%s): give another --state-file, or remove it to "
	               "start afresh", ur_path_tail(path), what);
}

/* A whole number of at least 0 that can be counted on from; absent: *ok is 0. */
static int64_t count_of(const json_t *json, const char *key, int *ok)
{
	const json_t *x = json_object_get(json, key);

	*ok &= json_is_integer(x) && json_integer_value(x) >= 0 && json_integer_value(x) <= MOST_COUNT;
	return *ok ? (int64_t)json_integer_value(x) : 0;
}

static ur_status read_memo(const char *path, const ur_safetensors *file, ur_stream_memo *memo, ur_err *err)
{
	const char *text = ur_safetensors_meta(file, KEY);
	json_t *json = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const json_t *source = json_object_get(json, "source"), *answer = json_object_get(json, "answer");
	ur_status status = UR_OK;
	int ok = json != NULL;

	if (ok && json_integer_value(json_object_get(json, "version")) != VERSION)
		status = damaged(path, "its version is not 2", err);
	memo->events = count_of(json, "events", &ok);
	memo->since = count_of(json, "since", &ok);
	memo->answer = json_is_real(answer) ? json_real_value(answer) : NAN;
	if (source) {
		memo->place.bytes = count_of(json, "bytes", &ok);
		memo->place.events = count_of(json, "source_events", &ok);
		memo->place.lines = count_of(json, "lines", &ok);
		memo->mark = json_object_get(json, "mark") ? count_of(json, "mark", &ok) : -1;
		ok &= json_is_string(source);
		memo->source = ok ? strdup(json_string_value(source)) : NULL;
		if (ok && !memo->source)
			status = ur_fail(err, UR_E_NOMEM, "out of memory for reading %s", ur_path_tail(path));
	}
	if (!ok && !status)
		status = damaged(path, text ? "its counts are missing or wrong" : "it says nothing of a stream", err);
	json_decref(json);
	return status;
}

static ur_status read_tensors(const char *path, const ur_safetensors *file, const ur_model *m, ur_stream *stream,
                              ur_stream_memo *memo, ur_err *err)
{
	const ur_tensor *state = ur_safetensors_find(file, STREAM), *outputs = ur_safetensors_find(file, OUTPUTS);
	ur_err why = { 0 };
	ur_status status;

	if (!state || state->dtype != UR_ST_U8)
		return damaged(path, "it has no stream in it", err);
	status = unroll_stream_restore(stream, state->data, state->bytes, &why);
	if (status)
		return ur_fail(err, status, "%s: %s", ur_path_tail(path), why.text);
	if (outputs && (outputs->dtype != UR_ST_F32 || outputs->rank != 1 || outputs->shape[0] != unroll_outputs(m)))
		return damaged(path, "its outputs are of another model", err);
	memo->heard = outputs != NULL;
	return outputs ? ur_tensor_read_f32(file, outputs, memo->outputs, err) : UR_OK;
}

ur_status ur_stream_state_read(const char *path, const ur_model *m, ur_stream *stream, ur_stream_memo *memo, int *found,
                               ur_err *err)
{
	ur_safetensors *file;
	ur_status status;

	*found = access(path, F_OK) == 0;
	if (!*found)
		return UR_OK;
	status = ur_safetensors_open(path, &file, err);
	if (status)
		return status;
	status = read_memo(path, file, memo, err);
	if (!status)
		status = read_tensors(path, file, m, stream, memo, err);
	ur_safetensors_close(file);
	return status;
}
