/* Safetensors: reading with every check at the door, and streaming writing. Format and alignment: safetensors.h. */
#include "format/safetensors.h"

#include "base/file.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "safetensors data is little-endian, and read in place");
_Static_assert(sizeof(float) == 4 && sizeof(double) == 8, "IEEE 754 floats");

enum {
	LENGTH = 8,              /* bytes of the header's length */
	HEADER_MOST = 100000000, /* the official reader's limit */
	ALIGN = 64,
	SHOWN = 96,              /* bytes of a name that a message shows */
	BLOCK = 1 << 18          /* bytes a strided tensor is gathered by: several rows of most */
};

static const char metadata_key[] = "__metadata__";

struct ur_safetensors {
	ur_map map;             /* empty when opened from memory */
	const char *path;       /* for messages: the last bytes of it */
	json_t *root;           /* owns names and metadata */
	ur_tensor *tensors;     /* by offset */
	const ur_tensor **by_name;
	ur_meta *meta;
	int count, meta_count;
	char tail[];
};

static const struct { const char *name; size_t size; } dtypes[UR_ST_DTYPE_COUNT] = {
#define X(name, bytes) { #name, bytes },
	UR_ST_DTYPES(X)
#undef X
};

const char *ur_st_dtype_name(ur_st_dtype dtype)
{
	return (unsigned)dtype < UR_ST_DTYPE_COUNT ? dtypes[dtype].name : NULL;
}

size_t ur_st_dtype_size(ur_st_dtype dtype)
{
	return (unsigned)dtype < UR_ST_DTYPE_COUNT ? dtypes[dtype].size : 0;
}

/* A text from a file for use in a message: no control bytes, cut to what `out` holds. */
static const char *show(const char *text, char out[static SHOWN])
{
	size_t n = 0;
	for (; text[n] && n < SHOWN - 4; n++)
		out[n] = (unsigned char)text[n] < ' ' || text[n] == 127 ? '?' : text[n];
	if (text[n]) {
		while (n && ((unsigned char)text[n] & 0xC0) == 0x80)
			n--; /* not inside a character */
		memcpy(out + n, "...", 3);
		n += 3;
	}
	out[n] = 0;
	return out;
}

/* count and bytes of a shape. NULL, or what is wrong with it. */
static const char *measure(ur_tensor *t)
{
	int64_t count = 1, bytes;
	for (int i = 0; i < t->rank; i++) {
		if (t->shape[i] < 0)
			return "a size in its shape is negative";
		if (__builtin_mul_overflow(count, t->shape[i], &count))
			return "the product of its shape overflows 64 bits";
	}
	if (__builtin_mul_overflow(count, (int64_t)dtypes[t->dtype].size, &bytes) || (uint64_t)bytes > SIZE_MAX / 2)
		return "its size in bytes overflows";
	t->count = count;
	t->bytes = (size_t)bytes;
	return NULL;
}

/* -- reading -- */

static ur_status bad(const ur_safetensors *f, ur_err *err, const char *tensor, const char *what)
{
	char name[SHOWN];
	return ur_fail(err, UR_E_FORMAT, "%s: tensor '%s': %s", f->path, show(tensor, name), what);
}

/* What a file that is no safetensors file is likely to be. */
static const char *guess(const unsigned char *bytes, size_t size)
{
	static const struct { const char *start, *hint; } known[] = {
		{ "PK\003\004", "; this is a ZIP archive, perhaps PyTorch's own format: save it with safetensors instead" },
		{ "GGUF", "; this is a GGUF file" },
		{ "version https://git-lfs", "; this is a Git LFS pointer: fetch the file it stands for" },
		{ "\x89HDF", "; this is an HDF5 file" },
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		size_t n = strlen(known[i].start);
		if (size >= n && !memcmp(bytes, known[i].start, n))
			return known[i].hint;
	}
	return "; is it a safetensors file, and whole?";
}

