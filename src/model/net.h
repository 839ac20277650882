/* A model at work on whole sequences: the buffers of one forward pass over (T, B) tokens, and the pass. Training keeps
 * what the way back needs (train/backward.c reads it); evaluation and prefill keep nothing. A model of pairs is two of
 * these, the encoder's and the decoder's, and what joins them. */
#ifndef UR_NET_H
#define UR_NET_H

#include "base/profile.h"
#include "model/join.h"

/* What one layer keeps, where ' is what is behind a sum:
 *
 *     plain               a = mixer(x)                                   next x = drop(a)
 *     norms before        n = norm(x)          a = mixer(n)              x1 = x + drop(a)
 *                         nc = norm(x1)        ac = cross(nc, memory)    x2 = x1 + drop(ac)
 *                                              next x = x2 + ffn'(norm(x2))
 *     norms behind        a = mixer(x)         n = x + drop(a)           x1 = norm(n)
 *                         ac = cross(x1, mem.) nc = x1 + drop(ac)        x2 = norm(nc)
 *                                              sum = x2 + ffn'(x2)       next x = norm(sum)
 *
 * Without cross-attention x2 is x1. */
typedef struct ur_layer_run {
	float *x;                       /* (T, B, in); NULL for the first layer when it reads the embedding by index */
	float *n, *stats1;
	float *a;                       /* the mixer's output */
	float *saved;                   /* the mixer's own */
	float *x1, *nc, *statsc, *ac, *saved_cross, *x2;
	float *sum, *stats2, *h;
	/* both ways: x from the end (T, B, in), what either direction gave (T, B, H) */
	float *turned, *way[2], *saved_reverse;
} ur_layer_run;

typedef struct ur_net {
	const ur_model *m;
	const ur_stack *stack;
	const ur_ctx *c;
	int T, B;                       /* the most steps and sequences */
	int training, stateful;         /* keeps what backward needs; passes may carry state (ur_net_plan) */
	int inputs;                     /* the first layer's input is an array, whose gradient can be had */
	int by_index;                   /* the first mixer reads the embedding table's rows by index */
	ur_layer_run *layer;
	float *embedded;                /* (T, B, D), where the first layer reads more than that */
	float *last;                    /* (T, B, out) what the head or the decoder reads: after the last layer, norm and
	                                 * dropout */
	float *top, *stats;             /* before the final norm, and its statistics; top is last in plain stacks */
	float *work;
	size_t work_floats;
	void **states;                  /* layers x B pointers; pairs: the join's (NULL: no state) */
	struct ur_net *encoder;         /* pairs, the decoder's: of the sources, at most S steps; else NULL */
	int S;
	ur_join join;
	int64_t at;                     /* position of the first step of the last pass forward */
	float *weights;                 /* NULL, or (T, B, S): where the decoder's top layer looked is written there */
	ur_profile *profile;            /* NULL, or where the time is counted */
} ur_net;

/* One pass. ids (T, B) time-major; T, B at most the net's. */
typedef struct ur_pass {
	int T, B;
	const int32_t *ids;
	const float *values;            /* models of values, instead of ids: (T, B, inputs), as ur_port_see makes them */
	const int *len;                 /* (B) or NULL */
	int S;                          /* pairs: the sources (S, B), each with its end, and their lengths or NULL */
	const int32_t *source;
	const int *source_len;
	void *const *state;             /* B blocks of ur_model_state_size, or NULL: fresh, nothing kept; not of pairs */
	uint64_t seed, step;            /* dropout */
	int dropout;                    /* apply it */
	int64_t first;                  /* steps of the same sequences before this pass, which dropout counts on from */
} ur_pass;

/* Whether passes carry state. UR_STATES_STILL: they do, and what the states hold of earlier steps is still there when
 * the way back begins (ur_span.still). */
enum { UR_NO_STATES, UR_STATES, UR_STATES_STILL };
/* Measures or cuts the net's buffers from the arena (base/arena.h). Called twice with the same arguments. */
void ur_net_plan(ur_net *net, const ur_model *m, const ur_ctx *c, int T, int B, int training, int stateful,
                 ur_arena *arena);
/* The same of a model of pairs, with sources of at most S steps. T 0: the encoder alone. */
void ur_net_plan_pairs(ur_net *net, const ur_model *m, const ur_ctx *c, int S, int T, int B, int training,
                       ur_arena *arena);
/* For training, without states; the first layer reads no table by index, so that backward has the gradient of what it
 * reads. Of models that read tokens. */
void ur_net_plan_inputs(ur_net *net, const ur_model *m, const ur_ctx *c, int T, int B, ur_arena *arena);
/* Fills net->last. With state, all B positions must be equal where the model has positions. */
void ur_net_forward(ur_net *net, const ur_pass *pass);
/* The encoder alone: fills net->encoder->last and net->join.first. */
void ur_net_encode(ur_net *net, const ur_pass *pass);

/* Whether the net of these m, stack, T and B reads the embedding by index. */
int ur_net_reads_by_index(const ur_net *net);

/* Shared with the way back. `pass` is the net's own: an encoder's is ur_net_source_pass. */
ur_pass ur_net_source_pass(const ur_pass *pass);
ur_span ur_net_span(const ur_net *net, const ur_pass *pass, int layer);
ur_span ur_net_span_reverse(const ur_net *net, const ur_pass *pass, int layer);
ur_dropout ur_net_dropout(const ur_net *net, const ur_pass *pass, int site);
ur_ffn_call ur_net_ffn(const ur_net *net, const ur_pass *pass, int layer);
ur_cross_call ur_net_cross(const ur_net *net, const ur_pass *pass, int layer);
ur_embed_call ur_net_embed(const ur_net *net, const ur_pass *pass);
/* y's row (t, b) = x's row (len - 1 - t, b) within each length, zeros beyond: (T, B, D), rows ldx and ldy apart. */
void ur_net_turn(const ur_ctx *c, const ur_pass *pass, int D, const float *x, ptrdiff_t ldx, float *y, ptrdiff_t ldy);
/* What dropout does not touch is passed on as it is: the last of an encoder's plain layers. */
int ur_net_drops(const ur_net *net, int layer);
/* Arithmetic of one layer's mixer, and of what surrounds it, forward. */
double ur_net_mixer_flops(const ur_net *net, const ur_pass *pass, int layer);
double ur_net_block_flops(const ur_net *net, const ur_pass *pass);
/* Dropout sites: 0 the embedding, then two a layer; cross-attention's and the encoder's are elsewhere. */
enum { UR_SITE_EMBEDDING = 0, UR_SITE_CROSS = 1 << 20, UR_SITE_ENCODER = 1 << 21 };
static inline int ur_site(int layer, int second) { return 1 + 2 * layer + second; }

/* Of models that say classes. Log-probabilities' sum: scores `last` against targets (rows, negative: not scored);
 * losses (rows) in nats. */
void ur_net_losses(ur_net *net, int rows, const int32_t *targets, double *losses);

#endif
