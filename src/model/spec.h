/* A spec says in a line what a model is: NAME[:LAYERSxWIDTH][,option=value]... , as in
 *
 *     lstm:2x256     gru:3x128,dropout=0.2     transformer:4x128,heads=4,context=64     lstm:4x256,block=llama
 *
 * NAME is a mixer, or one of the names in archs.def (a mixer in a form). Options are the model's own (spec.c) and the
 * mixer's (its file). With "seq2seq:" before it, it is a model of pairs, LAYERS of encoder and of decoder:
 *
 *     seq2seq:lstm:2x256     seq2seq:gru:1x512,attention=bahdanau,encoder=bi     seq2seq:transformer:3x256 */
#ifndef UR_SPEC_H
#define UR_SPEC_H

#include "base/status.h"
#include "model/form.h"

enum { UR_SPEC_TEXT = 256, UR_MOST_LAYERS = 512, UR_MOST_WIDTH = 65536 };

typedef struct ur_spec {
	char text[UR_SPEC_TEXT];        /* as it was given */
	const ur_mixer *mixer;
	const ur_form *form;
	int pair;                       /* source and target: an encoder before the decoder */
	const ur_mixer *attend;         /* pairs: the decoder's top layer, where it reads the encoder's outputs; or NULL */
	int both_ways;                  /* pairs: a recurrent encoder that reads from both ends */
	int summary;                    /* pairs: the decoder reads the encoder's final state at every step */
	int layers, width;
	double dropout;                 /* in [0, 1) */
	int context;                    /* positions a model that keeps them all is built for */
	int tied;                       /* head and embedding share weights */
	int norm_last;                  /* residual forms: norms stand behind the sums, not before the halves */
	ur_positions positions;
	int ffn;                        /* width of the feed-forward half; 0 in plain stacks */
	int heads;                      /* of attention over the source, in blocks: the mixer's own number */
	double option[UR_MIXER_OPTIONS], attend_option[UR_MIXER_OPTIONS];
} ur_spec;

/* UR_E_INVALID: err says what is wrong and points at the character, on lines of its own. */
ur_status ur_spec_parse(const char *text, ur_spec *spec, ur_err *err);
/* Characters of a spec's text up to the end of its architecture's name. */
size_t ur_spec_name(const char *text);
/* That name without "seq2seq:", its characters in *n; the rest of the spec follows it. */
const char *ur_spec_arch(const char *text, int *n);
/* The same spec with another number of units: writes its text and parses it. */
ur_status ur_spec_resize(const ur_spec *from, int width, ur_spec *spec, ur_err *err);
/* The same spec for a context of that many positions; a copy where it has no limit, or has that one. */
ur_status ur_spec_recontext(const ur_spec *from, int context, ur_spec *spec, ur_err *err);
/* What one layer's mixer is built with; of pairs, that of a layer between others. */
ur_dims ur_spec_dims(const ur_spec *spec);
/* Positions a model of this spec takes, of pairs on either side; 0: any number. */
int ur_spec_limit(const ur_spec *spec);
/* Names a spec can start with, and the options of `name` (NULL: the model's own), a line each, for help texts; calls
 * line(arg, name, about). */
void ur_spec_help(void (*line)(void *arg, const char *name, const char *about), void *arg);

#endif
