/* What attending.c and attending_back.c share, and nobody else needs. */
#ifndef UR_ATTENDING_PARTS_H
#define UR_ATTENDING_PARTS_H

#include "mixer/attending.h"
#include "mixer/recurrent_parts.h"

/* A layer's widths. Its cell's input is [x_t ; what is fed], its output's rows hold s_t, c_t and, not late, x_t. */
typedef struct ur_widths {
	const ur_cell *cell;
	int cell_number;
	ur_dims plain;          /* the cell's own */
	int in, H, M, GH, fed, O;
	int at_s, at_c, at_x;   /* in a row of O; at_x -1: none */
} ur_widths;
ur_widths ur_attending_widths(const ur_attending *l, const ur_dims *d);

/* Where `saved` is cut, in floats: s and c from before the first step on (T + 1, B, H); activations (T, B, G H) where
 * G > 1; the last block of u (T, B, H); the first f (B, H); the output's rows (T, B, O); alpha (T, B, S); queries
 * (T, B, H) where they are not s; every source as a step sees it, (B, S, H + M), zero beyond its length. What no step
 * reached is zero in s, o, alpha and q. */
typedef struct ur_attending_saved { size_t s, c, a, un, f0, o, alpha, q, made, total; } ur_attending_saved;
ur_attending_saved ur_attending_saved_layout(const ur_attending *l, const ur_dims *d, const ur_span *s);
size_t ur_attending_back_work(const ur_attending *l, const ur_ctx *c, const ur_dims *d, const ur_span *s);

static inline int ur_attending_sources(const ur_span *s, int b) { return s->mlen ? s->mlen[b] : s->S; }

#endif
