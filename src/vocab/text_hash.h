/* A fast 64-bit hash of bytes, for fingerprints and file checks: it finds accidents, not attacks. Eight bytes at a
 * time, h = fold((h ^ word) * odd constant) with the 128-bit product's halves xored, as wyhash does (Wang Yi, 2019).
 * Independent of how the bytes are cut into calls, and of the machine's byte order. */
#ifndef UR_TEXT_HASH_H
#define UR_TEXT_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct ur_hash {
	uint64_t h, bytes;
	unsigned char part[8];      /* bytes % 8 bytes that do not fill a word yet */
} ur_hash;

/* The two halves of a * b, xored. */
static inline uint64_t ur_hash_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/* Starts from {0}. */
void ur_hash_add(ur_hash *hash, const void *data, size_t bytes);
/* The hash of all bytes added so far; more may follow. */
uint64_t ur_hash_value(const ur_hash *hash);

#endif
