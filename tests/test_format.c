/* Safetensors: round trips, every class of malformed file with its message, conversions to float32.
 *
 *     test_format write DIR       writes files for another reader (python_formats.sh)
 *     test_format check FILE      opens one and prints its tensors, "name dtype shape sum", and metadata */
#define _GNU_SOURCE
#include "test_folder.h"

#include "base/file.h"
#include "base/rng.h"
#include "format/safetensors.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

#define assert_fine(call) \
	do { \
		if (call) \
			fail_msg("%s: %s", #call, err.text); \
	} while (0)

/* -- round trips -- */

static void assert_same(const ur_tensor *a, const ur_tensor *b)
{
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->dtype, b->dtype);
	assert_int_equal(a->rank, b->rank);
	for (int i = 0; i < a->rank; i++)
		assert_int_equal(a->shape[i], b->shape[i]);
}

static void assert_data(const ur_safetensors *f, const char *name, const void *data, size_t bytes)
{
	const ur_tensor *t = ur_safetensors_find(f, name);
	assert_non_null(t);
	assert_int_equal(t->bytes, bytes);
	assert_int_equal((size_t)t->count * ur_st_dtype_size(t->dtype), bytes);
	if (bytes)
		assert_memory_equal(t->data, data, bytes);
}

static const float floats[24] = { 0, 1, -2, 3.5f, 1e-30f, -1e30f, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
	20, 21, 22, 23 };
static const unsigned char bytes24[24] = { 1, 0, 255, 3, 4, 5 };

static const ur_tensor examples[] = {
	{ .name = "odd", .dtype = UR_ST_U8, .rank = 1, .shape = { 7 }, .data = bytes24 },
	{ .name = "vector", .dtype = UR_ST_F32, .rank = 1, .shape = { 5 }, .data = floats },
	{ .name = "matrix", .dtype = UR_ST_F32, .rank = 2, .shape = { 4, 4 }, .data = floats },
	{ .name = "scalar", .dtype = UR_ST_F32, .rank = 0, .data = floats + 3 },
	{ .name = "nothing", .dtype = UR_ST_I64, .rank = 3, .shape = { 2, 0, 3 } },
	{ .name = "nothing too", .dtype = UR_ST_F32, .rank = 1, .shape = { 0 }, .data = floats },
	{ .name = "gew\xc3\xb6hnlich/\xe9\x87\x8d\xe3\x81\xbf \xf0\x9f\x99\x82", .dtype = UR_ST_I16, .rank = 1,
	  .shape = { 3 }, .data = bytes24 },
	{ .name = "quote\" back\\ tab\t", .dtype = UR_ST_BOOL, .rank = 2, .shape = { 1, 2 }, .data = bytes24 },
	{ .name = "", .dtype = UR_ST_F64, .rank = 1, .shape = { 3 }, .data = floats },
	{ .name = "deep", .dtype = UR_ST_I8, .rank = 8, .shape = { 1, 2, 1, 1, 3, 1, 1, 2 }, .data = bytes24 },
};
static const ur_meta texts[] = {
	{ "spec", "lstm:2x256" },
	{ "vocabulary", "{\"a\": \"\\\"\"}\nsecond line\r\n\ttabbed" },
	{ "", "" },
	{ "\xc3\xa9t\xc3\xa9", "\xe2\x98\x80 / \x01 \x7f" },
};