/* Reads [begin, end] of a tensor and sets its data. The hole and overlap check needs them all: see check_layout. */
static ur_status read_offsets(ur_safetensors *f, ur_tensor *t, const json_t *value, const unsigned char *data,
                              size_t size, ur_err *err)
{
	const json_t *offsets = json_object_get(value, "data_offsets");
	json_int_t begin, end;
	char name[SHOWN];

	if (!json_is_array(offsets) || json_array_size(offsets) != 2 || !json_is_integer(json_array_get(offsets, 0)) ||
	    !json_is_integer(json_array_get(offsets, 1)))
		return bad(f, err, t->name, "has no data_offsets of two integers");
	begin = json_integer_value(json_array_get(offsets, 0));
	end = json_integer_value(json_array_get(offsets, 1));
	if (begin < 0 || end < begin)
		return ur_fail(err, UR_E_FORMAT, "%s: tensor '%s': data_offsets [%lld, %lld] are not a range", f->path,
		               show(t->name, name), (long long)begin, (long long)end);
	if ((uint64_t)end > size)
		return ur_fail(err, UR_E_FORMAT, "%s: tensor '%s': data_offsets [%lld, %lld] pass the end of the data, which "
		               "has %zu bytes; the file may have been cut short", f->path, show(t->name, name),
		               (long long)begin, (long long)end, size);
	if ((size_t)(end - begin) != t->bytes)
		return ur_fail(err, UR_E_FORMAT, "%s: tensor '%s': data_offsets [%lld, %lld] hold %lld bytes, but %lld "
		               "elements of %s need %zu", f->path, show(t->name, name), (long long)begin, (long long)end,
		               (long long)(end - begin), (long long)t->count, dtypes[t->dtype].name, t->bytes);
	t->data = data + begin;
	return UR_OK;
}

static ur_status read_tensor(ur_safetensors *f, ur_tensor *t, const char *name, const json_t *value,
                             const unsigned char *data, size_t size, ur_err *err)
{
	const json_t *dtype = json_object_get(value, "dtype"), *shape = json_object_get(value, "shape");
	const char *what;
	int known = 0;

	t->name = name;
	if (!json_is_object(value))
		return bad(f, err, name, "is not a JSON object");
	if (!json_is_string(dtype))
		return bad(f, err, name, "has no dtype");
	while (known < UR_ST_DTYPE_COUNT && strcmp(json_string_value(dtype), dtypes[known].name))
		known++;
	if (known == UR_ST_DTYPE_COUNT) {
		char shown[SHOWN], type[SHOWN];
		return ur_fail(err, UR_E_FORMAT, "%s: tensor '%s': unknown dtype '%s'", f->path, show(name, shown),
		               show(json_string_value(dtype), type));
	}
	t->dtype = (ur_st_dtype)known;
	if (!json_is_array(shape))
		return bad(f, err, name, "has no shape");
	if (json_array_size(shape) > UR_TENSOR_RANK) {
		char shown[SHOWN];
		return ur_fail(err, UR_E_FORMAT, "%s: tensor '%s': its shape has %zu sizes; at most %d are supported", f->path,
		               show(name, shown), json_array_size(shape), UR_TENSOR_RANK);
	}
	t->rank = (int)json_array_size(shape);
	for (int i = 0; i < t->rank; i++) {
		const json_t *n = json_array_get(shape, (size_t)i);
		if (!json_is_integer(n))
			return bad(f, err, name, "its shape is not a list of integers");
		t->shape[i] = json_integer_value(n);
	}
	what = measure(t);
	if (what)
		return bad(f, err, name, what);
	return read_offsets(f, t, value, data, size, err);
}

static ur_status read_metadata(ur_safetensors *f, json_t *meta, ur_err *err)
{
	const char *key;
	json_t *value;
	char shown[SHOWN];

	if (!json_is_object(meta))
		return ur_fail(err, UR_E_FORMAT, "%s: __metadata__ is not a JSON object", f->path);
	f->meta = calloc(json_object_size(meta) + 1, sizeof *f->meta);
	if (!f->meta)
		return ur_fail(err, UR_E_NOMEM, "%s: no memory for its metadata", f->path);
	json_object_foreach(meta, key, value) {
		if (!json_is_string(value))
			return ur_fail(err, UR_E_FORMAT, "%s: __metadata__: the value of '%s' is not a string", f->path,
			               show(key, shown));
		f->meta[f->meta_count++] = (ur_meta){ key, json_string_value(value) };
	}
	return UR_OK;
}

static int by_place(const void *a, const void *b)
{
	const ur_tensor *s = a, *t = b;
	const char *p = s->data, *q = t->data;
	if (p != q)
		return p < q ? -1 : 1;
	if (s->bytes != t->bytes) /* empty ones first */
		return s->bytes < t->bytes ? -1 : 1;
	return strcmp(s->name, t->name);
}

static int by_name(const void *a, const void *b)
{
	const ur_tensor *const *s = a, *const *t = b;
	return strcmp((*s)->name, (*t)->name);
}

