/* Arena: a zeroed anonymous mapping, handed out in order. */
#include "base/arena.h"

#include <stdint.h>
#include <sys/mman.h>

enum { ALIGN = 64, HUGE_PAGE = 2 << 20 };

void *ur_arena_take(ur_arena *arena, size_t count, size_t item)
{
	size_t bytes, at = arena->used;

	if (__builtin_mul_overflow(count, item, &bytes) || bytes > SIZE_MAX - ALIGN ||
	    __builtin_add_overflow(at, (bytes + ALIGN - 1) / ALIGN * ALIGN, &arena->used)) {
		arena->used = SIZE_MAX;
		return NULL;
	}
	if (!arena->base || arena->used > arena->size)
		return NULL;
	return arena->base + at;
}

int ur_arena_open(ur_arena *arena)
{
	size_t size = arena->used;
	void *base;

	if (size == SIZE_MAX)
		return 0;
	if (size == 0)
		size = ALIGN;
	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED)
		return 0;
#ifdef MADV_HUGEPAGE
	if (size >= HUGE_PAGE)
		(void)madvise(base, size, MADV_HUGEPAGE); /* fewer TLB misses; a refusal costs nothing */
#endif
	*arena = (ur_arena){ .base = base, .size = size };
	return 1;
}

void ur_arena_close(ur_arena *arena)
{
	if (arena->base)
		munmap(arena->base, arena->size);
	*arena = (ur_arena){ 0 };
}