static void round_trip(void **unused)
{
	ur_safetensors *f;
	ur_err err = { 0 };
	(void)unused;
	assert_fine(ur_safetensors_write("all", COUNT(examples), examples, COUNT(texts), texts, &err));
	assert_fine(ur_safetensors_open("all", &f, &err));
	assert_int_equal(ur_safetensors_count(f), COUNT(examples));
	for (int i = 0; i < COUNT(examples); i++) {
		const ur_tensor *t = ur_safetensors_find(f, examples[i].name);
		assert_non_null(t);
		assert_same(t, &examples[i]);
		assert_int_equal(t->row, 0);
		assert_int_equal(t->col, 0);
		assert_data(f, t->name, examples[i].data, t->bytes);
	}
	assert_int_equal(ur_safetensors_find(f, "scalar")->count, 1);
	assert_int_equal(ur_safetensors_find(f, "nothing")->count, 0);
	assert_null(ur_safetensors_find(f, "absent"));
	assert_null(ur_safetensors_find(f, "__metadata__"));
	assert_int_equal(ur_safetensors_meta_count(f), COUNT(texts));
	for (int i = 0; i < COUNT(texts); i++) {
		assert_string_equal(ur_safetensors_meta_at(f, i)->key, texts[i].key);
		assert_string_equal(ur_safetensors_meta_at(f, i)->value, texts[i].value);
		assert_string_equal(ur_safetensors_meta(f, texts[i].key), texts[i].value);
	}
	assert_null(ur_safetensors_meta(f, "absent"));
	ur_safetensors_close(f);
	ur_safetensors_close(NULL);
}

static void nothing_round_trips(void **unused)
{
	ur_safetensors *f;
	ur_err err = { 0 };
	(void)unused;
	assert_fine(ur_safetensors_write("nothing", 0, NULL, 0, NULL, &err));
	assert_fine(ur_safetensors_open("nothing", &f, &err));
	assert_int_equal(ur_safetensors_count(f), 0);
	assert_int_equal(ur_safetensors_meta_count(f), 0);
	assert_null(ur_safetensors_find(f, ""));
	assert_null(ur_safetensors_meta(f, ""));
	ur_safetensors_close(f);
}

static void data_is_aligned(void **unused)
{
	static const int64_t sizes[] = { 3, 64, 16, 1, 48, 0, 128, 7, 32, 100, 640, 2 };
	char names[COUNT(sizes)][16];
	ur_tensor t[COUNT(sizes)] = { { 0 } };
	static char data[640];
	ur_map first, again;
	ur_err err = { 0 };
	(void)unused;
	for (size_t longer = 0; longer < 70; longer++) { /* headers of every length modulo 64 */
		char value[80] = { 0 };
		const ur_meta meta = { "k", value };
		ur_safetensors *f;
		uint64_t header;
		memset(value, 'v', longer);
		for (int i = 0; i < COUNT(sizes); i++) {
			snprintf(names[i], sizeof names[i], "t%d", i);
			t[i] = (ur_tensor){ .name = names[i], .dtype = UR_ST_U8, .rank = 1, .shape = { sizes[i] }, .data = data };
		}
		assert_fine(ur_safetensors_write("aligned", COUNT(sizes), t, 1, &meta, &err));
		assert_fine(ur_file_map("aligned", &first, &err));
		memcpy(&header, first.bytes, 8);
		assert_int_equal((8 + header) % 64, 0);
		assert_true(first.bytes[8] == '{');
		ur_file_unmap(&first);
		assert_fine(ur_safetensors_open("aligned", &f, &err));
		for (int i = 0; i < COUNT(sizes); i++) {
			const ur_tensor *at = ur_safetensors_at(f, i);
			uintptr_t power = 64;
			while (at->bytes % power)
				power /= 2;
			assert_int_equal((uintptr_t)at->data % power, 0);
			if (i)
				assert_ptr_equal(at->data, (const char *)at[-1].data + at[-1].bytes);
		}
		ur_safetensors_close(f);
	}
	/* same input, same bytes */
	assert_fine(ur_file_map("aligned", &first, &err));
	{
		char value[80] = { 0 };
		const ur_meta meta = { "k", value };
		memset(value, 'v', 69);
		assert_fine(ur_safetensors_write("aligned2", COUNT(sizes), t, 1, &meta, &err));
	}
	assert_fine(ur_file_map("aligned2", &again, &err));
	assert_int_equal(first.size, again.size);
	assert_memory_equal(first.bytes, again.bytes, first.size);
	ur_file_unmap(&first);
	ur_file_unmap(&again);
}

