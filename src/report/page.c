/* Puts the page together. page.html is a template: {{name}} stands for a part, everything else for itself.
 *
 * Two walls keep text in data from becoming markup or code: '<' never occurs in the JSON, so nothing in it can end its
 * <script>; and a content security policy lets only the scripts and styles run that carry a random number, drawn after
 * the data was there. The page's own code puts data on the page as text only. */
#define _GNU_SOURCE
#include "report/page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define EMBEDDED(X) X(html) X(css) X(chart_library) X(words_js) X(tables_js) X(charts_js) X(facts_js) X(answer_js) \
	X(measured_js) X(translated_js) X(evidence_js) X(page_js)
#define X(name) extern const char ur_page_##name[], ur_page_##name##_end[];
EMBEDDED(X)
#undef X

char *ur_page_json(const json_t *document, size_t *bytes)
{
	/* compact: a report holds thousands of points; 10 digits are more than was measured */
	char *plain = json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(10)), *out;
	size_t marks = 0, used = 0;

	if (!plain)
		return NULL;
	for (const char *c = plain; *c; c++)
		marks += *c == '<' || *c == '\xE2';
	if ((out = malloc(strlen(plain) + 5 * marks + 1))) {
		for (const char *c = plain; *c; c++) {
			/* a '<' of valid JSON is always inside a string, and so are U+2028 and U+2029 */
			if (*c == '<') {
				memcpy(out + used, "\\u003c", 6);
				used += 6;
			} else if (*c == '\xE2' && c[1] == '\x80' && (c[2] == '\xA8' || c[2] == '\xA9')) {
				memcpy(out + used, c[2] == '\xA8' ? "\\u2028" : "\\u2029", 6);
				used += 6;
				c += 2;
			} else {
				out[used++] = *c;
			}
		}
		out[used] = 0;
		*bytes = used;
	}
	free(plain);
	return out;
}

typedef struct part { const char *name, *text; size_t bytes; } part;

/* The template with its parts in place: counted when `to` is NULL, else written. An unknown name stays as it is. */
static size_t fill(const part *parts, size_t n, char *to)
{
	const char *at = ur_page_html, *end = ur_page_html_end;
	size_t used = 0;

	while (at < end) {
		const char *text = at;
		size_t bytes, skip;
		const char *open = memmem(at, (size_t)(end - at), "{{", 2);
		const char *close = open ? memmem(open, (size_t)(end - open), "}}", 2) : NULL;

		bytes = skip = (size_t)((close ? open : end) - at);
		if (close && open == at) {
			bytes = skip = (size_t)(close + 2 - open);
			for (size_t i = 0; i < n; i++)
				if (strlen(parts[i].name) == skip - 4 && !memcmp(parts[i].name, open + 2, skip - 4)) {
					text = parts[i].text;
					bytes = parts[i].bytes;
				}
		}
		if (to)
			memcpy(to + used, text, bytes);
		used += bytes;
		at += skip;
	}
	return used;
}

static int draw_nonce(char nonce[33])
{
	unsigned char random[16];

	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return -1;
	for (size_t i = 0; i < sizeof random; i++)
		(void)snprintf(nonce + 2 * i, 3, "%02x", random[i]);
	return 0;
}

ur_status ur_page_text(const char *json, size_t json_bytes, int live, char **text, size_t *bytes, ur_err *err)
{
	char nonce[33];
	const char *connect = live ? "'self'" : "'none'", *mode = live ? "live" : "file";
#define PART(name) { #name, ur_page_##name, (size_t)(ur_page_##name##_end - ur_page_##name) }
	const part parts[] = {
		PART(css), PART(chart_library), PART(words_js), PART(tables_js), PART(charts_js), PART(facts_js),
		PART(answer_js), PART(measured_js), PART(translated_js), PART(evidence_js), PART(page_js),
		{ "nonce", nonce, 32 }, { "connect", connect, strlen(connect) }, { "mode", mode, strlen(mode) },
		{ "document", json, json_bytes },
	};
#undef PART
	const size_t n = sizeof parts / sizeof *parts;

	*text = NULL;
	if (draw_nonce(nonce))
		return ur_fail(err, UR_E_IO, "the system gave no random numbers: %s", strerror(errno));
	*bytes = fill(parts, n, NULL);
	if (!(*text = malloc(*bytes + 1)))
		return ur_fail(err, UR_E_NOMEM, "out of memory for a page of %zu bytes", *bytes);
	(void)fill(parts, n, *text);
	(*text)[*bytes] = 0;
	return UR_OK;
}
