/* Numbers are such that no slot, called on its own results for ever, wanders off to where arithmetic is slow
 * (denormals) or stops (a scale by 1). */
#include "measure/slot_calls.h"

#include "base/order.h"

#include <stdlib.h>

enum { ROWS = 16, WIDE = 512, BUFFERS = 6, SIZE = ROWS * WIDE, RUNS = 5 };
static const double RUN = 2e-4;         /* seconds of a run */

struct ur_slot_room {
	const ur_kernels *k;
	ur_arena memory;
	float *b[BUFFERS], *A, *panels, *C;
};

ur_slot_room *ur_slot_room_open(const ur_kernels *k, int rows, int panels, int depth)
{
	ur_slot_room *r = calloc(1, sizeof *r);
	const size_t wide = (size_t)panels * (size_t)k->nr;

	if (!r)
		return NULL;
	r->k = k;
	for (int pass = 0; pass < 2; pass++) {
		if (pass && !ur_arena_open(&r->memory)) {
			free(r);
			return NULL;
		}
		for (int i = 0; i < BUFFERS; i++)
			r->b[i] = UR_TAKE(&r->memory, float, 4 * SIZE);
		r->A = UR_TAKE(&r->memory, float, (size_t)rows * (size_t)depth);
		r->panels = UR_TAKE(&r->memory, float, wide * (size_t)depth);
		r->C = UR_TAKE(&r->memory, float, (size_t)rows * wide);
	}
	for (size_t i = 0; i < r->memory.size / sizeof(float); i++)
		((float *)(void *)r->memory.base)[i] = 0.5f;
	return r;
}

void ur_slot_room_close(ur_slot_room *room)
{
	ur_arena_close(&room->memory);
	free(room);
}

typedef struct shape { const ur_kernels *k; int rows, n; float *const *b; } shape;

#define SLOT(name, ...) \
	static void name(const shape *s) \
	{ \
		const ur_kernels *k = s->k; \
		const int rows = s->rows, n = s->n; \
		float *const *b = s->b; \
		(void)rows; \
		__VA_ARGS__; \
	}
SLOT(pack, k->pack(n < k->nr ? n : k->nr, rows, b[0], 1, WIDE, b[1]))
SLOT(strips, k->strips(n, rows, b[0], WIDE, b[1]))
SLOT(sigmoid, k->sigmoid(n, b[0], b[1]))
SLOT(tanh_, k->tanh(n, b[0], b[1]))
SLOT(exp_, k->exp(n, b[0], b[1]))
SLOT(add, k->add(n, b[0], b[1]))
SLOT(axpy, k->axpy(n, 0.5f, b[0], b[1]))
SLOT(scale, k->scale(n, -1, b[0]))
SLOT(mul, k->mul(n, b[0], b[1], b[2]))
SLOT(tanh_back, k->tanh_back(n, b[0], b[1], b[2]))
SLOT(copy, k->copy(rows, n, b[0], WIDE, b[1], WIDE))
SLOT(fill, k->fill(rows, n, 0, b[0], WIDE))
SLOT(rotate, k->rotate(rows, n, b[0], b[1]))
SLOT(dot, b[5][0] = (float)k->dot(n, b[0], b[1]))
SLOT(sum_squares, b[5][0] = (float)k->sum_squares((size_t)n, b[0]))
SLOT(column_sums, k->column_sums(rows, n, b[0], WIDE, b[1]))
SLOT(row_dots, k->row_dots(rows, n, b[0], WIDE, b[1], b[2]))
SLOT(row_sum, k->row_sum(rows, n, b[1], b[0], WIDE, b[2]))
SLOT(row_tanh_back, k->row_tanh_back(rows, n, b[0], b[1], b[2], b[3], b[4]))
SLOT(lstm_gates, k->lstm_gates(n, b[0], WIDE, b[1], b[2], b[3]))
SLOT(lstm_gates_back, k->lstm_gates_back(n, b[0], WIDE, b[1], b[2], b[3], b[4], b[5]))
SLOT(gru_gates, k->gru_gates(n, b[0], b[1], WIDE, b[2], b[3]))
SLOT(gru_gates_back, k->gru_gates_back(n, b[0], b[1], WIDE, b[2], b[3], b[4], b[5]))
SLOT(softmax_tile, k->softmax_tile(rows, n, n, 0.5f, b[0], WIDE, b[1], b[2], b[3]))
SLOT(softmax_end, b[1][0] = 2; b[1][1] = -1; k->softmax_end(n, b[1], b[1] + 1, b[0], b[1] + 2))
SLOT(softmax_again, k->softmax_again(n, n, 0.5f, 1, b[0]))
SLOT(softmax_back, k->softmax_back(n, 0.5f, 0.1f, b[0], b[1]))
SLOT(cross_entropy, b[1][0] = (float)k->cross_entropy(n, b[0], 0, 0.5f))
SLOT(layernorm, k->layernorm(n, 1e-5f, b[0], b[1], b[2], b[3], b[4]))
SLOT(layernorm_back, k->layernorm_back(n, b[0], b[1], b[2], b[3], b[4]))
SLOT(rmsnorm, k->rmsnorm(n, 1e-5f, b[0], b[1], b[3], b[4]))
SLOT(rmsnorm_back, k->rmsnorm_back(n, b[0], b[1], b[2], b[3], b[4]))
SLOT(norm_gain_back, k->norm_gain_back(rows, n, WIDE, b[0], b[1], b[2], b[3]))
SLOT(relu, k->relu(n, b[0], b[1]))
SLOT(relu_back, k->relu_back(n, b[0], b[1], b[2]))
SLOT(gelu, k->gelu(n, b[0], b[1]))
SLOT(gelu_back, k->gelu_back(n, b[0], b[1], b[2]))
SLOT(swiglu, k->swiglu(n, b[0], b[1], b[2]))
SLOT(swiglu_back, k->swiglu_back(n, b[0], b[1], b[2], b[3], b[4]))
static const ur_adamw adamw_options = { .lr = 1e-9f, .beta1 = 0.5f, .beta2 = 0.5f, .eps = 1, .bias1 = 1, .bias2 = 1,
                                        .scale = 1 };