/* Writes a (rows, cols) view of elements numbered in storage and checks each one. */
static void check_view(int64_t rows, int64_t cols, ptrdiff_t row, ptrdiff_t col, size_t size, ur_st_dtype dtype)
{
	ptrdiff_t low = (row < 0 ? row * (rows - 1) : 0) + (col < 0 ? col * (cols - 1) : 0);
	ptrdiff_t high = (row > 0 ? row * (rows - 1) : 0) + (col > 0 ? col * (cols - 1) : 0);
	size_t n = (size_t)(high - low + 1);
	unsigned char *store = malloc(n * size);
	const ur_tensor view = { .name = "view", .dtype = dtype, .rank = 2, .shape = { rows, cols },
		.data = store - low * (ptrdiff_t)size, .row = row, .col = col };
	ur_safetensors *f;
	ur_err err = { 0 };
	const ur_tensor *t;

	assert_non_null(store);
	for (size_t i = 0; i < n * size; i++)
		store[i] = (unsigned char)ur_rng_below(7, n, i, 256);
	assert_fine(ur_safetensors_write("view", 1, &view, 0, NULL, &err));
	assert_fine(ur_safetensors_open("view", &f, &err));
	t = ur_safetensors_find(f, "view");
	assert_non_null(t);
	assert_same(t, &view);
	for (int64_t i = 0; i < rows; i++)
		for (int64_t j = 0; j < cols; j++)
			if (memcmp((const char *)t->data + (size_t)(i * cols + j) * size,
			           (const char *)view.data + (i * row + j * col) * (ptrdiff_t)size, size))
				fail_msg("element (%lld, %lld) of %lld x %lld", (long long)i, (long long)j, (long long)rows,
				         (long long)cols);
	ur_safetensors_close(f);
	free(store);
}

static void views_are_written_transposed(void **unused)
{
	(void)unused;
	check_view(3, 5, 1, 3, 4, UR_ST_F32);          /* the transpose of a dense (5, 3) */
	check_view(300, 700, 1, 300, 4, UR_ST_F32);
	check_view(257, 129, 1, 257, 8, UR_ST_F64);
	check_view(3, 300000, 1, 3, 1, UR_ST_I8);      /* a row longer than the gathering block */
	check_view(3, 140000, 140001, 1, 2, UR_ST_BF16); /* rows with a gap */
	check_view(30000, 3, 3, 1, 4, UR_ST_I32);      /* dense, said so */
	check_view(4, 6, -6, 1, 4, UR_ST_F32);         /* upside down */
	check_view(5, 4, 0, 1, 4, UR_ST_F32);          /* one row again and again */
	check_view(1, 1, 1, 1, 2, UR_ST_F16);
}