/* Sorts the tensors and checks that they fill [data, data + size). */
static ur_status check_layout(ur_safetensors *f, const unsigned char *data, size_t size, ur_err *err)
{
	size_t end = 0;
	char name[SHOWN], before[SHOWN];

	qsort(f->tensors, (size_t)f->count, sizeof *f->tensors, by_place);
	for (int i = 0; i < f->count; i++) {
		const ur_tensor *t = &f->tensors[i];
		size_t begin = (size_t)((const unsigned char *)t->data - data);
		if (begin < end)
			return ur_fail(err, UR_E_FORMAT, "%s: tensor '%s': starts at byte %zu of the data, inside tensor '%s', "
			               "which ends at %zu", f->path, show(t->name, name), begin, show(t[-1].name, before), end);
		if (begin > end)
			return ur_fail(err, UR_E_FORMAT, "%s: tensor '%s': starts at byte %zu of the data, leaving a hole of %zu "
			               "bytes before it", f->path, show(t->name, name), begin, begin - end);
		end = begin + t->bytes;
		f->by_name[i] = t;
	}
	if (end != size)
		return ur_fail(err, UR_E_FORMAT, "%s: %zu bytes follow the last tensor, and none may", f->path, size - end);
	qsort(f->by_name, (size_t)f->count, sizeof *f->by_name, by_name);
	return UR_OK;
}

static ur_status parse(ur_safetensors *f, const unsigned char *bytes, size_t size, ur_err *err)
{
	const unsigned char *data;
	uint64_t length;
	json_error_t json;
	const char *key;
	json_t *value;
	char shown[SHOWN];
	size_t members;
	ur_status status;

	if (size < LENGTH)
		return ur_fail(err, UR_E_FORMAT, "%s: has %zu bytes; a safetensors file has at least 10", f->path, size);
	memcpy(&length, bytes, LENGTH);
	if (length > HEADER_MOST)
		return ur_fail(err, UR_E_FORMAT, "%s: its first 8 bytes announce a header of %llu bytes, more than the limit "
		               "of %d%s", f->path, (unsigned long long)length, HEADER_MOST, guess(bytes, size));
	if (length > size - LENGTH)
		return ur_fail(err, UR_E_FORMAT, "%s: its first 8 bytes announce a header of %llu bytes, but only %zu follow%s",
		               f->path, (unsigned long long)length, size - LENGTH, guess(bytes, size));
	if (length == 0 || bytes[LENGTH] != '{')
		return ur_fail(err, UR_E_FORMAT, "%s: the header at byte 8 does not start with '{'", f->path);
	data = bytes + LENGTH + length;
	size -= LENGTH + (size_t)length;
	f->root = json_loadb((const char *)bytes + LENGTH, (size_t)length, JSON_REJECT_DUPLICATES, &json);
	if (!f->root && json_error_code(&json) == json_error_out_of_memory)
		return ur_fail(err, UR_E_NOMEM, "%s: no memory for its header of %llu bytes", f->path,
		               (unsigned long long)length);
	if (!f->root)
		return ur_fail(err, UR_E_FORMAT, "%s: the header is not valid JSON, at byte %lld: %s", f->path,
		               (long long)json.position + LENGTH, show(json.text, shown));
	members = json_object_size(f->root);
	if (members > INT_MAX)
		return ur_fail(err, UR_E_FORMAT, "%s: too many tensors", f->path);
	f->tensors = calloc(members + 1, sizeof *f->tensors);
	f->by_name = calloc(members + 1, sizeof *f->by_name);
	if (!f->tensors || !f->by_name)
		return ur_fail(err, UR_E_NOMEM, "%s: no memory for %zu tensors", f->path, members);
	json_object_foreach(f->root, key, value) {
		status = strcmp(key, metadata_key) ? read_tensor(f, &f->tensors[f->count++], key, value, data, size, err) :
			read_metadata(f, value, err);
		if (status)
			return status;
	}
	return check_layout(f, data, size, err);
}

static ur_status open_in(ur_map map, const void *bytes, size_t size, const char *path, ur_safetensors **file,
                         ur_err *err)
{
	const char *tail = ur_path_tail(path);
	size_t n = strlen(tail) + 1;
	ur_safetensors *f = calloc(1, sizeof *f + n);
	ur_status status;

	*file = NULL;
	if (!f) {
		ur_file_unmap(&map);
		return ur_fail(err, UR_E_NOMEM, "%s: no memory to open it", tail);
	}
	memcpy(f->tail, tail, n);
	f->path = f->tail;
	f->map = map;
	status = parse(f, bytes, size, err);
	if (status)
		ur_safetensors_close(f);
	else
		*file = f;
	return status;
}

