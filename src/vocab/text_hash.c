/* The hash of text_hash.h. */
#include "vocab/text_hash.h"

#include <string.h>

static uint64_t mix(uint64_t h, const unsigned char *eight)
{
	uint64_t word;
	memcpy(&word, eight, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return ur_hash_fold(h ^ word ^ UINT64_C(0xA0761D6478BD642F), UINT64_C(0xE7037ED1A0B428DB));
}

void ur_hash_add(ur_hash *hash, const void *data, size_t bytes)
{
	const unsigned char *s = data;
	size_t held = (size_t)(hash->bytes % 8);
	uint64_t h = hash->h;

	hash->bytes += bytes;
	if (held) {
		size_t more = 8 - held < bytes ? 8 - held : bytes;
		memcpy(hash->part + held, s, more);
		s += more;
		bytes -= more;
		if (held + more < 8)
			return;
		h = mix(h, hash->part);
	}
	for (; bytes >= 8; bytes -= 8, s += 8)
		h = mix(h, s);
	if (bytes)
		memcpy(hash->part, s, bytes);
	hash->h = h;
}

uint64_t ur_hash_value(const ur_hash *hash)
{
	unsigned char last[8] = { 0 };
	size_t held = (size_t)(hash->bytes % 8);

	memcpy(last, hash->part, held);
	return ur_hash_fold(mix(hash->h, last) ^ hash->bytes, UINT64_C(0x8EBC6AF09C88C6E3));
}