static void float32_is_read_from_all_floats(void **unused)
{
	/* binary16 patterns and their values (IEEE 754-2008, 3.6) */
	static const uint16_t half[] = { 0x0000, 0x8000, 0x3C00, 0xC000, 0x7BFF, 0x0400, 0x03FF, 0x0001, 0x8001, 0x7C00,
		0xFC00, 0x3555, 0x7E01 };
	static const float half_is[] = { 0, -0.0f, 1, -2, 65504, 0x1p-14f, 0x1.ff8p-15f, 0x1p-24f, -0x1p-24f, INFINITY,
		-INFINITY, 0x1.554p-2f, NAN };
	static const uint16_t brain[] = { 0x3F80, 0xC049, 0x0001, 0x7F80, 0x7FC0 };
	static const float brain_is[] = { 1, -3.140625f, 0x1p-133f, INFINITY, NAN };
	static const double wide[] = { 0.1, -1e300, 3, 1e-60 };
	static const float wide_is[] = { 0.1f, -INFINITY, 3, 0 };
	const ur_tensor t[] = {
		{ .name = "shift", .dtype = UR_ST_U8, .rank = 1, .shape = { 1 }, .data = half },
		{ .name = "half", .dtype = UR_ST_F16, .rank = 1, .shape = { COUNT(half) }, .data = half },
		{ .name = "brain", .dtype = UR_ST_BF16, .rank = 1, .shape = { COUNT(brain) }, .data = brain },
		{ .name = "wide", .dtype = UR_ST_F64, .rank = 1, .shape = { COUNT(wide) }, .data = wide },
		{ .name = "plain", .dtype = UR_ST_F32, .rank = 1, .shape = { COUNT(half_is) }, .data = half_is },
		{ .name = "whole", .dtype = UR_ST_I32, .rank = 1, .shape = { 2 }, .data = half },
	};
	static const struct { const char *name; const float *is; int n; } expected[] = {
		{ "half", half_is, COUNT(half_is) }, { "brain", brain_is, COUNT(brain_is) },
		{ "wide", wide_is, COUNT(wide_is) }, { "plain", half_is, COUNT(half_is) },
	};
	ur_err err = { 0 };
	ur_map map;

	(void)unused;
	assert_fine(ur_safetensors_write("floats", COUNT(t), t, 0, NULL, &err));
	assert_fine(ur_file_map("floats", &map, &err));
	for (size_t shift = 0; shift < 9; shift++) { /* from memory at any alignment */
		char *copy = malloc(map.size + shift);
		ur_safetensors *f;
		float out[16];
		assert_non_null(copy);
		memcpy(copy + shift, map.bytes, map.size);
		assert_fine(ur_safetensors_open_memory(copy + shift, map.size, "copy", &f, &err));
		for (int i = 0; i < COUNT(expected); i++) {
			const ur_tensor *from = ur_safetensors_find(f, expected[i].name);
			assert_int_equal(from->count, expected[i].n);
			assert_fine(ur_tensor_read_f32(f, from, out, &err));
			for (int j = 0; j < expected[i].n; j++) {
				float is = expected[i].is[j];
				if (isnan(is) ? !isnan(out[j]) : memcmp(&out[j], &is, sizeof is))
					fail_msg("%s[%d] is %a, not %a", expected[i].name, j, (double)out[j], (double)is);
			}
		}
		assert_int_equal(ur_tensor_read_f32(f, ur_safetensors_find(f, "whole"), out, &err), UR_E_FORMAT);
		assert_string_equal(err.text, "copy: tensor 'whole': holds I32; F32, F16, BF16 or F64 is needed");
		ur_safetensors_close(f);
		free(copy);
	}
	ur_file_unmap(&map);
}

static void all_half_floats_convert(void **unused)
{
	static uint16_t half[65536];
	static float out[65536];
	ur_tensor t = { .name = "h", .dtype = UR_ST_F16, .count = 65536, .bytes = sizeof half, .data = half };
	ur_err err = { 0 };
	(void)unused;
	for (int i = 0; i < 65536; i++)
		half[i] = (uint16_t)i;
	assert_fine(ur_tensor_read_f32(NULL, &t, out, &err));
	for (int i = 0; i < 65536; i++) {
		int e = i >> 10 & 31, m = i & 1023;
		double v = e == 31 ? (m ? NAN : INFINITY) : e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
		if (m && e == 31)
			assert_true(isnan(out[i]));
		else
			assert_true((double)out[i] == (i & 0x8000 ? -v : v) && !signbit(out[i]) == !(i & 0x8000));
	}
}

/* -- what cannot be written -- */

