/* BLEU. With m_n of t_n n-grams of the hypotheses in their references, each counted at most as often as it is there:
 *
 *     BLEU = 100 exp(min(0, 1 - r / h)) (p_1 p_2 p_3 p_4)^(1/4)        p_n = m_n / t_n
 *
 * h and r: tokens of all hypotheses and references. Exponential smoothing: where m_n = 0, p_n = 1 / (2^k t_n), k being
 * how many such orders there were so far. No match at all, or no n-gram of some order: 0.
 *
 * 13a is a few rewritings of the text, one after the other, each from left to right without going back:
 *
 *     <skipped> and "-\n" go; \n becomes a blank; &quot; &amp; &lt; &gt; become what they mean, in this order
 *     ASCII punctuation but ' , - . gets blanks on both sides
 *     . and , behind what is no digit get blanks on both sides; then those before what is no digit
 *     - behind a digit gets blanks on both sides
 *
 * and the tokens are what stands between blanks, Unicode's too, as Python knows them. All of it is the same done on
 * bytes as on code points: no rule looks at more of a character than whether it is a certain one in ASCII. */
#include "quality/bleu.h"

#include "quality/word_numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- 13a ---- */

/* Replaces `what` in s[n] by the shorter `by`; returns the new length. */
static size_t replace(char *s, size_t n, const char *what, const char *by)
{
	size_t length = strlen(what), put = strlen(by), used = 0;

	for (size_t i = 0; i < n;) {
		if (s[i] == *what && n - i >= length && !memcmp(s + i, what, length)) {
			memcpy(s + used, by, put);
			used += put;
			i += length;
		} else {
			s[used++] = s[i++];
		}
	}
	return used;
}

static int digit(char c)
{
	return c >= '0' && c <= '9';
}

static int stop(char c)
{
	return c == '.' || c == ',';
}

static int punctuation(char c)
{
	return c >= ' ' && c <= '~' && c != '\'' && c != ',' && c != '-' && c != '.' && !digit(c) &&
	       !((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Bytes of the white space that s starts with, as Python's str.isspace has it; 0: none. */
static size_t space(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;

	if (s[0] == ' ' || (s[0] >= '\t' && s[0] <= '\r') || (s[0] >= 0x1C && s[0] <= 0x1F))
		return 1;
	if (n > 1 && s[0] == 0xC2 && (s[1] == 0x85 || s[1] == 0xA0))
		return 2;
	if (n < 3)
		return 0;
	if (s[0] == 0xE2 && s[1] == 0x80) /* U+2000 to 200A, 2028, 2029, 202F */
		return (s[2] >= 0x80 && s[2] <= 0x8A) || s[2] == 0xA8 || s[2] == 0xA9 || s[2] == 0xAF ? 3 : 0;
	return (s[0] == 0xE1 && s[1] == 0x9A && s[2] == 0x80) || (s[0] == 0xE2 && s[1] == 0x81 && s[2] == 0x9F) ||
	       (s[0] == 0xE3 && s[1] == 0x80 && s[2] == 0x80) ? 3 : 0;
}

/* A rule over two neighbours: where both match, `out` gets them with these texts before, between and behind. */
typedef struct pair_rule { int (*first)(char); int first_is; int (*second)(char); int second_is; int before, behind; }
	pair_rule;

static int dash(char c)
{
	return c == '-';
}

/* A blank between the two always; before and behind where the rule says so. */
static const pair_rule rules[] = {
	{ digit, 0, stop, 1, 0, 1 },
	{ stop, 1, digit, 0, 1, 0 },
	{ digit, 1, dash, 1, 0, 1 },
};

static size_t apply(const pair_rule *r, const char *s, size_t n, char *out)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n && r->first(s[i]) == r->first_is && r->second(s[i + 1]) == r->second_is) {
			if (r->before)
				out[used++] = ' ';
			out[used++] = s[i++];
			out[used++] = ' ';
			out[used++] = s[i];
			if (r->behind)
				out[used++] = ' ';
		} else {
			out[used++] = s[i];
		}
	}
	return used;
}

static size_t unescape(char *s, size_t n)
{
	static const char *const table[][2] = { { "<skipped>", "" }, { "-\n", "" }, { "\n", " " }, { "&quot;", "\"" },
		{ "&amp;", "&" }, { "&lt;", "<" }, { "&gt;", ">" } };

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		n = replace(s, n, table[i][0], table[i][1]);
	return n;
}

/* Tokens with single blanks between them, malloc'd, *length bytes and a NUL. */
static char *tokenize(const char *text, size_t bytes, size_t *length)
{
	/* each of four passes makes at most three bytes of one, or four of two */
	size_t room = (bytes + 2) * 3 * 2 * 2 * 2 + 1, n, used = 0;
	char *a = malloc(room), *b = malloc(room), *swap;

	if (!a || !b) {
		free(a);
		free(b);
		return NULL;
	}
	if (bytes)
		memcpy(a, text, bytes);
	n = unescape(a, bytes);
	b[used++] = ' ';
	for (size_t i = 0; i < n; i++) {
		int apart = punctuation(a[i]);
		if (apart)
			b[used++] = ' ';
		b[used++] = a[i];
		if (apart)
			b[used++] = ' ';
	}
	b[used++] = ' ';
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		used = apply(&rules[i], b, used, a);
		swap = a;
		a = b;
		b = swap;
	}
	n = 0;
	for (size_t i = 0, blank, due = 0; i < used; i += blank ? blank : 1) {
		blank = space(b + i, used - i);
		if (blank) {
			due = n > 0;
			continue;
		}
		if (due)
			a[n++] = ' ';
		due = 0;
		a[n++] = b[i];
	}
	a[n] = 0;
	free(b);
	*length = n;
	return a;
}

