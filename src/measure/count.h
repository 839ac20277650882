/* Kernels that count: what a forward pass, a gradient or a step does, whatever it is made of. The counting set has
 * every slot of the set that it stands before (kernel.h) and its panel sizes; each slot tallies its call and then runs
 * the real one, or, dry, does not.
 *
 * The chain is the longest row of calls of which each needs a result of the one before: no number of units, however
 * fast they talk to each other, takes the call in fewer steps of a kernel. It is found from data, not from how loops
 * are written: every float in memory has the depth of the call that wrote it, and a call is one deeper than the deepest
 * float that it reads. What was declared has depth 0. A float that was neither declared nor written by a kernel was
 * read BLIND: something moved numbers past the kernels, and the chain may be cut there. Mixers have none
 * (test_count.c). Numbers that go from kernel to kernel by value: what dot and cross_entropy return is seen
 * by the next scale, axpy or softmax_back, which are as deep as the last one returned, be it theirs or not.
 *
 * Floating-point operations: additions, multiplications, divisions and comparisons each count one, as does a
 * non-linearity (exp, tanh, a sigmoid); what a product computes for columns that do not exist does not count. Bytes:
 * each operand of a call once, read or written, and twice where both; so what caches save is not in it.
 *
 * Slots are given no context, so the counter of a thread is found in a thread-local pointer. That is the one exception
 * to there being no mutable globals: the alternative is an argument that every kernel call of the engine would carry
 * for this alone. Hence one counter a thread at a time, and what is counted must run on the thread that opened it: with
 * a ur_ctx of one thread whose k is ur_counter_kernels(). */
#ifndef UR_COUNT_H
#define UR_COUNT_H

#include "measure/depths.h"
#include "measure/mixer_rig.h"

typedef struct ur_count {
	double flops, bytes;
	int64_t calls, chain;
	int64_t blind;          /* floats read blind */
} ur_count;

enum {
	UR_COUNT_DRY = 1,       /* nothing is computed, only accounts kept: outputs stay as they are. Mixers do not look at
	                         * results to decide what to do, so the counts are the same. */
	UR_COUNT_TALLY = 2,     /* no depths: chain and blind stay 0, and it is many times faster */
	UR_COUNT_REUSE = 4,     /* also how far back operands were last touched, for who watches */
};

/* The slots, in the order of kernel.h. */
typedef enum ur_slot {
	UR_SLOT_PRODUCT_F32, UR_SLOT_PRODUCT_BF16, UR_SLOT_PRODUCT_I8, UR_SLOT_PACK, UR_SLOT_STRIPS,
	UR_SLOT_SIGMOID, UR_SLOT_TANH, UR_SLOT_EXP, UR_SLOT_ADD, UR_SLOT_AXPY, UR_SLOT_SCALE, UR_SLOT_MUL,
	UR_SLOT_TANH_BACK, UR_SLOT_COPY, UR_SLOT_FILL, UR_SLOT_ROTATE,
	UR_SLOT_DOT, UR_SLOT_SUM_SQUARES, UR_SLOT_COLUMN_SUMS, UR_SLOT_ROW_DOTS, UR_SLOT_ROW_SUM, UR_SLOT_ROW_TANH_BACK,
	UR_SLOT_LSTM_GATES, UR_SLOT_LSTM_GATES_BACK, UR_SLOT_GRU_GATES, UR_SLOT_GRU_GATES_BACK,
	UR_SLOT_SOFTMAX_TILE, UR_SLOT_SOFTMAX_END, UR_SLOT_SOFTMAX_AGAIN, UR_SLOT_SOFTMAX_BACK, UR_SLOT_CROSS_ENTROPY,
	UR_SLOT_LAYERNORM, UR_SLOT_LAYERNORM_BACK, UR_SLOT_RMSNORM, UR_SLOT_RMSNORM_BACK, UR_SLOT_NORM_GAIN_BACK,
	UR_SLOT_RELU, UR_SLOT_RELU_BACK, UR_SLOT_GELU, UR_SLOT_GELU_BACK, UR_SLOT_SWIGLU, UR_SLOT_SWIGLU_BACK,
	UR_SLOT_ADAMW, UR_SLOT_SGD,
	UR_SLOTS
} ur_slot;
const char *ur_slot_name(ur_slot slot);

/* One call: rows of n values each (1 where the slot knows no rows); a product's rows, columns (of whole
 * panels) and depth. */
typedef struct ur_slot_call {
	ur_slot slot;
	int rows, K;
	int64_t n;
	int depth;              /* 1: waits for no other; 0 where depths are not counted */
	double flops, bytes;
	/* UR_COUNT_REUSE: bytes of the call, but for a product's panels, by how many bytes were touched since their page
	 * was touched last, in the classes of ur_far[] (depths.h); and of pages that are touched for the first time. */
	float far[UR_FARS], first;
} ur_slot_call;
typedef void ur_slot_watch(void *arg, const ur_slot_call *call);

typedef struct ur_counter ur_counter;

/* UR_E_INVALID: this thread has one. UR_E_NOMEM. */
ur_status ur_counter_open(const ur_kernels *real, unsigned how, ur_counter **out, ur_err *err);
void ur_counter_close(ur_counter *c);
const ur_kernels *ur_counter_kernels(const ur_counter *c);
/* What a call is given: depth 0. */
void ur_counter_declare(ur_counter *c, const void *at, size_t bytes);
/* Forgets all counts and all that was written or declared. */
void ur_counter_reset(ur_counter *c);
/* Called for every call from now on; NULL: nobody. */
void ur_counter_watch(ur_counter *c, ur_slot_watch *watch, void *arg);
/* UR_E_NOMEM: there was no memory for depths on the way, and *out is nothing. */
ur_status ur_counter_read(const ur_counter *c, ur_count *out, ur_err *err);

/* One call of a mixer with its standard parameters, dry. backward NULL: not for UR_PASS_TRAINING. */
ur_status ur_count_mixer(const ur_mixer_forward *forward, const ur_mixer_backward *backward, const ur_dims *dims,
                         int T, int B, ur_rig_pass pass, ur_count *out, ur_err *err);
/* The same of any rig; `how` as above, `watch` as above or NULL. A dry one need hold no values (spec.empty). */
ur_status ur_count_rig(const ur_rig_spec *spec, unsigned how, ur_slot_watch *watch, void *arg, ur_count *out,
                       ur_err *err);

#endif