static void writer_refuses(void **unused)
{
	static const float data[4];
	static const struct { ur_tensor t[2]; int n; const char *says; } bad[] = {
		{ { { .rank = 0, .data = data } }, 1, "tensor 0 to write has no name" },
		{ { { .name = "__metadata__", .data = data } }, 1, "'__metadata__': is a name the format keeps" },
		{ { { .name = "a", .data = data }, { .name = "a", .data = data } }, 2, "'a': the name is there twice" },
		{ { { .name = "\xff", .data = data } }, 1, "is not UTF-8" },
		{ { { .name = "a", .rank = 1, .shape = { -1 }, .data = data } }, 1, "'a': a size in its shape is negative" },
		{ { { .name = "a", .rank = 9, .data = data } }, 1, "'a': has a rank" },
		{ { { .name = "a", .rank = 1, .shape = { 3 } } }, 1, "'a': has no data" },
		{ { { .name = "a", .dtype = (ur_st_dtype)99, .data = data } }, 1, "'a': has no such dtype" },
		{ { { .name = "a", .rank = 1, .shape = { 2 }, .row = 1, .data = data } }, 1, "'a': has strides, but is not" },
		{ { { .name = "a", .rank = 2, .shape = { INT64_MAX, 2 }, .data = data } }, 1, "overflows" },
		{ { { .name = "a", .rank = 1, .shape = { INT64_MAX / 3 }, .data = data } }, 1, "bytes overflows" },
	};
	static const ur_meta twice[] = { { "k", "1" }, { "k", "2" } }, latin = { "k", "\xe9" }, none = { "k", NULL };
	ur_safetensors *f;
	ur_err err = { 0 };

	(void)unused;
	assert_fine(ur_safetensors_write("kept", 1, examples, 0, NULL, &err));
	for (int i = 0; i < COUNT(bad); i++) {
		assert_int_equal(ur_safetensors_write("kept", bad[i].n, bad[i].t, 0, NULL, &err), UR_E_INVALID);
		if (!strstr(err.text, bad[i].says))
			fail_msg("\"%s\" does not say \"%s\"", err.text, bad[i].says);
	}
	assert_int_equal(ur_safetensors_write("kept", 0, NULL, 2, twice, &err), UR_E_INVALID);
	assert_int_equal(ur_safetensors_write("kept", 0, NULL, 1, &latin, &err), UR_E_INVALID);
	assert_int_equal(ur_safetensors_write("kept", 0, NULL, 1, &none, &err), UR_E_INVALID);
	assert_int_equal(ur_safetensors_write("no/such", 0, NULL, 0, NULL, &err), UR_E_IO);
	assert_int_equal(system("ls | grep -q tmp-"), 256); /* no temporary */
	assert_fine(ur_safetensors_open("kept", &f, &err)); /* none of that touched the file */
	assert_int_equal(ur_safetensors_count(f), 1);
	ur_safetensors_close(f);
}

static ur_status stop_after(void *left, const void *bytes, size_t count, ur_err *err)
{
	(void)bytes;
	(void)count;
	return (*(int *)left)-- > 0 ? UR_OK : ur_fail(err, UR_E_STOPPED, "stopped");
}

static void sink_failure_ends_writing(void **unused)
{
	int calls = 0, left;
	(void)unused;
	for (;; calls++) {
		left = calls;
		if (ur_safetensors_emit(COUNT(examples), examples, COUNT(texts), texts, stop_after, &left, NULL) == UR_OK)
			break;
		assert_int_equal(left, -1); /* not called again */
	}
	assert_in_range(calls, 10, 12); /* length, header, padding, and the eight tensors that have bytes */
}

/* -- what cannot be read -- */

/* A file of this header and so many bytes of data; fails to open with a message that has these words. */
static void refuse(const char *header, size_t data, const char *says)
{
	uint64_t n = strlen(header);
	char *bytes = malloc(8 + n + data);
	ur_safetensors *f;
	ur_err err = { 0 };

	assert_non_null(bytes);
	memcpy(bytes, &n, 8);
	memcpy(bytes + 8, header, n);
	memset(bytes + 8 + n, 1, data);
	assert_int_equal(ur_safetensors_open_memory(bytes, 8 + n + data, "m.safetensors", &f, &err), UR_E_FORMAT);
	assert_null(f);
	if (strncmp(err.text, "m.safetensors: ", 15) || !strstr(err.text, says))
		fail_msg("\"%s\" does not say \"%s\"", err.text, says);
	free(bytes);
}

#define T(name, dtype, shape, from, to) \
	"\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to "]}"

