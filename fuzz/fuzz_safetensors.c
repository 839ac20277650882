/* Any bytes: open as a safetensors file; what opens is walked from end to end, read as float32, written back to
 * memory, and opened again with equal content. */
#include "format/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define must(what) \
	do { \
		if (!(what)) { \
			fprintf(stderr, "line %d: %s\n", __LINE__, #what); \
			abort(); \
		} \
	} while (0)

struct memory { char *bytes; size_t size, room; };

static ur_status append(void *memory, const void *bytes, size_t count, ur_err *err)
{
	struct memory *m = memory;
	if (m->size + count > m->room) {
		m->room = 2 * (m->size + count);
		m->bytes = realloc(m->bytes, m->room);
		if (!m->bytes)
			return ur_fail(err, UR_E_NOMEM, "no memory");
	}
	memcpy(m->bytes + m->size, bytes, count);
	m->size += count;
	return UR_OK;
}

static void read_floats(const ur_safetensors *f, const ur_tensor *t)
{
	ur_err err = { 0 };
	float *out = malloc((size_t)t->count * sizeof *out + 1);
	ur_status status;
	must(out);
	status = ur_tensor_read_f32(f, t, out, &err);
	must(status == UR_OK || (status == UR_E_FORMAT && err.text[0]));
	free(out);
}

static void same(const ur_safetensors *a, const ur_safetensors *b)
{
	must(ur_safetensors_count(a) == ur_safetensors_count(b));
	for (int i = 0; i < ur_safetensors_count(a); i++) {
		const ur_tensor *s = ur_safetensors_at(a, i), *t = ur_safetensors_find(b, s->name);
		must(t && !strcmp(s->name, t->name) && s->dtype == t->dtype && s->rank == t->rank && s->count == t->count);
		must(!memcmp(s->shape, t->shape, sizeof s->shape) && s->bytes == t->bytes);
		must(!s->bytes || !memcmp(s->data, t->data, s->bytes));
	}
	must(ur_safetensors_meta_count(a) == ur_safetensors_meta_count(b));
	for (int i = 0; i < ur_safetensors_meta_count(a); i++) {
		const ur_meta *s = ur_safetensors_meta_at(a, i), *t = ur_safetensors_meta_at(b, i);
		must(!strcmp(s->key, t->key) && !strcmp(s->value, t->value));
		must(ur_safetensors_meta(b, s->key) == t->value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	ur_safetensors *f, *again;
	ur_err err = { 0 };
	struct memory copy = { 0 };
	ur_tensor *tensors;
	ur_meta *meta;
	int n, m;

	if (ur_safetensors_open_memory(bytes, size, "input", &f, &err)) {
		must(!f && err.status && err.text[0]);
		return 0;
	}
	n = ur_safetensors_count(f);
	m = ur_safetensors_meta_count(f);
	tensors = calloc((size_t)n + 1, sizeof *tensors);
	meta = calloc((size_t)m + 1, sizeof *meta);
	must(tensors && meta);
	for (int i = 0; i < n; i++) {
		tensors[i] = *ur_safetensors_at(f, i);
		must((const uint8_t *)tensors[i].data >= bytes && tensors[i].bytes <= size);
		must((const uint8_t *)tensors[i].data + tensors[i].bytes <= bytes + size);
		must(ur_safetensors_find(f, tensors[i].name) == ur_safetensors_at(f, i));
		read_floats(f, &tensors[i]);
	}
	for (int i = 0; i < m; i++)
		meta[i] = *ur_safetensors_meta_at(f, i);
	must(ur_safetensors_emit(n, tensors, m, meta, append, &copy, &err) == UR_OK);
	must(ur_safetensors_open_memory(copy.bytes, copy.size, "copy", &again, &err) == UR_OK);
	same(f, again);
	ur_safetensors_close(again);
	ur_safetensors_close(f);
	free(copy.bytes);
	free(tensors);
	free(meta);
	return 0;
}
