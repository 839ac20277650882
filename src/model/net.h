/* A model at work on whole sequences: the buffers of one forward pass over (T, B) tokens, and the pass. Training keeps
 * what the way back needs (train/backward.c reads it); evaluation and prefill keep nothing. */
#ifndef UR_NET_H
#define UR_NET_H

#include "base/profile.h"
#include "model/model.h"

/* What one layer keeps. In a residual layer n = norm1(x), a = mixer(n), x1 = x + drop(a), and the next layer's x is
 * x1 + drop(ffn(norm2(x1))); in a plain one a = mixer(x) and the next x is drop(a). */
typedef struct ur_layer_run {
	float *x;                       /* (T, B, D); NULL for the first layer when it reads the embedding by index */
	float *n, *stats1;
	float *a;                       /* the mixer's output */
	float *saved;                   /* the mixer's own */
	float *x1, *stats2, *h;
} ur_layer_run;

typedef struct ur_net {
	const ur_model *m;
	const ur_ctx *c;
	int T, B;                       /* the most steps and sequences */
	int training, stateful;         /* keeps what backward needs; passes may carry state */
	int by_index;                   /* the first mixer reads the embedding table's rows by index */
	const ur_mixer_forward *mixer;
	ur_layer_run *layer;
	float *last;                    /* (T, B, D) what the head reads: after the last layer, norm and dropout */
	float *top, *stats;             /* before the final norm, and its statistics; top is last in plain stacks */
	float *work;
	size_t work_floats;
	void **states;                  /* layers x B pointers */
	ur_profile *profile;            /* NULL, or where the time is counted */
} ur_net;

/* One pass. ids (T, B) time-major; T, B at most the net's. */
typedef struct ur_pass {
	int T, B;
	const int32_t *ids;
	const int *len;                 /* (B) or NULL */
	void *const *state;             /* B blocks of ur_model_state_size, or NULL: fresh, nothing kept */
	uint64_t seed, step;            /* dropout */
	int dropout;                    /* apply it */
} ur_pass;

/* Measures or cuts the net's buffers from the arena (base/arena.h). Called twice with the same arguments. */
void ur_net_plan(ur_net *net, const ur_model *m, const ur_ctx *c, int T, int B, int training, int stateful,
                 ur_arena *arena);
/* Fills net->last. With state, all B positions must be equal where the model has learned positions. */
void ur_net_forward(ur_net *net, const ur_pass *pass);

/* Shared with the way back. */
ur_span ur_net_span(const ur_net *net, const ur_pass *pass, int layer);
ur_dropout ur_net_dropout(const ur_net *net, const ur_pass *pass, int site);
ur_ffn_call ur_net_ffn(const ur_net *net, const ur_pass *pass, int layer);
/* Arithmetic of one layer's mixer, and of what surrounds it, forward. */
double ur_net_mixer_flops(const ur_net *net, const ur_pass *pass);
double ur_net_block_flops(const ur_net *net, const ur_pass *pass);
/* Dropout sites: 0 the embedding, then two a layer. */
enum { UR_SITE_EMBEDDING = 0 };
static inline int ur_site(int layer, int second) { return 1 + 2 * layer + second; }

/* Log-probabilities' sum: scores `last` against targets (rows, negative: not scored); losses (rows) in nats. */
void ur_net_losses(ur_net *net, int rows, const int32_t *targets, double *losses);

#endif