static void malformed_headers_are_refused(void **unused)
{
	(void)unused;
	refuse("", 0, "the header at byte 8 does not start with '{'");
	refuse(" {}", 0, "does not start with '{'");
	refuse("[]", 0, "does not start with '{'");
	refuse("{", 0, "not valid JSON, at byte 9");
	refuse("{\"a\": nope}", 0, "not valid JSON");
	refuse("{} x", 0, "not valid JSON");
	refuse("{\"\xff\":1}", 0, "not valid JSON");
	refuse("{\"a\\u0000\":1}", 0, "not valid JSON");
	refuse("{" T("a", "F32", "[1]", 0, 4) "," T("a", "F32", "[1]", 0, 4) "}", 4, "duplicate object key");
	refuse("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "duplicate object key");
	refuse("{\"__metadata__\":7}", 0, "__metadata__ is not a JSON object");
	refuse("{\"__metadata__\":{\"k\":1}}", 0, "__metadata__: the value of 'k' is not a string");
}

static void malformed_tensors_are_refused(void **unused)
{
	(void)unused;
	refuse("{\"a\":1}", 0, "tensor 'a': is not a JSON object");
	refuse("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "tensor 'a': has no dtype");
	refuse("{\"a\":{\"dtype\":4,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "tensor 'a': has no dtype");
	refuse("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "tensor 'a': has no shape");
	refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "tensor 'a': has no data_offsets");
	refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "has no data_offsets of two");
	refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4.0]}}", 4, "has no data_offsets of two");
	refuse("{" T("a", "F31", "[1]", 0, 4) "}", 4, "tensor 'a': unknown dtype 'F31'");
	refuse("{" T("a", "f32", "[1]", 0, 4) "}", 4, "unknown dtype 'f32'");
	refuse("{" T("a", "F32", "[1.5]", 0, 4) "}", 4, "its shape is not a list of integers");
	refuse("{" T("a", "F32", "[\"1\"]", 0, 4) "}", 4, "its shape is not a list of integers");
	refuse("{" T("a", "F32", "[-1]", 0, 4) "}", 4, "a size in its shape is negative");
	refuse("{" T("a", "F32", "[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, "its shape has 9 sizes; at most 8");
	refuse("{" T("a", "F32", "[4294967296,4294967296]", 0, 4) "}", 4, "the product of its shape overflows");
	refuse("{" T("a", "F32", "[4611686018427387904]", 0, 4) "}", 4, "its size in bytes overflows");
	refuse("{" T("a", "F32", "[99999999999999999999]", 0, 4) "}", 4, "not valid JSON");
	refuse("{" T("a\\n\\u001b[31m", "F32", "[-1]", 0, 4) "}", 4, "tensor 'a??[31m': "); /* no control bytes */
}

static void malformed_layouts_are_refused(void **unused)
{
	(void)unused;
	refuse("{" T("a", "F32", "[1]", -4, 0) "}", 4, "tensor 'a': data_offsets [-4, 0] are not a range");
	refuse("{" T("a", "F32", "[1]", 4, 0) "}", 4, "tensor 'a': data_offsets [4, 0] are not a range");
	refuse("{" T("a", "F32", "[2]", 0, 8) "}", 4, "'a': data_offsets [0, 8] pass the end of the data, which has 4");
	refuse("{" T("a", "F32", "[2]", 0, 4) "}", 4, "[0, 4] hold 4 bytes, but 2 elements of F32 need 8");
	refuse("{" T("a", "F32", "[0]", 0, 4) "}", 4, "[0, 4] hold 4 bytes, but 0 elements of F32 need 0");
	refuse("{" T("a", "F32", "[1]", 4, 8) "}", 8, "'a': starts at byte 4 of the data, leaving a hole of 4 bytes");
	refuse("{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1]", 8, 12) "}", 12, "tensor 'b': starts at byte 8");
	refuse("{" T("a", "F32", "[2]", 0, 8) "," T("b", "F32", "[1]", 4, 8) "}", 8,
	       "tensor 'b': starts at byte 4 of the data, inside tensor 'a', which ends at 8");
	refuse("{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1]", 0, 4) "}", 4, "tensor 'b': starts at byte 0");
	refuse("{" T("a", "F32", "[2]", 0, 8) "," T("b", "F32", "[0]", 4, 4) "}", 8, "tensor 'b': starts at byte 4");
	refuse("{" T("a", "F32", "[1]", 0, 4) "}", 5, "1 bytes follow the last tensor");
	refuse("{}", 3, "3 bytes follow the last tensor");
}

