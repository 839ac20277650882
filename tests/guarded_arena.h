/* Arenas with a guard behind every piece, in place of base/arena.c's for the program that includes this: what is
 * written beyond a piece fails the test that closes the arena, and under AddressSanitizer what is read too. */
#ifndef GUARDED_ARENA_H
#define GUARDED_ARENA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, n) ((void)(at), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(at, n) ((void)(at), (void)(n))
#endif

enum { GUARD = 64, GUARDS = 1 << 14, GUARD_BYTE = 0xff }; /* as floats: NaN */

static char *guards[GUARDS];
static size_t guard_count, guarded_bytes; /* of all arenas opened so far */

void *ur_arena_take(ur_arena *arena, size_t count, size_t item)
{
	const size_t bytes = (count * item + 63) / 64 * 64, at = arena->used;

	arena->used += bytes + GUARD;
	if (!arena->base)
		return NULL;
	if (arena->used > arena->size)
		fail_msg("an arena gives more when it cuts than when it measured");
	assert_true(guard_count < GUARDS);
	guards[guard_count++] = arena->base + at + bytes;
	memset(arena->base + at + bytes, GUARD_BYTE, GUARD);
	ASAN_POISON_MEMORY_REGION(arena->base + at + bytes, GUARD);
	return arena->base + at;
}

int ur_arena_open(ur_arena *arena)
{
	const size_t size = arena->used ? arena->used : GUARD;
	char *base = aligned_alloc(64, size);

	if (!base)
		return 0;
	memset(base, 0, size);
	guarded_bytes += size;
	*arena = (ur_arena){ .base = base, .size = size };
	return 1;
}

void ur_arena_close(ur_arena *arena)
{
	size_t left = 0;

	for (size_t i = 0; i < guard_count; i++) {
		if (guards[i] < arena->base || guards[i] >= arena->base + arena->size) {
			guards[left++] = guards[i];
			continue;
		}
		ASAN_UNPOISON_MEMORY_REGION(guards[i], GUARD);
		for (int j = 0; j < GUARD; j++)
			if ((unsigned char)guards[i][j] != GUARD_BYTE)
				fail_msg("byte %d beyond a piece of an arena was written", j);
	}
	if (arena->base)
		guard_count = left;
	free(arena->base);
	*arena = (ur_arena){ 0 };
}

#endif
