/* Counts what a program allocates, where that can be seen; with a sanitizer `allocations` stays 0. Included once. */
#ifndef COUNTED_MALLOC_H
#define COUNTED_MALLOC_H

#include "sanitized.h"

#include <stdatomic.h>
#include <stddef.h>

static atomic_long allocations;

#if defined(__GLIBC__) && !defined(SANITIZED)
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

void *malloc(size_t n)
{
	atomic_fetch_add(&allocations, 1);
	return __libc_malloc(n);
}
void *calloc(size_t n, size_t size)
{
	atomic_fetch_add(&allocations, 1);
	return __libc_calloc(n, size);
}
void *realloc(void *p, size_t n)
{
	atomic_fetch_add(&allocations, 1);
	return __libc_realloc(p, n);
}
void *aligned_alloc(size_t align, size_t n)
{
	atomic_fetch_add(&allocations, 1);
	return __libc_memalign(align, n);
}
#endif

#endif
