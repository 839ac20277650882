/* Any bytes: a whole model file, opened with its weights in every storage; what opens takes steps, alone and many
 * tokens at a time, and says as many outputs as it promised. Files whose specs ask for much memory are left alone. */
#include "model/model.h"
#include "run/stream.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static volatile float sum; /* so that outputs are read */

enum { STEPS = 3, WIDEST = 64, MOST = 1 << 24 };

#define must(what) \
	do { \
		if (!(what)) { \
			fprintf(stderr, "line %d: %s\n", __LINE__, #what); \
			abort(); \
		} \
	} while (0)

/* Whether the model that the file describes is small enough to be made. */
static int is_small(const ur_safetensors *file, const ur_kernels *k)
{
	ur_words words;
	ur_spec spec;
	ur_model *shape;
	size_t bytes = 0;
	int small = 0;

	if (ur_model_describe(file, &spec, &words, NULL))
		return 1; /* and so refused */
	if (spec.layers < 1000 && !ur_model_shape(&spec, &words, k, 0, &shape, &bytes, NULL)) {
		small = bytes < MOST && ur_model_state_size(shape) < MOST;
		ur_model_free(shape);
	}
	ur_words_free(&words);
	return small;
}

/* What a call gave: words where it failed, and where it did not, outputs to read. */
static void check(const ur_model *m, ur_status status, const float *out, const ur_err *err)
{
	must(status == UR_OK || err->text[0]);
	for (int j = 0; j < unroll_outputs(m) && !status; j++)
		sum += out[j];
}

static void run(const ur_model *m)
{
	const int32_t tokens[] = { 0, m->V - 1 };
	float values[STEPS * WIDEST];
	const int inputs = unroll_inputs(m);
	const float *out = NULL;
	ur_stream *s;
	ur_err err = { 0 };

	if (unroll_stream_open(m, NULL, &s, &err)) {
		must(err.text[0]);
		return;
	}
	/* 1, -2, 3, ...: zeros would pass by the rounding of rows to bytes; and one that is missing */
	for (int i = 0; i < STEPS * WIDEST; i++)
		values[i] = (float)(i % 2 ? -i - 1 : i + 1);
	values[1] = NAN;
	for (int i = 0; i < STEPS && inputs <= WIDEST; i++)
		check(m, m->ports ? unroll_step_values(s, values + i * inputs, &out, &err)
		                  : unroll_step(s, i % m->V, &out, &err), out, &err);
	if (inputs <= WIDEST)
		check(m, m->ports ? unroll_prefill_values(s, values, STEPS, &out, &err)
		                  : unroll_prefill(s, tokens, 2, &out, &err), out, &err);
	unroll_stream_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const unroll_weights kinds[] = { UNROLL_AS_STORED, UNROLL_F32, UNROLL_BF16, UNROLL_INT8 };
	const ur_kernels *k = ur_kernels_pick("c");
	ur_safetensors *file;

	if (ur_safetensors_open_memory(bytes, size, "bytes", &file, NULL))
		return 0;
	for (int i = 0; i < 4 && is_small(file, k); i++) {
		ur_model *m;
		ur_err err = { 0 };
		ur_status status = ur_model_load_file(file, k, kinds[i], &m, &err);

		must((status == UR_OK) == (m != NULL));
		must(status == UR_OK || err.text[0]);
		if (!status) {
			must(unroll_weight_bytes(m) > 0 && unroll_parameters(m) > 0);
			run(m);
		}
		ur_model_free(m);
	}
	ur_safetensors_close(file);
	return 0;
}
