/* Safetensors files: named tensors and text metadata, as the format's own documentation has it
 * (huggingface/safetensors): 8 bytes, the header's length N, little-endian; N bytes of JSON,
 *
 *     {"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}
 *
 * then the data, row-major and little-endian; offsets count from its start. Tensors may neither overlap nor leave
 * holes, and nothing follows the last.
 *
 * Alignment. We pad the header with spaces so that the data starts at a multiple of 64 in the file, and so in memory
 * when it is mapped. Holes being forbidden, a tensor can start at a multiple of 64 only if all before it fill such
 * multiples; so we order tensors by the largest power of two, up to 64, that divides their size. What holds: a tensor
 * of a multiple of 64 bytes starts at one; any tensor starts at a multiple of that power of two, and so of its
 * element size. Files from elsewhere promise nothing: read them through ur_tensor_read_f32 or memcpy. */
#ifndef UR_SAFETENSORS_H
#define UR_SAFETENSORS_H

#include "base/status.h"

enum { UR_TENSOR_RANK = 8 };

/* Element types and their bytes. The format's types of less than a byte are not among them. */
#define UR_ST_DTYPES(X) \
	X(F32, 4) X(F16, 2) X(BF16, 2) X(F64, 8) X(F8_E4M3, 1) X(F8_E5M2, 1) \
	X(I64, 8) X(I32, 4) X(I16, 2) X(I8, 1) X(U64, 8) X(U32, 4) X(U16, 2) X(U8, 1) X(BOOL, 1)

typedef enum ur_st_dtype {
#define X(name, bytes) UR_ST_##name,
	UR_ST_DTYPES(X)
#undef X
	UR_ST_DTYPE_COUNT
} ur_st_dtype;

/* "F32"; NULL: no such type. */
const char *ur_st_dtype_name(ur_st_dtype dtype);
/* Bytes of one element; 0: no such type. */
size_t ur_st_dtype_size(ur_st_dtype dtype);

typedef struct ur_tensor {
	const char *name;                 /* UTF-8 */
	ur_st_dtype dtype;
	int rank;                         /* 0: a scalar */
	int64_t shape[UR_TENSOR_RANK];    /* a size may be 0 */
	const void *data;                 /* row-major; perhaps unaligned in a file from elsewhere; NULL only if empty */
	/* Writing only, rank 2 only: element (i, j) is data[i * row + j * col], in elements; a (rows, cols) view of a
	 * matrix stored transposed has row 1 and col rows. Both 0: dense. Both are 0 in a tensor read from a file. */
	ptrdiff_t row, col;
	/* Reading only: elements, and bytes of them all. */
	int64_t count;
	size_t bytes;
} ur_tensor;

typedef struct ur_meta { const char *key, *value; } ur_meta; /* UTF-8 */

/* -- reading -- */

/* A file, open and checked from end to end of its header. Immutable, so many threads may read it at once. Names,
 * texts and data belong to it and live until it is closed. */
typedef struct ur_safetensors ur_safetensors;

/* Maps the file and checks that the header fits, is JSON without duplicate keys, and that every tensor has a known
 * type, at most UR_TENSOR_RANK sizes, and offsets that agree with them; that tensors follow each other without
 * overlap or hole; and that the last one ends where the file does. Unknown members of a tensor are ignored, as the
 * official reader does. Values are not looked at: they may be infinite or NaN. *file is NULL on failure. */
ur_status ur_safetensors_open(const char *path, ur_safetensors **file, ur_err *err);
/* The same of `size` bytes in memory, kept by the caller, at any alignment. `name` stands for the path in messages. */
ur_status ur_safetensors_open_memory(const void *bytes, size_t size, const char *name, ur_safetensors **file,
                                     ur_err *err);
void ur_safetensors_close(ur_safetensors *file);

/* Tensors in the order of their data, 0 <= i < count. */
int ur_safetensors_count(const ur_safetensors *file);
const ur_tensor *ur_safetensors_at(const ur_safetensors *file, int i);
/* By name; NULL: none. */
const ur_tensor *ur_safetensors_find(const ur_safetensors *file, const char *name);

/* Metadata in the order of the file, and by key (NULL: none). */
int ur_safetensors_meta_count(const ur_safetensors *file);
const ur_meta *ur_safetensors_meta_at(const ur_safetensors *file, int i);
const char *ur_safetensors_meta(const ur_safetensors *file, const char *key);

/* Writes tensor->count floats to `out`: F32 as it is, F16 and BF16 exactly, F64 rounded (beyond float32: infinity).
 * UR_E_FORMAT: it holds something else. */
ur_status ur_tensor_read_f32(const ur_safetensors *file, const ur_tensor *tensor, float *out, ur_err *err);

/* -- writing -- */

/* Writes `path` atomically (base/file.h) from n tensors and m metadata, with no second copy of the data in memory.
 * The same input gives the same bytes. UR_E_INVALID: a name twice, text that is not UTF-8, a bad shape. */
ur_status ur_safetensors_write(const char *path, int n, const ur_tensor *tensors, int m, const ur_meta *meta,
                               ur_err *err);
/* The same into any sink: called with each stretch of the file in order; its failure ends the writing. */
typedef ur_status ur_sink(void *arg, const void *bytes, size_t count, ur_err *err);
ur_status ur_safetensors_emit(int n, const ur_tensor *tensors, int m, const ur_meta *meta, ur_sink *sink, void *arg,
                              ur_err *err);

#endif
