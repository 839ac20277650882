/* Any text: parse it as a spec. What does not parse says why, with an arrow; what parses, parses from its own text to
 * the same spec, can be resized, and measures; small ones are built. */
#include "model/model.h"

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

static void same(const ur_spec *a, const ur_spec *b)
{
	must(!strcmp(a->text, b->text) && a->mixer == b->mixer && a->form == b->form && a->layers == b->layers);
	must(a->width == b->width && a->dropout == b->dropout && a->context == b->context && a->tied == b->tied);
	must(a->positions == b->positions && a->ffn == b->ffn && !memcmp(a->option, b->option, sizeof a->option));
}

static void in_range(const ur_spec *s)
{
	must(s->layers >= 1 && s->layers <= UR_MOST_LAYERS && s->width >= 1 && s->width <= UR_MOST_WIDTH);
	must(s->dropout >= 0 && s->dropout < 1 && s->context >= 1 && (s->ffn > 0) == (s->form->ffn != NULL));
	must((s->tied == 0 || s->tied == 1) && (s->positions == 0 || s->positions == 1));
	for (int i = 0; s->mixer->options && s->mixer->options[i].name; i++)
		must(s->mixer->options[i].choices ||
		     (s->option[i] >= s->mixer->options[i].least && s->option[i] <= s->mixer->options[i].most));
}

/* Sizes of a model of V outputs; it is built and stepped over where that is cheap. */
static void measure(const ur_spec *s, int V)
{
	const ur_kernels *k = ur_kernels_pick("c");
	size_t bytes = 0, state;
	ur_model *m;
	ur_err err = { 0 };

	must(ur_model_shape(s, &(ur_words){ .V = V }, k, 1, &m, &bytes, &err) == UR_OK);
	must(m->scalars > 0 && m->floats >= (size_t)m->scalars && bytes / sizeof(float) >= m->floats);
	must(bytes != SIZE_MAX);
	state = ur_model_state_size(m);
	must(state >= (size_t)s->layers * sizeof(float) && state < (size_t)1 << 56);
	must(ur_model_limit(m) >= 0);
	ur_model_free(m);
	if (bytes > 1 << 20)
		return;
	must(ur_model_create(s, &(ur_words){ .V = V }, k, 0, &m, &err) == UR_OK);
	ur_model_init(m, 1);
	ur_model_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = malloc(size + 1);
	ur_spec spec, again;
	ur_err err = { 0 };

	must(text);
	memcpy(text, bytes, size);
	text[size] = 0;
	if (ur_spec_parse(text, &spec, &err)) {
		const char *end = err.text + strlen(err.text);
		must(err.status == UR_E_INVALID && err.text[0] && strlen(err.text) < sizeof err.text - 1);
		must(end[-1] == '^' || strlen(text) >= UR_SPEC_TEXT);
		for (const char *p = err.text; *p; p++)
			must(*p == '\n' || ((unsigned char)*p >= ' ' && *p != 127));
		must(ur_spec_parse(text, &spec, NULL) == UR_E_INVALID);
	} else {
		must(!strcmp(spec.text, text));
		in_range(&spec);
		must(ur_spec_parse(spec.text, &again, &err) == UR_OK);
		same(&spec, &again);
		if (!ur_spec_resize(&spec, 64, &again, &err)) {
			must(again.width == 64 && again.layers == spec.layers && again.mixer == spec.mixer);
			in_range(&again);
			measure(&again, 7);
		}
		measure(&spec, 1);
		measure(&spec, 33000);
	}
	free(text);
	return 0;
}