ur_status ur_safetensors_open(const char *path, ur_safetensors **file, ur_err *err)
{
	ur_map map;
	ur_status status = ur_file_map(path, &map, err);

	*file = NULL;
	return status ? status : open_in(map, map.bytes, map.size, path, file, err);
}

ur_status ur_safetensors_open_memory(const void *bytes, size_t size, const char *name, ur_safetensors **file,
                                     ur_err *err)
{
	return open_in((ur_map){ 0 }, bytes, size, name, file, err);
}

void ur_safetensors_close(ur_safetensors *f)
{
	if (!f)
		return;
	json_decref(f->root);
	free(f->tensors);
	free(f->by_name);
	free(f->meta);
	ur_file_unmap(&f->map);
	free(f);
}

int ur_safetensors_count(const ur_safetensors *f) { return f->count; }
const ur_tensor *ur_safetensors_at(const ur_safetensors *f, int i) { return &f->tensors[i]; }
int ur_safetensors_meta_count(const ur_safetensors *f) { return f->meta_count; }
const ur_meta *ur_safetensors_meta_at(const ur_safetensors *f, int i) { return &f->meta[i]; }

const ur_tensor *ur_safetensors_find(const ur_safetensors *f, const char *name)
{
	const ur_tensor key = { .name = name }, *k = &key;
	const ur_tensor *const *found;

	if (!f->count)
		return NULL;
	found = bsearch(&k, f->by_name, (size_t)f->count, sizeof *f->by_name, by_name);
	return found ? *found : NULL;
}

const char *ur_safetensors_meta(const ur_safetensors *f, const char *key)
{
	for (int i = 0; i < f->meta_count; i++)
		if (!strcmp(f->meta[i].key, key))
			return f->meta[i].value;
	return NULL;
}

/* binary16 to binary32, exactly; NaNs keep their payload. */
static float half(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023, bits;
	float f;

	if (exponent == 31)
		bits = sign | 0x7F800000 | fraction << 13;
	else if (exponent)
		bits = sign | (exponent + 112) << 23 | fraction << 13;
	else { /* zero or subnormal: fraction * 2^-24 */
		f = (float)fraction * 0x1p-24f;
		return sign ? -f : f;
	}
	memcpy(&f, &bits, sizeof f);
	return f;
}

ur_status ur_tensor_read_f32(const ur_safetensors *f, const ur_tensor *t, float *out, ur_err *err)
{
	const unsigned char *data = t->data;
	char name[SHOWN];

	switch (t->dtype) {
	case UR_ST_F32:
		if (t->bytes)
			memcpy(out, data, t->bytes);
		return UR_OK;
	case UR_ST_F16:
		for (int64_t i = 0; i < t->count; i++) {
			uint16_t h;
			memcpy(&h, data + 2 * i, sizeof h);
			out[i] = half(h);
		}
		return UR_OK;
	case UR_ST_BF16:
		for (int64_t i = 0; i < t->count; i++) {
			uint16_t h;
			uint32_t bits;
			memcpy(&h, data + 2 * i, sizeof h);
			bits = (uint32_t)h << 16;
			memcpy(&out[i], &bits, sizeof bits);
		}
		return UR_OK;
	case UR_ST_F64:
		for (int64_t i = 0; i < t->count; i++) {
			double d;
			memcpy(&d, data + 8 * i, sizeof d);
			out[i] = (float)d;
		}
		return UR_OK;
	default:
		return ur_fail(err, UR_E_FORMAT, "%s: tensor '%s': holds %s; F32, F16, BF16 or F64 is needed", f->path,
		               show(t->name, name), dtypes[t->dtype].name);
	}
}

/* -- writing -- */

/* A tensor to write and the power of two its size is a multiple of. */
typedef struct place { ur_tensor tensor; int index; size_t power; } place;

static int by_power(const void *a, const void *b)
{
	const place *p = a, *q = b;
	if (p->power != q->power)
		return p->power > q->power ? -1 : 1;
	return p->index < q->index ? -1 : p->index > q->index;
}

