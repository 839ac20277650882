/* A stream's state as bytes: what unroll_stream_save writes and unroll_stream_restore trusts no byte of. Numbers have
 * the machine's byte order; nothing needs to be aligned.
 *
 *     ur_saved                      below
 *     uint64 used[layers]           leading bytes of each layer's state that matter
 *     each layer's bytes            a mixer's own (mixer.h), one layer after the other
 *     uint64                        the hash (vocab/text_hash.h) of all before it
 *
 * Whether bytes are of this model is told by a fingerprint of everything that a step's result depends on: structure,
 * weights, how they are kept, and the units of the data. Context and window stand beside it, so that a refusal can name
 * them. A state can be at any step up to the model's limit, or 2^62 where it has none. */
#ifndef UR_SAVED_H
#define UR_SAVED_H

#include "run/stream.h"

enum { UR_SAVED_VERSION = 1, UR_SAVED_ORDER = 0x01020304 };
#define UR_SAVED_MAGIC "UR-STATE"

typedef struct ur_saved {
	char magic[8];                  /* UR_SAVED_MAGIC */
	uint32_t order;                 /* UR_SAVED_ORDER, as the machine has it */
	uint32_t version;
	uint64_t bytes;                 /* in all */
	uint64_t model;                 /* ur_model_fingerprint */
	int64_t context;                /* positions that the model is built for; 0: any number */
	int64_t window;                 /* of its attention; 0: none */
	int64_t position;               /* steps taken */
	uint32_t layers;
	uint32_t none;                  /* 0 */
} ur_saved;

/* Worked out at the first call, from the weights as they are then, and kept: the weights of a model that has streams do
 * not change. Any thread. */
uint64_t ur_model_fingerprint(const ur_model *m);

#endif
