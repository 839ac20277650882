/* A model: spec, vocabulary and parameters: a stack of layers between an embedding and a head, and, for pairs, another
 * one before it, the encoder. Weights lie in one flat array, each parameter at a 64-byte multiple, so an optimiser runs
 * over it as one; packed copies for the products lie beside them. */
#ifndef UR_MODEL_H
#define UR_MODEL_H

#include "base/arena.h"
#include "base/status.h"
#include "format/safetensors.h"
#include "model/ports.h"
#include "model/spec.h"
#include "vocab/vocab.h"

enum { UR_NAME = 96 };

typedef struct ur_parameter {
	char name[UR_NAME];             /* ours: "layers.1.mixer.weight_ih", "embedding.weight" */
	char local[UR_NAME];            /* without the layer: "mixer.weight_ih" */
	int layer;                      /* -1: of the whole stack */
	int encoder;                    /* of the encoder's stack, or what joins it to the decoder */
	int reverse;                    /* of the direction from the end */
	ur_param decl;
	size_t at, count;               /* floats; `at` means nothing where it is packed alone */
	int multiplied;                 /* a matrix that products read, and so packed */
	int packed;                     /* it is kept packed alone, as the model's dtype: not in the weights */
	int decay;                      /* weight decay applies: matrices, not gains, biases or embeddings of positions */
} ur_parameter;

/* One layer: its mixer, and the index of the first parameter of each of its parts; -1: it has no such part. */
typedef struct ur_layer {
	const ur_mixer *kind;
	ur_dims dims;
	int norm1, mixer, norm_cross, cross, norm2, ffn;
	int reverse;                    /* the mixer's second set, for the direction from the end */
	int bridge;                     /* of the two directions' last states, the decoder's first (join.h) */
	size_t state;                   /* where its state lies in the stack's, of one direction and the next */
	size_t remembered;              /* floats that the layers before it remember for each position of a source */
} ur_layer;

typedef struct ur_stack {
	int encoder;                    /* this is one */
	int layers;                     /* 0: there is no such stack */
	ur_layer *layer;
	int V, in, out;                 /* tokens; width of the first layer's input and of the last one's output */
	int embedding, positions, norm; /* parameters; -1: none */
	int input;                      /* of values, the product that makes them as wide as a residual layer; -1: none,
	                                 * the first layer reads them as they are */
	const float *waves;             /* sinusoidal positions (context, width), or NULL */
	float scale;                    /* of the embedding's rows */
	size_t state;                   /* bytes of its layers' states */
	size_t remembered;              /* floats that a decoder's layers remember for each position of a source */
} ur_stack;

/* What a model reads and says: the tokens of its two sides, of which a plain model has one, or values. */
typedef struct ur_words {
	int V;                          /* outputs; of values ports->out.n, or 0 for hidden outputs */
	const ur_vocab *vocab;          /* may be NULL for a model that reads no text */
	int source_V;                   /* pairs: tokens of the source side, its end included, as V includes the target's */
	const ur_vocab *source;
	const ur_ports *ports;          /* NULL: it reads tokens; not of pairs */
} ur_words;

struct ur_model {
	ur_spec spec;
	int V;                          /* outputs of the head; 0: it has none */
	ur_vocab *vocab, *source;       /* held; NULL where there is none */
	ur_ports *ports;                /* its own; NULL: it reads tokens */
	ur_stack stack, encoder;        /* the only one, or the decoder; the encoder, or none */
	int params;
	ur_parameter *param;
	ur_mat *mat;                    /* params of them: what blocks and mixers are given */
	int head, head_bias;            /* parameters; -1: none. Tied: head is the stack's embedding. */
	ur_dtype dtype;                 /* of the matrices that are multiplied; tables, vectors and gains are float32 */
	size_t floats;                  /* weights, padding between parameters included */
	int64_t scalars;                /* parameters in the usual sense */
	float *weights;
	const ur_kernels *k;
	ur_arena memory;
	_Atomic uint64_t fingerprint;   /* of run/saved.h; 0: not worked out */
};

/* The shape of a model of this spec and these tokens: parameters and where they lie, but no weights. *bytes (may be
 * NULL): what ur_model_create would take. `training`: with the packing that backward needs. Vocabularies are held if
 * not NULL. */
ur_status ur_model_shape(const ur_spec *spec, const ur_words *words, const ur_kernels *k, int training,
                         ur_model **model, size_t *bytes, ur_err *err);
/* The same with weights: zero, not packed. */
ur_status ur_model_create(const ur_spec *spec, const ur_words *words, const ur_kernels *k, int training,
                          ur_model **model, ur_err *err);
/* The same for running alone, with the matrices that are multiplied kept as dtype. But for UR_F32, they have panels and
 * no float32 original; a head that is tied to the embedding has both. */
ur_status ur_model_shape_as(const ur_spec *spec, const ur_words *words, const ur_kernels *k, ur_dtype dtype,
                            ur_model **model, size_t *bytes, ur_err *err);
