/* A mixer is the part of a layer that carries information along time. Every mixer here is causal and runs two ways:
 * over a whole sequence (training, prefill) and one step at a time with explicit state (streaming); the two agree.
 * A mixer is one file, one line in mixers.def, one golden file; tests/test_laws.c holds every mixer in the table to
 * the same laws and names none.
 *
 * Shapes are time-major: (T, B, D), so a recurrent step reads one slab. B sequences, at most T steps; in and out are
 * the widths of input and output. */
#ifndef UR_MIXER_H
#define UR_MIXER_H

#include "base/option.h"
#include "kernel/gemm.h"

enum { UR_MIXER_OPTIONS = 8, UR_MIXER_PARAMS = 12 };
enum { UR_MOST_REACH = 1 << 24 }; /* positions of a context or a window */

/* What one layer's mixer is built with: widths, and the values of its own options in the order it lists them. */
typedef struct ur_dims {
	int in, out;
	int context;                    /* the most steps a state must hold, for mixers that keep them all */
	int memory;                     /* width of the encoder's outputs, for mixers that read them */
	double option[UR_MIXER_OPTIONS];
} ur_dims;

/* How a parameter starts. */
typedef enum ur_init { UR_INIT_ZERO, UR_INIT_ONE, UR_INIT_UNIFORM, UR_INIT_NORMAL, UR_INIT_FILL } ur_init;

typedef struct ur_param {
	const char *name;               /* PyTorch's, without the layer's number: "weight_ih" */
	int rows, cols;                 /* cols 0: a vector of `rows` */
	int blocks;                     /* gate blocks the rows fall into; 0 and 1 are the same */
	int cut;                        /* columns before it and behind it are multiplied apart (ur_mat); 0: not so */
	ur_init init;
	float a;                        /* uniform: +-a; normal: sigma; fill: the value of ... */
	int fill_from, fill_to;         /* ... rows [from, to), the rest zero */
	int residual;                   /* the last product before a residual sum: transformers start it smaller */
} ur_param;

/* One call over B sequences of at most T steps. Fields that are not needed are zero. */
typedef struct ur_span {
	int T, B;
	const int *len;                 /* (B) true lengths, 0..T; NULL: all T. Beyond its length a sequence's y is 0, its
	                                 * state stays, dy is not read and dx is 0. */
	const float *x;                 /* (T, B, in) */
	const int32_t *index;           /* NULL, or (T, B): row (t, b) of the input is x[index * in], and x is (rows, in):
	                                 * an embedding whose projection is cheaper once per row than once per step */
	int rows;
	float *y;                       /* (T, B, out) */
	const float *memory;            /* (S, B, dims.memory) encoder outputs, for mixers that read them */
	const int *mlen;                /* (B) their true lengths, 1..S; NULL: all S. What lies beyond is not read. */
	int S;
	float *weights;                 /* NULL, or (T, B, S): how much each step looked at each row of memory; forward
	                                 * fills it, with zeros beyond both lengths */
	int whole;                      /* 1: every step sees all steps of its sequence; UR_SEES_ALL mixers, stateless */
	void *const *state;             /* B states, in and out; NULL: start from zero and keep nothing */
	int still;                      /* 1: what states of a limited number of steps hold of earlier ones will be there,
	                                 * unchanged, when backward is called, so that forward need not keep a copy */
	uint64_t seed, step;            /* dropout is a function of (seed, step, layer, row, position) */
	int layer;
} ur_span;

/* Floats a span needs beyond its arrays. */
typedef struct ur_need {
	size_t saved;                   /* from forward to backward */
	size_t forward, backward;       /* working memory of each */
} ur_need;

/* Arithmetic and bytes of a forward pass over (T, B); backward is twice the arithmetic
 * (a cost model, held to counts). */
typedef struct ur_cost { double flops, bytes; } ur_cost;

enum {
	UR_STATE_GRAD = 1,              /* backward carries a gradient through the state; else it stops there */
	UR_STATE_GROWS = 2,             /* the state holds an entry a step, up to dims.context, and no summary of them */
	UR_NO_ORDER = 4,                /* tells no step from another by itself: wants positions from somewhere */
	UR_READS_MEMORY = 8,            /* reads an encoder's outputs at each step: a decoder's, and nothing without one */
	UR_SEES_ALL = 16,               /* can take span.whole: an encoder's, then */
};

