/* Levenshtein's distance by the usual recurrence, a row at a time:
 *
 *     d(i, j) = min(d(i-1, j) + 1, d(i, j-1) + 1, d(i-1, j-1) + [a_i != b_j])
 */
#include "quality/edits.h"

#include "quality/word_numbers.h"

#include <stdlib.h>

int64_t ur_edits(int64_t n, const int32_t *a, int64_t m, const int32_t *b)
{
	int64_t *row, least;

	for (; n && m && *a == *b; n--, m--) { /* what both begin or end with costs nothing */
		a++;
		b++;
	}
	for (; n && m && a[n - 1] == b[m - 1]; n--)
		m--;
	if (n < m) {
		const int32_t *c = a;
		int64_t k = n;
		a = b;
		b = c;
		n = m;
		m = k;
	}
	if (!m)
		return n;
	row = malloc(((size_t)m + 1) * sizeof *row);
	if (!row)
		return -1;
	for (int64_t j = 0; j <= m; j++)
		row[j] = j;
	for (int64_t i = 1; i <= n; i++) {
		int64_t diagonal = row[0];
		row[0] = i;
		for (int64_t j = 1; j <= m; j++) {
			int64_t above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = above;
			best = above + 1 < best ? above + 1 : best;
			row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
		}
	}
	least = row[m];
	free(row);
	return least;
}

static int blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The numbers of a text's words; out: room for (bytes + 1) / 2. */
static int64_t number(ur_word_numbers *words, const char *text, size_t bytes, int32_t *out)
{
	int64_t n = 0;

	for (size_t i = 0; i < bytes;) {
		size_t from = i;
		if (blank(text[i])) {
			i++;
			continue;
		}
		while (i < bytes && !blank(text[i]))
			i++;
		out[n++] = ur_word_numbers_number(words, text + from, i - from);
	}
	return n;
}

int64_t ur_word_edits(const char *hypothesis, size_t hypothesis_bytes, const char *reference, size_t reference_bytes,
                      int64_t *words)
{
	size_t most = (hypothesis_bytes + 1) / 2 + (reference_bytes + 1) / 2;
	int32_t *ids = malloc((most + 1) * sizeof *ids);
	int64_t n, m, edits = -1;
	ur_word_numbers table = { 0 };

	if (ids && ur_word_numbers_init(&table, most)) {
		n = number(&table, hypothesis, hypothesis_bytes, ids);
		m = number(&table, reference, reference_bytes, ids + n);
		edits = ur_edits(n, ids, m, ids + n);
		if (words)
			*words = m;
	}
	ur_word_numbers_free(&table);
	free(ids);
	return edits;
}