/* Checks the tensors, measures them and puts them in the order of their data. */
static ur_status arrange(int n, const ur_tensor *tensors, place *places, ur_err *err)
{
	char name[SHOWN];
	for (int i = 0; i < n; i++) {
		place *p = &places[i];
		ur_tensor *t = &p->tensor;
		const char *what = NULL;
		*t = tensors[i];
		if (!t->name)
			return ur_fail(err, UR_E_INVALID, "tensor %d to write has no name", i);
		if (!ur_st_dtype_size(t->dtype))
			what = "has no such dtype";
		else if (t->rank < 0 || t->rank > UR_TENSOR_RANK)
			what = "has a rank that is not supported";
		else if (!strcmp(t->name, metadata_key))
			what = "is a name the format keeps for metadata";
		else if ((t->row || t->col) && t->rank != 2)
			what = "has strides, but is not a matrix";
		else
			what = measure(t);
		if (!what && t->bytes && !t->data)
			what = "has no data";
		if (what)
			return ur_fail(err, UR_E_INVALID, "cannot write tensor '%s': %s", show(t->name, name), what);
		p->index = i;
		p->power = t->bytes ? t->bytes & -t->bytes : ALIGN;
		if (p->power > ALIGN)
			p->power = ALIGN;
	}
	qsort(places, (size_t)n, sizeof *places, by_power);
	return UR_OK;
}

/* Puts `value` (taken over) at `key`, which must be new. */
static ur_status put(json_t *object, const char *key, json_t *value, ur_err *err)
{
	char name[SHOWN];
	if (json_object_get(object, key)) {
		json_decref(value);
		return ur_fail(err, UR_E_INVALID, "cannot write '%s': the name is there twice", show(key, name));
	}
	errno = 0;
	if (!value || json_object_set_new(object, key, value)) {
		if (errno == ENOMEM)
			return ur_fail(err, UR_E_NOMEM, "no memory for a file's header");
		return ur_fail(err, UR_E_INVALID, "cannot write '%s': its name or value is not UTF-8 text", show(key, name));
	}
	return UR_OK;
}

/* The header as JSON text, malloc'd, and in *bytes the size of the data. */
static ur_status header_text(int n, const place *places, int m, const ur_meta *meta, char **text, int64_t *bytes,
                             ur_err *err)
{
	json_t *root = json_object(), *texts = m ? json_object() : NULL;
	ur_status status = root && (texts || !m) ? UR_OK : ur_fail(err, UR_E_NOMEM, "no memory for a file's header");

	*text = NULL;
	*bytes = 0;
	for (int i = 0; i < m && !status; i++)
		status = meta[i].key && meta[i].value ? put(texts, meta[i].key, json_string(meta[i].value), err) :
			ur_fail(err, UR_E_INVALID, "metadata %d to write has no key or no value", i);
	if (!status && m)
		status = put(root, metadata_key, json_incref(texts), err);
	for (int i = 0; i < n && !status; i++) {
		const ur_tensor *t = &places[i].tensor;
		json_t *shape = json_array(), *value = NULL;
		int64_t end;
		int failed = !shape;
		for (int j = 0; j < t->rank && !failed; j++)
			failed = json_array_append_new(shape, json_integer(t->shape[j]));
		if (__builtin_add_overflow(*bytes, (int64_t)t->bytes, &end)) {
			status = ur_fail(err, UR_E_INVALID, "the tensors to write have more than 2^63 bytes");
			failed = 1;
		}
		if (!failed)
			value = json_pack("{s:s, s:O, s:[I, I]}", "dtype", dtypes[t->dtype].name, "shape", shape, "data_offsets",
			                  (json_int_t)*bytes, (json_int_t)end);
		json_decref(shape);
		if (!status)
			status = value ? put(root, t->name, value, err) : ur_fail(err, UR_E_NOMEM, "no memory for a file's header");
		*bytes = end;
	}
	if (!status && !(*text = json_dumps(root, JSON_COMPACT)))
		status = ur_fail(err, UR_E_NOMEM, "no memory for a file's header");
	json_decref(texts);
	json_decref(root);
	return status;
}

/* block[(a, b)] = data[(i + a) row + (j + b) col] for a < high, b < wide; walks along the shorter stride. */
static inline void gather(char *block, const char *data, size_t size, int64_t high, int64_t wide, ptrdiff_t row,
                          ptrdiff_t col)
{
	if (llabs(row) < llabs(col)) {
		for (int64_t b = 0; b < wide; b++)
			for (int64_t a = 0; a < high; a++)
				memcpy(block + (size_t)(a * wide + b) * size, data + (a * row + b * col) * (ptrdiff_t)size, size);
	} else {
		for (int64_t a = 0; a < high; a++)
			for (int64_t b = 0; b < wide; b++)
				memcpy(block + (size_t)(a * wide + b) * size, data + (a * row + b * col) * (ptrdiff_t)size, size);
	}
}