char *ur_bleu_tokenize(const char *text, size_t bytes)
{
	size_t length;
	return tokenize(text, bytes, &length);
}

/* ---- counting n-grams ---- */

/* Length of a text without the white space at its end, which goes before 13a sees it. */
static size_t trimmed(const char *text, size_t bytes)
{
	for (;;) {
		size_t cut = 0;
		for (size_t n = 1; n <= 3 && n <= bytes && !cut; n++)
			cut = space(text + bytes - n, n) == n ? n : 0;
		if (!cut)
			return bytes;
		bytes -= cut;
	}
}

/* Numbers of the tokens of one text; out: room for (length + 1) / 2. */
static int64_t number(ur_word_numbers *words, const char *tokens, size_t length, int32_t *out)
{
	int64_t n = 0;

	for (size_t i = 0; i < length; i++) {
		const char *end = memchr(tokens + i, ' ', length - i);
		size_t bytes = end ? (size_t)(end - tokens) - i : length - i;
		out[n++] = ur_word_numbers_number(words, tokens + i, bytes);
		i += bytes;
	}
	return n;
}

/* An n-gram, as the number of the one without its last token, and that token. */
struct gram { uint64_t key; int32_t number, left; };

static struct gram *gram_of(struct gram *grams, size_t mask, int32_t before, int32_t token, int32_t *n)
{
	uint64_t key = ((uint64_t)(uint32_t)before << 32 | (uint32_t)token) + 1;

	for (size_t i = (size_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 32) & mask;; i = (i + 1) & mask) {
		if (!grams[i].key)
			grams[i] = (struct gram){ key, (*n)++, 0 };
		if (grams[i].key == key)
			return &grams[i];
	}
}

/* Matches of every order. The reference's n-grams are counted, then used up by the hypothesis's. ids: of the reference,
 * m, and behind them those of the hypothesis, n; grams: room for all of them, twice; before: m + n. */
static void match(ur_bleu *b, const int32_t *ids, int64_t m, int64_t n, struct gram *grams, size_t mask,
                  int32_t *before)
{
	memset(before, 0, (size_t)(m + n) * sizeof *before);
	for (int order = 0; order < UR_BLEU_ORDER; order++) {
		int32_t known = 0;

		memset(grams, 0, (mask + 1) * sizeof *grams);
		for (int64_t i = 0; i < m - order; i++) {
			struct gram *g = gram_of(grams, mask, before[i], ids[i + order], &known);
			g->left++;
			before[i] = g->number;
		}
		for (int64_t i = m; i < m + n - order; i++) {
			struct gram *g = gram_of(grams, mask, before[i], ids[i + order], &known);
			b->match[order] += g->left > 0;
			g->left -= g->left > 0;
			before[i] = g->number;
		}
		b->total[order] += n > order ? n - order : 0;
	}
	b->hypothesis += n;
	b->reference += m;
}

int ur_bleu_add(ur_bleu *b, const char *hypothesis, size_t hypothesis_bytes, const char *reference,
                size_t reference_bytes)
{
	size_t h = 0, r = 0, most, mask;
	char *mine = tokenize(hypothesis, trimmed(hypothesis, hypothesis_bytes), &h);
	char *theirs = tokenize(reference, trimmed(reference, reference_bytes), &r);
	int32_t *ids, *before;
	struct gram *grams;
	ur_word_numbers words = { 0 };
	int fine;

	most = (h + 1) / 2 + (r + 1) / 2;
	mask = ur_word_numbers_room(most) - 1;
	ids = malloc((most + 1) * sizeof *ids);
	before = malloc((most + 1) * sizeof *before);
	grams = malloc((mask + 1) * sizeof *grams);
	fine = mine && theirs && ids && before && grams && ur_word_numbers_init(&words, most);
	if (fine) {
		int64_t m = number(&words, theirs, r, ids), n = number(&words, mine, h, ids + m);
		match(b, ids, m, n, grams, mask, before);
	}
	ur_word_numbers_free(&words);
	free(grams);
	free(before);
	free(ids);
	free(theirs);
	free(mine);
	return fine;
}

void ur_bleu_sum(ur_bleu *b, const ur_bleu *more)
{
	for (int n = 0; n < UR_BLEU_ORDER; n++) {
		b->match[n] += more->match[n];
		b->total[n] += more->total[n];
	}
	b->hypothesis += more->hypothesis;
	b->reference += more->reference;
}

double ur_bleu_score(const ur_bleu *b)
{
	double smooth = 1, logs = 0, penalty = 1;

	for (int n = 0; n < UR_BLEU_ORDER; n++) {
		/* without a match of single tokens there is none of more */
		if (b->match[0] == 0 || b->total[n] == 0)
			return 0;
		if (b->match[n] == 0)
			smooth *= 2;
		logs += log(100 * (b->match[n] ? (double)b->match[n] : 1 / smooth) / (double)b->total[n]);
	}
	if (b->hypothesis < b->reference)
		penalty = exp(1 - (double)b->reference / (double)b->hypothesis);
	return penalty * exp(logs / UR_BLEU_ORDER);
}
