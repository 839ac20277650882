/* Numbers and text as people are told them. */
#include "compare/words.h"

#include "vocab/utf8.h"

#include <stdio.h>

void ur_whole_characters(char *text, size_t n)
{
	for (size_t at = 0; at < n;) {
		uint32_t code;
		const int length = ur_utf8_next((const unsigned char *)text + at, n - at, &code);
		if (length < 1 || !code)
			text[at] = '?';
		at += length < 1 ? 1 : (size_t)length;
	}
}

const char *ur_say_bytes(double bytes, ur_number out)
{
	if (bytes < 10240)
		(void)snprintf(out, sizeof(ur_number), "%.0f bytes", bytes);
	else if (bytes < 10485760)
		(void)snprintf(out, sizeof(ur_number), "%.0f KiB", bytes / 1024);
	else
		(void)snprintf(out, sizeof(ur_number), "%.0f MiB", bytes / 1048576);
	return out;
}

const char *ur_say_count(double n, ur_number out)
{
	if (!(n >= 0))
		(void)snprintf(out, sizeof(ur_number), "?");
	else if (n >= 999.5e6)
		(void)snprintf(out, sizeof(ur_number), "%.3g", n);
	else if (n >= 999.5e3)
		(void)snprintf(out, sizeof(ur_number), "%.3gM", n / 1e6);
	else
		(void)snprintf(out, sizeof(ur_number), n >= 999.5 ? "%.3gk" : "%.3g", n >= 999.5 ? n / 1e3 : n);
	return out;
}

const char *ur_say_seconds(double seconds, ur_number out)
{
	if (seconds < 120)
		(void)snprintf(out, sizeof(ur_number), "%.3g s", seconds);
	else
		(void)snprintf(out, sizeof(ur_number), "%.3g min", seconds / 60);
	return out;
}

const ur_data_words *ur_data_words_of(int pairs)
{
	static const ur_data_words text = { "held-out text", "the held-out text is too short", "the text's own noise",
		"over the text", "on this text", "other text", "the choice of text", "one text",
		"the text the learning rates were chosen on is" };
	static const ur_data_words of_pairs = { "held-out pairs", "there are too few held-out pairs",
		"the pairs' own noise", "over the pairs", "on these pairs", "other pairs", "the choice of pairs",
		"one set of pairs",
		"the pairs the learning rates were chosen on are" };
	return pairs ? &of_pairs : &text;
}