static ur_status emit_strided(const ur_tensor *t, ur_sink *sink, void *arg, ur_err *err)
{
	size_t size = dtypes[t->dtype].size;
	int64_t rows = t->shape[0], cols = t->shape[1], room = BLOCK / (int64_t)size;
	int64_t most_wide = cols < room ? cols : room, most_high = cols <= room ? room / cols : 1;
	char *block = malloc(BLOCK);
	ur_status status = UR_OK;

	if (!block)
		return ur_fail(err, UR_E_NOMEM, "no memory to write a transposed tensor");
	for (int64_t i = 0; i < rows && !status; i += most_high)
		for (int64_t j = 0; j < cols && !status; j += most_wide) {
			int64_t high = rows - i < most_high ? rows - i : most_high;
			int64_t wide = cols - j < most_wide ? cols - j : most_wide;
			const char *from = (const char *)t->data + (i * t->row + j * t->col) * (ptrdiff_t)size;
			switch (size) { /* constants, so that memcpy is one move */
			case 1: gather(block, from, 1, high, wide, t->row, t->col); break;
			case 2: gather(block, from, 2, high, wide, t->row, t->col); break;
			case 4: gather(block, from, 4, high, wide, t->row, t->col); break;
			default: gather(block, from, 8, high, wide, t->row, t->col); break;
			}
			status = sink(arg, block, (size_t)(high * wide) * size, err);
		}
	free(block);
	return status;
}

/* Sends header and data; `begin`, where there is one, hears the size of the file first. */
static ur_status emit(int n, const ur_tensor *tensors, int m, const ur_meta *meta, ur_sink *sink, void *arg,
                      ur_status (*begin)(void *arg, int64_t bytes, ur_err *err), ur_err *err)
{
	char spaces[ALIGN];
	place *places = calloc((size_t)n + 1, sizeof *places);
	char *text = NULL;
	size_t length, padding;
	uint64_t announced;
	int64_t bytes;
	ur_status status;

	if (!places)
		return ur_fail(err, UR_E_NOMEM, "no memory for a file's header");
	status = arrange(n, tensors, places, err);
	if (!status)
		status = header_text(n, places, m, meta, &text, &bytes, err);
	if (status)
		goto done;
	length = strlen(text);
	padding = (ALIGN - (LENGTH + length) % ALIGN) % ALIGN;
	announced = length + padding;
	memset(spaces, ' ', sizeof spaces);
	if (announced > HEADER_MOST) {
		status = ur_fail(err, UR_E_INVALID, "the names and metadata to write need a header of %llu bytes; the format "
		                 "allows %d", (unsigned long long)announced, HEADER_MOST);
		goto done;
	}
	if (begin)
		status = begin(arg, (int64_t)(LENGTH + announced) + bytes, err);
	if (!status)
		status = sink(arg, &announced, LENGTH, err);
	if (!status)
		status = sink(arg, text, length, err);
	if (!status && padding)
		status = sink(arg, spaces, padding, err);
	for (int i = 0; i < n && !status; i++) {
		const ur_tensor *t = &places[i].tensor;
		if (t->bytes && (t->row || t->col))
			status = emit_strided(t, sink, arg, err);
		else if (t->bytes)
			status = sink(arg, t->data, t->bytes, err);
	}
done:
	free(text);
	free(places);
	return status;
}

ur_status ur_safetensors_emit(int n, const ur_tensor *tensors, int m, const ur_meta *meta, ur_sink *sink, void *arg,
                              ur_err *err)
{
	return emit(n, tensors, m, meta, sink, arg, NULL, err);
}

static ur_status to_file(void *file, const void *bytes, size_t count, ur_err *err)
{
	return ur_file_write(file, bytes, count, err);
}

static ur_status reserve(void *file, int64_t bytes, ur_err *err) { return ur_file_reserve(file, bytes, err); }

ur_status ur_safetensors_write(const char *path, int n, const ur_tensor *tensors, int m, const ur_meta *meta,
                               ur_err *err)
{
	ur_file *file;
	ur_status status = ur_file_begin(path, &file, err);

	if (status)
		return status;
	status = emit(n, tensors, m, meta, to_file, file, reserve, err);
	if (status) {
		ur_file_abandon(file);
		return status;
	}
	return ur_file_commit(file, err);
}
