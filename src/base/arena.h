/* One block of memory per lifetime (model, stream, training plan), cut into 64-byte aligned pieces.
 *
 * An arena is used twice with the same code: first with no memory, to measure; then with a block of the measured
 * size, to cut. So the size is known before anything is allocated, and nothing allocates afterwards:
 *
 *     ur_arena a = {0};  plan(&a, ...);            measures: every piece is NULL, a.used is the size
 *     ur_arena_open(&a); plan(&a, ...);            cuts: the same calls give the pieces
 */
#ifndef UR_ARENA_H
#define UR_ARENA_H

#include <stddef.h>

typedef struct ur_arena {
	char *base;   /* NULL while measuring */
	size_t used;  /* bytes handed out */
	size_t size;  /* bytes behind base */
} ur_arena;

/* `count` zeroed items of `item` bytes; NULL while measuring. Sizes were checked when the arena was measured: an
 * overflow sticks at SIZE_MAX, which ur_arena_open then refuses. */
void *ur_arena_take(ur_arena *arena, size_t count, size_t item);
#define UR_TAKE(arena, type, count) ((type *)ur_arena_take((arena), (size_t)(count), sizeof(type)))

/* Turns a measured arena into an empty one with memory (zeroed, untouched pages cost nothing). False: no memory. */
int ur_arena_open(ur_arena *arena);
void ur_arena_close(ur_arena *arena);

#endif