SLOT(adamw, k->adamw((size_t)n, &adamw_options, b[0], b[1], b[2], b[3]))
SLOT(sgd, k->sgd((size_t)n, 1e-9f, 0.5f, 0, 1, b[0], b[1], b[2]))

static const struct { void (*run)(const shape *s); int rows; } calls[UR_SLOTS] = {
	[UR_SLOT_PACK] = { pack, 1 }, [UR_SLOT_STRIPS] = { strips, 1 }, [UR_SLOT_SIGMOID] = { sigmoid, 0 },
	[UR_SLOT_TANH] = { tanh_, 0 }, [UR_SLOT_EXP] = { exp_, 0 }, [UR_SLOT_ADD] = { add, 0 },
	[UR_SLOT_AXPY] = { axpy, 0 },
	[UR_SLOT_SCALE] = { scale, 0 }, [UR_SLOT_MUL] = { mul, 0 }, [UR_SLOT_TANH_BACK] = { tanh_back, 0 },
	[UR_SLOT_COPY] = { copy, 1 }, [UR_SLOT_FILL] = { fill, 1 }, [UR_SLOT_ROTATE] = { rotate, 1 },
	[UR_SLOT_DOT] = { dot, 0 }, [UR_SLOT_SUM_SQUARES] = { sum_squares, 0 },
	[UR_SLOT_COLUMN_SUMS] = { column_sums, 1 }, [UR_SLOT_ROW_DOTS] = { row_dots, 1 },
	[UR_SLOT_ROW_SUM] = { row_sum, 1 }, [UR_SLOT_ROW_TANH_BACK] = { row_tanh_back, 1 },
	[UR_SLOT_LSTM_GATES] = { lstm_gates, 0 }, [UR_SLOT_LSTM_GATES_BACK] = { lstm_gates_back, 0 },
	[UR_SLOT_GRU_GATES] = { gru_gates, 0 }, [UR_SLOT_GRU_GATES_BACK] = { gru_gates_back, 0 },
	[UR_SLOT_SOFTMAX_TILE] = { softmax_tile, 1 }, [UR_SLOT_SOFTMAX_END] = { softmax_end, 0 },
	[UR_SLOT_SOFTMAX_AGAIN] = { softmax_again, 0 }, [UR_SLOT_SOFTMAX_BACK] = { softmax_back, 0 },
	[UR_SLOT_CROSS_ENTROPY] = { cross_entropy, 0 }, [UR_SLOT_LAYERNORM] = { layernorm, 0 },
	[UR_SLOT_LAYERNORM_BACK] = { layernorm_back, 0 }, [UR_SLOT_RMSNORM] = { rmsnorm, 0 },
	[UR_SLOT_RMSNORM_BACK] = { rmsnorm_back, 0 }, [UR_SLOT_NORM_GAIN_BACK] = { norm_gain_back, 1 },
	[UR_SLOT_RELU] = { relu, 0 }, [UR_SLOT_RELU_BACK] = { relu_back, 0 }, [UR_SLOT_GELU] = { gelu, 0 },
	[UR_SLOT_GELU_BACK] = { gelu_back, 0 }, [UR_SLOT_SWIGLU] = { swiglu, 0 },
	[UR_SLOT_SWIGLU_BACK] = { swiglu_back, 0 }, [UR_SLOT_ADAMW] = { adamw, 0 }, [UR_SLOT_SGD] = { sgd, 0 },
};

int ur_slot_has_rows(ur_slot slot) { return calls[slot].rows; }

double ur_slot_time(ur_slot_room *room, ur_slot slot, int rows, int n, int K)
{
	const shape s = { room->k, rows, n, room->b };
	const ur_product p = { .M = rows, .N = n, .K = K, .blocks = 1, .A = room->A, .row = K, .col = 1,
	                       .panels = room->panels, .p1 = (n + room->k->nr - 1) / room->k->nr, .C = room->C, .ldc = n };
	double each[RUNS];
	long times = 1;
	int run = 0;

	while (run < RUNS) {
		double start = ur_thread_clock(), took;

		for (long i = 0; i < times; i++) {
			if (slot == UR_SLOT_PRODUCT_F32)
				room->k->product[UR_F32](&p);
			else
				calls[slot].run(&s);
		}
		took = ur_thread_clock() - start;
		if (took < RUN && times < 1L << 24) {
			times = took > RUN / 64 ? (long)((double)times * RUN / took * 1.2) + 1 : times * 8;
			continue;
		}
		each[run++] = took / (double)times;
		if (took > 2e-3 && run == 2)    /* long enough to trust */
			break;
	}
	return ur_median(run, each);
}