/* One step of n streams. */
typedef struct ur_turn {
	const ur_kernels *k;
	const ur_dims *d;
	const ur_mat *w;
	int n;
	const float *x;                 /* (n, in) */
	float *y;                       /* (n, out) */
	void *const *state;             /* n states, distinct */
	const float *const *memory;     /* UR_READS_MEMORY: n pointers to what `remember` made; streams may share one */
	const int *mlen;                /* rows of each */
	float *const *weights;          /* NULL, or n pointers to mlen[i] floats: how much it looked at each row */
	float *work;                    /* step_work floats */
} ur_turn;

/* Declaration and streaming: all that a deployed program links. */
typedef struct ur_mixer {
	const char *name, *about;
	unsigned flags;
	const ur_option *options;       /* ends with a NULL name; at most UR_MIXER_OPTIONS */
	/* NULL, or why these dims cannot be (static text) */
	const char *(*check)(const ur_dims *d);
	int (*params)(const ur_dims *d, ur_param p[UR_MIXER_PARAMS]);   /* how many */
	size_t (*state_size)(const ur_dims *d);                         /* bytes; all-zero is the start of a sequence */
	/* leading bytes that matter now: what save writes */
	size_t (*state_used)(const ur_dims *d, const void *state);
	size_t state_counts;            /* leading bytes of it that are counts: they have no gradient */
	/* NULL: any state_size bytes are a state. Else whether n bytes, which need not be aligned and are not trusted, are
	 * those that matter of a state after `steps` >= 0 steps, as far as step depends on it. */
	int (*state_fits)(const ur_dims *d, int64_t steps, const void *bytes, size_t n);
	/* steps a state can take, 0: any number */
	int64_t (*limit)(const ur_dims *d);
	/* Makes a state what it was after its first n steps, n at most those it has taken. Only where limit() is not 0:
	 * such a state holds every step it took. NULL: the mixer has no such states. */
	void (*rewind)(const ur_dims *d, void *state, int64_t n);
	size_t (*step_work)(const ur_dims *d, int n);                   /* floats for n streams */
	/* On the calling thread; allocates nothing. */
	void (*step)(const ur_turn *t);
	/* UR_READS_MEMORY, else NULL: what step wants of one source's outputs, memory (S, dims.memory), worked out once:
	 * memory_size floats, S times those of one row. */
	size_t (*memory_size)(const ur_dims *d, int S);
	void (*remember)(const ur_kernels *k, const ur_dims *d, const ur_mat *w, int S, const float *memory, float *made);
} ur_mixer;

/* Whole sequences. `saved` NULL: prefill and evaluation; nothing will be asked back. */
typedef struct ur_mixer_forward {
	const ur_mixer *mixer;
	/* reads T, B, rows, S, whole, still, and whether there are an index and states */
	ur_need (*need)(const ur_ctx *c, const ur_dims *d, const ur_span *s);
	ur_cost (*cost)(const ur_dims *d, const ur_span *s);
	void (*forward)(const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *s, float *saved, float *work);
} ur_mixer_forward;

/* Gradients. s, with x and y as forward left them; whether there is state counts, what it holds now is not read. */
typedef struct ur_mixer_backward {
	const ur_mixer *mixer;
	/* dy (T, B, out); dx = (T, B, in), or (rows, in) with s->index, NULL: not wanted; dw[i] += ; dstate: B gradients
	 * with the state's layout, in: of the final state, out: of the first, NULL: zero and not wanted (and only
	 * UR_STATE_GRAD mixers are given one); dmemory (S, B, dims.memory) += . With T 0 nothing is done. */
	void (*backward)(const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *s, const float *saved,
	                 const float *dy, float *dx, float *const *dw, void *const *dstate, float *dmemory, float *work);
} ur_mixer_backward;

#define UR_MIXER(name) \
	extern const ur_mixer ur_mixer_##name; \
	extern const ur_mixer_forward ur_mixer_forward_##name; \
	extern const ur_mixer_backward ur_mixer_backward_##name;
#include "mixer/mixers.def"
#undef UR_MIXER

/* Three tables in three objects, in the order of mixers.def, NULL-terminated: a program that only streams links the
 * first alone. */
extern const ur_mixer *const ur_mixers[];
extern const ur_mixer_forward *const ur_mixer_forwards[];
extern const ur_mixer_backward *const ur_mixer_backwards[];
const ur_mixer *ur_mixer_find(const char *name);
const ur_mixer_forward *ur_mixer_forward_of(const ur_mixer *m);
const ur_mixer_backward *ur_mixer_backward_of(const ur_mixer *m);

#endif