static void unusual_files_are_read(void **unused)
{
	/* any order in the header, spaces around, members that are not ours, an empty tensor between two */
	static const char header[] = "{ " T("z", "U8", "[2]", 4, 6) " , " T("e", "F64", "[0,9]", 4, 4) ","
		"\"a\":{\"data_offsets\":[0,4],\"note\":[1],\"shape\":[],\"dtype\":\"F32\"} }   \n";
	uint64_t n = sizeof header - 1;
	char bytes[8 + sizeof header - 1 + 6];
	ur_safetensors *f;
	ur_err err = { 0 };

	(void)unused;
	memcpy(bytes, &n, 8);
	memcpy(bytes + 8, header, n);
	memcpy(bytes + 8 + n, "\0\0\x80\x3f\1\2", 6);
	assert_fine(ur_safetensors_open_memory(bytes, sizeof bytes, "m", &f, &err));
	assert_int_equal(ur_safetensors_count(f), 3);
	assert_string_equal(ur_safetensors_at(f, 0)->name, "a");
	assert_string_equal(ur_safetensors_at(f, 1)->name, "e");
	assert_string_equal(ur_safetensors_at(f, 2)->name, "z");
	assert_data(f, "z", "\1\2", 2);
	{
		float one;
		assert_fine(ur_tensor_read_f32(f, ur_safetensors_find(f, "a"), &one, &err));
		assert_true(one == 1);
		assert_fine(ur_tensor_read_f32(f, ur_safetensors_find(f, "e"), &one, &err));
	}
	ur_safetensors_close(f);
}

static void cut_and_foreign_files_are_refused(void **unused)
{
	static const struct { const char *bytes; size_t size; const char *says; } foreign[] = {
		{ "", 0, "has 0 bytes" },
		{ "1234567", 7, "has 7 bytes" },
		{ "\4\0\0\0\0\0\0\0{}", 10, "announce a header of 4 bytes, but only 2 follow" },
		{ "\1\xe1\xf5\5\0\0\0\0{}", 10, "a header of 100000001 bytes, more than the limit of 100000000" },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, "a header of 18446744073709551615 bytes" },
		{ "PK\3\4zip.....", 12, "this is a ZIP archive" },
		{ "GGUF\3\0\0\0\0\0", 10, "this is a GGUF file" },
		{ "version https://git-lfs.github.com/spec/v1\n", 43, "this is a Git LFS pointer" },
	};
	ur_safetensors *f;
	ur_err err = { 0 };
	ur_map map;

	(void)unused;
	for (int i = 0; i < COUNT(foreign); i++) {
		assert_int_equal(ur_safetensors_open_memory(foreign[i].bytes, foreign[i].size, "m", &f, &err), UR_E_FORMAT);
		if (!strstr(err.text, foreign[i].says))
			fail_msg("\"%s\" does not say \"%s\"", err.text, foreign[i].says);
	}
	/* a file cut anywhere, or with a byte too many, never opens */
	assert_fine(ur_safetensors_write("whole", COUNT(examples), examples, COUNT(texts), texts, &err));
	assert_fine(ur_file_map("whole", &map, &err));
	for (size_t n = 0; n <= map.size + 1; n++) {
		char *copy = calloc(1, n + 1);
		assert_non_null(copy);
		memcpy(copy, map.bytes, n < map.size ? n : map.size);
		assert_int_equal(ur_safetensors_open_memory(copy, n, "m", &f, &err), n == map.size ? UR_OK : UR_E_FORMAT);
		ur_safetensors_close(f);
		free(copy);
	}
	ur_file_unmap(&map);
	assert_int_equal(ur_safetensors_open("absent", &f, &err), UR_E_IO);
	assert_null(f);
	assert_int_equal(ur_safetensors_open(".", &f, &err), UR_E_IO);
}

