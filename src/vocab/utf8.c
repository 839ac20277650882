/* UTF-8 by table 3-7 of the Unicode standard ("well-formed UTF-8 byte sequences"): the second byte's range depends on
 * the first, every later byte is 80..BF. Runs of ASCII are passed eight bytes at a time. */
#include "vocab/utf8.h"

#include <string.h>

#define ADVICE "use --vocab byte or convert the file to UTF-8"

int ur_utf8_next(const unsigned char *s, size_t n, uint32_t *code)
{
	unsigned lead = s[0], low = 0x80, high = 0xBF;
	int length;

	if (lead < 0x80) {
		*code = lead;
		return 1;
	}
	if (lead < 0xC2 || lead > 0xF4)
		return -1;
	length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
	if (lead == 0xE0)
		low = 0xA0;
	else if (lead == 0xED)
		high = 0x9F;
	else if (lead == 0xF0)
		low = 0x90;
	else if (lead == 0xF4)
		high = 0x8F;
	*code = lead & (0xFFu >> (length + 1));
	for (int i = 1; i < length; i++) {
		if ((size_t)i >= n)
			return 0;
		if (s[i] < low || s[i] > high)
			return -1;
		low = 0x80;
		high = 0xBF;
		*code = *code << 6 | (s[i] & 0x3Fu);
	}
	return length;
}

size_t ur_utf8_valid(const unsigned char *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		uint32_t code;
		int length;
		if (s[i] < 0x80) {
			uint64_t eight;
			while (n - i >= sizeof eight) {
				memcpy(&eight, s + i, sizeof eight);
				if (eight & UINT64_C(0x8080808080808080))
					break;
				i += sizeof eight;
			}
			while (i < n && s[i] < 0x80)
				i++;
			continue;
		}
		length = ur_utf8_next(s + i, n - i, &code);
		if (length <= 0)
			break;
		i += (size_t)length;
	}
	return i;
}

size_t ur_utf8_put(uint32_t code, char *out)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xC0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3F));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xE0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3F));
		out[2] = (char)(0x80 | (code & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3F));
	out[2] = (char)(0x80 | (code >> 6 & 0x3F));
	out[3] = (char)(0x80 | (code & 0x3F));
	return 4;
}

int ur_utf8_scalar(int64_t code)
{
	return code >= 0 && code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF);
}

static ur_status invalid(int64_t at, unsigned byte, ur_err *err)
{
	return ur_fail(err, UR_E_INVALID, "invalid UTF-8 at byte %lld (0x%02X): " ADVICE, (long long)at, byte);
}

ur_status ur_gate_feed(ur_gate *g, const char *text, size_t bytes, ur_text_fn *fn, void *self, ur_err *err)
{
	const unsigned char *s = (const unsigned char *)text;
	uint32_t code;
	size_t whole;
	ur_status status;

	while (g->n && bytes) {
		int length;
		g->held[g->n++] = *s++;
		bytes--;
		length = ur_utf8_next(g->held, g->n, &code);
		if (length < 0)
			return invalid(g->at, g->held[0], err);
		if (length > 0) {
			if ((status = fn(self, g->held, g->n, g->at, err)))
				return status;
			g->at += length;
			g->n = 0;
		}
	}
	whole = ur_utf8_valid(s, bytes);
	if (whole && (status = fn(self, s, whole, g->at, err)))
		return status;
	g->at += (int64_t)whole;
	if (whole == bytes)
		return UR_OK;
	if (ur_utf8_next(s + whole, bytes - whole, &code) < 0)
		return invalid(g->at, s[whole], err);
	g->n = bytes - whole;
	memcpy(g->held, s + whole, g->n);
	return UR_OK;
}

ur_status ur_gate_finish(const ur_gate *g, ur_err *err)
{
	if (g->n)
		return ur_fail(err, UR_E_INVALID, "invalid UTF-8 at byte %lld: the text ends inside a character; " ADVICE,
			(long long)g->at);
	return UR_OK;
}
