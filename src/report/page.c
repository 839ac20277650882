/* Puts a page together. pages.def has the template of each kind of document: {{name}} stands for a part, which may be a
 * template itself, everything else for itself.
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

#define PART(name, file) extern const char ur_page_##name[], ur_page_##name##_end[];
#include "report/parts.def"
#undef PART

struct ur_page { const char *kind, *html, *end; };

static const ur_page pages[] = {
#define PAGE(kind, name) { kind, ur_page_##name, ur_page_##name##_end },
#include "report/pages.def"
#undef PAGE
};

const ur_page *ur_page_of(const json_t *document)
{
	const char *kind = json_string_value(json_object_get(document, "kind"));

	for (size_t i = 0; kind && i < sizeof pages / sizeof *pages; i++)
		if (!strcmp(kind, pages[i].kind))
			return &pages[i];
	return &pages[0];
}

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

static const part *find(const part *parts, size_t n, const char *name, size_t length)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(parts[i].name) == length && !memcmp(parts[i].name, name, length))
			return &parts[i];
	return NULL;
}

static int is_template(const part *p)
{
	const size_t n = strlen(p->name);
	return n > 5 && !strcmp(p->name + n - 5, "_html");
}

/* A template with its parts in place: counted when `to` is NULL, else written. An unknown name stays as it is. */
static size_t fill(const part *parts, size_t n, const char *at, const char *end, char *to)
{
	size_t used = 0;

	while (at < end) {
		const char *open = memmem(at, (size_t)(end - at), "{{", 2);
		const char *close = open ? memmem(open, (size_t)(end - open), "}}", 2) : NULL;
		const part *p = close && open == at ? find(parts, n, open + 2, (size_t)(close - open - 2)) : NULL;
		const char *next = !close ? end : open == at ? close + 2 : open;
		const size_t bytes = p ? p->bytes : (size_t)(next - at);

		if (p && is_template(p))
			used += fill(parts, n, p->text, p->text + p->bytes, to ? to + used : NULL);
		else {
			if (to)
				memcpy(to + used, p ? p->text : at, bytes);
			used += bytes;
		}
		at = next;
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

ur_status ur_page_text(const ur_page *page, const char *json, size_t json_bytes, int live, char **text, size_t *bytes,
                       ur_err *err)
{
	char nonce[33];
	const char *connect = live ? "'self'" : "'none'", *mode = live ? "live" : "file";
	const part parts[] = {
#define PART(name, file) { #name, ur_page_##name, (size_t)(ur_page_##name##_end - ur_page_##name) },
#include "report/parts.def"
#undef PART
		{ "nonce", nonce, 32 }, { "connect", connect, strlen(connect) }, { "mode", mode, strlen(mode) },
		{ "document", json, json_bytes },
	};
	const size_t n = sizeof parts / sizeof *parts;

	*text = NULL;
	if (draw_nonce(nonce))
		return ur_fail(err, UR_E_IO, "the system gave no random numbers: %s", strerror(errno));
	*bytes = fill(parts, n, page->html, page->end, NULL);
	if (!(*text = malloc(*bytes + 1)))
		return ur_fail(err, UR_E_NOMEM, "out of memory for a page of %zu bytes", *bytes);
	(void)fill(parts, n, page->html, page->end, *text);
	(*text)[*bytes] = 0;
	return UR_OK;
}