static void dtypes_have_names_and_sizes(void **unused)
{
	(void)unused;
	assert_string_equal(ur_st_dtype_name(UR_ST_BF16), "BF16");
	assert_int_equal(ur_st_dtype_size(UR_ST_BF16), 2);
	assert_string_equal(ur_st_dtype_name(UR_ST_F8_E4M3), "F8_E4M3");
	assert_null(ur_st_dtype_name(UR_ST_DTYPE_COUNT));
	assert_int_equal(ur_st_dtype_size((ur_st_dtype)-1), 0);
}

/* -- the other reader and writer -- */

static int write_for_python(const char *path)
{
	static const uint16_t brain[3] = { 0x3F80, 0xC049, 0 };
	static const ur_tensor more[] = {
		{ .name = "transposed", .dtype = UR_ST_F32, .rank = 2, .shape = { 3, 2 }, .data = floats, .row = 1, .col = 3 },
		{ .name = "brain", .dtype = UR_ST_BF16, .rank = 1, .shape = { 3 }, .data = brain },
	};
	ur_err err = { 0 };
	ur_status status = chdir(path) ? ur_fail(&err, UR_E_IO, "%s: no such directory", path) : UR_OK;

	if (!status)
		status = ur_safetensors_write("all.safetensors", COUNT(examples), examples, COUNT(texts), texts, &err);
	if (!status)
		status = ur_safetensors_write("more.safetensors", COUNT(more), more, 0, NULL, &err);
	if (!status)
		status = ur_safetensors_write("none.safetensors", 0, NULL, 0, NULL, &err);
	if (status)
		fprintf(stderr, "%s\n", err.text);
	return status != UR_OK;
}

static int check_from_python(const char *path)
{
	ur_safetensors *f;
	ur_err err = { 0 };

	if (ur_safetensors_open(path, &f, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	for (int i = 0; i < ur_safetensors_count(f); i++) {
		const ur_tensor *t = ur_safetensors_at(f, i);
		float *values = malloc((size_t)t->count * sizeof(float) + 1);
		double sum = 0;
		printf("%s %s", t->name, ur_st_dtype_name(t->dtype));
		for (int j = 0; j < t->rank; j++)
			printf(" %lld", (long long)t->shape[j]);
		if (values && !ur_tensor_read_f32(f, t, values, NULL))
			for (int64_t j = 0; j < t->count; j++)
				sum += (double)values[j] * (double)(j + 1);
		else
			for (size_t j = 0; j < t->bytes; j++)
				sum += (double)((const unsigned char *)t->data)[j] * (double)(j + 1);
		printf(" = %.6g\n", sum);
		free(values);
	}
	for (int i = 0; i < ur_safetensors_meta_count(f); i++)
		printf("%s: %s\n", ur_safetensors_meta_at(f, i)->key, ur_safetensors_meta_at(f, i)->value);
	ur_safetensors_close(f);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(nothing_round_trips),
		cmocka_unit_test(data_is_aligned),
		cmocka_unit_test(views_are_written_transposed),
		cmocka_unit_test(float32_is_read_from_all_floats),
		cmocka_unit_test(all_half_floats_convert),
		cmocka_unit_test(writer_refuses),
		cmocka_unit_test(sink_failure_ends_writing),
		cmocka_unit_test(malformed_headers_are_refused),
		cmocka_unit_test(malformed_tensors_are_refused),
		cmocka_unit_test(malformed_layouts_are_refused),
		cmocka_unit_test(unusual_files_are_read),
		cmocka_unit_test(cut_and_foreign_files_are_refused),
		cmocka_unit_test(dtypes_have_names_and_sizes),
	};
	if (argc == 3 && !strcmp(argv[1], "write"))
		return write_for_python(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "check"))
		return check_from_python(argv[2]);
	return cmocka_run_group_tests(tests, open_folder, close_folder);
}