ur_status ur_model_create_as(const ur_spec *spec, const ur_words *words, const ur_kernels *k, ur_dtype dtype,
                             ur_model **model, ur_err *err);
/* Fills a model made so with the weights of one of float32 that was made of the same spec and words. */
ur_status ur_model_keep(ur_model *m, const ur_model *from, ur_err *err);
void ur_model_free(ur_model *m);
/* Fills the weights by each parameter's law; the same seed gives the same weights everywhere. */
void ur_model_init(ur_model *m, uint64_t seed);
/* After the weights changed. */
void ur_model_pack(ur_model *m, const ur_ctx *c);

/* -- one sequence's state (of pairs, the decoder's): a position, then each layer's mixer state at a 64-byte
 * multiple -- */
size_t ur_model_state_size(const ur_model *m);
void *ur_model_state_of(const ur_model *m, void *state, int layer);
/* Leading bytes of it that matter now, by layer. */
size_t ur_model_state_used(const ur_model *m, const void *state);
/* Zeroes what was written of it, so that it is all-zero again: the start of a sequence. Pages that no step reached stay
 * untouched. */
void ur_model_state_clear(const ur_model *m, void *state);
/* Makes `to` what `from` is; `to` was all-zero once, and written by steps alone since. */
void ur_model_state_copy(const ur_model *m, void *to, const void *from);
static inline int64_t *ur_model_position(void *state) { return state; }
/* Steps a state can take; 0: any number. */
int64_t ur_model_limit(const ur_model *m);
/* Floats that a step gives: of the head, or, without one, the last layer's. */
static inline int ur_model_outputs(const ur_model *m) { return m->head < 0 ? m->spec.width : m->V; }
/* outputs (n, ur_model_outputs) of x (n, width), what the last layer gave; on the calling thread. */
void ur_model_head(const ur_model *m, int n, const float *x, float *out);

/* Bytes of one direction's state, to a 64-byte multiple. */
size_t ur_layer_state(const ur_layer *l);
/* Positions that are added to the embedding, or NULL. */
const float *ur_stack_positions(const ur_model *m, const ur_stack *s);
/* Vectors of `out` values that a plain recurrent layer's state is made of: h, c. */
int ur_layer_vectors(const ur_layer *l);
/* Arithmetic of a forward pass over (T, B), of pairs with sources of S, for floors and estimates. */
double ur_model_flops(const ur_model *m, int S, int T, int B);

/* -- files (model_file.c): safetensors with spec and vocabulary in the metadata -- */
/* Extra metadata may be added; atomic. */
typedef struct ur_extra { const char *key, *value; } ur_extra;
ur_status ur_model_save(const ur_model *m, const char *path, int extras, const ur_extra *extra, ur_err *err);
/* The same of a model of float32, with the matrices that are multiplied and no look-up tables as dtype: BF16, or I8
 * beside a tensor NAME.scale (F32, one a row of ours). UR_E_INVALID, naming the tensor, of a weight that dtype cannot
 * hold (NaN, infinite, beyond the largest bfloat16): then nothing is written. */
ur_status ur_model_save_as(const ur_model *m, ur_dtype dtype, const char *path, int extras, const ur_extra *extra,
                           ur_err *err);
/* Opens a file; *model is NULL on failure. Kernels as ur_kernels_pick gave them. Packed, and all of float32, whatever
 * the file holds. */
ur_status ur_model_load(const char *path, const ur_kernels *k, int training, ur_model **model, ur_err *err);
/* The same for running alone, kept as asked; UNROLL_AS_STORED: as the file's metadata says it holds them. */
ur_status ur_model_load_as(const char *path, const ur_kernels *k, unroll_weights weights, ur_model **model,
                           ur_err *err);
/* The same of an open file. */
ur_status ur_model_load_file(const ur_safetensors *file, const ur_kernels *k, unroll_weights weights, ur_model **model,
                             ur_err *err);
/* "f32", "bf16", "int8"; and by name: NULL is UR_F32, UR_DTYPES: none. */
const char *ur_dtype_name(ur_dtype dtype);
ur_dtype ur_dtype_find(const char *name);
/* What a file says of its model, without its weights: spec and vocabulary (held by the caller). */
ur_status ur_model_describe(const ur_safetensors *file, ur_spec *spec, ur_words *words, ur_err *err);
/* Lets go of the vocabularies that the above gave. */
void ur_words_free(ur_words *words);
/* The parameters' values from / to tensors named prefix + stored name; used for weights and for optimiser moments.
 * `values` has m->floats floats. */
ur_status ur_model_read_tensors(const ur_model *m, const ur_safetensors *file, const char *prefix, float *values,
                                ur_err *err);
/* How many tensors ur_model_tensors gives. */
int ur_model_tensor_count(const ur_model *m);
/* Describes `values` (NULL: names and shapes alone; so too what the model keeps packed alone) as tensors named
 * prefix + stored name; names go into `names` (ur_model_tensor_count x UR_NAME x 2). */
void ur_model_tensors(const ur_model *m, const char *prefix, const float *values, ur_tensor *out, char *names);

#endif
