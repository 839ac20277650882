/* BLEU and edit distances: examples worked out by hand, and the corners. tests/sacrebleu.sh holds BLEU to sacreBLEU. */
#include "quality/bleu.h"
#include "quality/edits.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_tokens(const char *text, size_t bytes, const char *tokens)
{
	char *got = ur_bleu_tokenize(text, bytes);

	assert_non_null(got);
	if (strcmp(got, tokens))
		fail_msg("'%s' became '%s', not '%s'", text, got, tokens);
	free(got);
}

static void tokens_of_13a(void **state)
{
	/* as sacreBLEU 2.6 has them */
	static const char *const is[][2] = {
		{ "", "" }, { " \t ", "" }, { "Hello, world!", "Hello , world !" },
		{ "3.5 1,000 .5 5. a.5 5,b", "3.5 1,000 . 5 5 . a . 5 5 , b" },
		{ "1-2 a-b -3 12-", "1 - 2 a-b -3 12 -" },
		{ "it's \"so\" (or not)", "it's \" so \" ( or not )" },
		{ "&quot;a&amp;b&lt;c&gt;&apos;", "\" a & b < c > & apos ;" },
		{ "&amp;lt;", "<" }, { "&amp;quot;", "& quot ;" }, /* one after the other */
		{ "a<skipped>b", "ab" }, { "<skip<skipped>ped>", "< skipped >" },
		{ "soft-\nware\nis", "software is" }, { "-\r\n", "-" },
		{ "a..b", "a . . b" }, { "...", ". . ." }, { "1..2", "1 . . 2" }, { "1,.2", "1 , . 2" }, { ".,.", ". , ." },
		{ "U.S.A.", "U . S . A ." }, { "x_y^z~`", "x _ y ^ z ~ `" }, { "a\x7f" "b", "a\x7f" "b" },
		{ "caf\xC3\xA9. na\xC3\xAFve,\xE2\x82\xAC", "caf\xC3\xA9 . na\xC3\xAFve , \xE2\x82\xAC" },
		{ "\xE4\xB8\xAD\xE6\x96\x87\xE3\x80\x82", "\xE4\xB8\xAD\xE6\x96\x87\xE3\x80\x82" },
		{ "a\xC2\xA0" "b\xE3\x80\x80" "c\xE2\x80\x83" "d\x1C" "e\xE2\x80\x8B" "f", "a b c d e\xE2\x80\x8B" "f" },
		{ "\xFF.\xC2", "\xFF . \xC2" }, { "\xE2\x80", "\xE2\x80" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof is / sizeof *is; i++)
		expect_tokens(is[i][0], strlen(is[i][0]), is[i][1]);
	expect_tokens(NULL, 0, "");
}

static double score_of(int n, const char *const (*pairs)[2])
{
	ur_bleu b = { 0 };

	for (int i = 0; i < n; i++)
		assert_true(ur_bleu_add(&b, pairs[i][0], strlen(pairs[i][0]), pairs[i][1], strlen(pairs[i][1])));
	return ur_bleu_score(&b);
}

static void expect_score(const char *hypothesis, const char *reference, double expected)
{
	const char *const pair[1][2] = { { hypothesis, reference } };
	double got = score_of(1, pair);

	if (fabs(got - expected) > 1e-9)
		fail_msg("'%s' against '%s': %.12f, not %.12f", hypothesis, reference, got, expected);
}

static void scores_by_hand(void **state)
{
	(void)state;
	expect_score("the cat sat on the mat", "the cat sat on the mat", 100);
	/* 5 of 6, 3 of 5, 1 of 4, 0 of 3: the last is half a match of 3 */
	expect_score("the cat lay on the mat", "the cat sat on the mat",
		100 * pow(5. / 6 * 3 / 5 * 1 / 4 * 1 / (2 * 3), 0.25));
	/* Papineni's example: a word counts at most as often as the reference has it. 2 of 7, then none: 1/2, 1/4, 1/8 */
	expect_score("the the the the the the the", "the cat is on the mat",
		100 * pow(2. / 7 * 1 / (2 * 6) * 1 / (4 * 5) * 1 / (8 * 4), 0.25));
	/* brevity: exp(1 - 6/4) */
	expect_score("the cat sat on", "the cat sat on the mat", 100 * exp(1 - 6. / 4));
	expect_score("the cat sat on the mat", "the cat sat on", 100 * pow(4. / 6 * 3 / 5 * 2 / 4 * 1 / 3, 0.25));
	/* case and punctuation count */
	expect_score("The cat sat.", "the cat sat.", 100 * pow(3. / 4 * 2 / 3 * 1 / 2 * 1 / (2 * 1), 0.25));
	/* white space at the end is gone before a hyphen there could join anything */
	expect_score("a b c d -\n", "a b c d -", 100);
}

static void scores_of_corners(void **state)
{
	ur_bleu none = { 0 };

	(void)state;
	assert_true(ur_bleu_score(&none) == 0);
	expect_score("", "", 0);
	expect_score("", "a b c d", 0);
	expect_score("a b c d", "", 0);
	expect_score("a b c", "a b c", 0);                  /* no n-gram of four */
	expect_score("e f g h", "a b c d", 0);              /* no match */
	expect_score("a x b x", "b y a y", 100 * pow(2. / 4 * 1 / (2 * 3) * 1 / (4 * 2) * 1 / (8 * 1), 0.25));
	assert_true(ur_bleu_add(&none, NULL, 0, NULL, 0));
	assert_int_equal(none.total[0], 0);
}

static void a_corpus_is_its_sums(void **state)
{
	static const char *const pairs[3][2] = { { "the cat sat on the mat", "the cat sat on a mat" },
		{ "a dog", "a dog barks" }, { "", "nothing" } };
	ur_bleu whole = { 0 }, sum = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		ur_bleu one = { 0 };
		assert_true(ur_bleu_add(&one, pairs[i][0], strlen(pairs[i][0]), pairs[i][1], strlen(pairs[i][1])));
		assert_true(ur_bleu_add(&whole, pairs[i][0], strlen(pairs[i][0]), pairs[i][1], strlen(pairs[i][1])));
		ur_bleu_sum(&sum, &one);
	}
	assert_memory_equal(&whole, &sum, sizeof whole);
	assert_int_equal(whole.hypothesis, 8);
	assert_int_equal(whole.reference, 10);
	assert_memory_equal(whole.match, ((int64_t[]){ 7, 4, 2, 1 }), sizeof whole.match);
	assert_memory_equal(whole.total, ((int64_t[]){ 8, 6, 4, 3 }), sizeof whole.total);
	assert_true(fabs(score_of(3, pairs) - 100 * exp(1 - 10. / 8) * pow(7. / 8 * 4 / 6 * 2 / 4 * 1 / 3, 0.25)) < 1e-9);
}

/* ---- edits ---- */

static int64_t letters(const char *a, const char *b)
{
	int32_t x[32], y[32];
	int64_t n = (int64_t)strlen(a), m = (int64_t)strlen(b);

	for (int64_t i = 0; i < n; i++)
		x[i] = a[i];
	for (int64_t i = 0; i < m; i++)
		y[i] = b[i];
	return ur_edits(n, x, m, y);
}

static void known_distances(void **state)
{
	(void)state;
	assert_int_equal(letters("", ""), 0);
	assert_int_equal(letters("abc", ""), 3);
	assert_int_equal(letters("", "abc"), 3);
	assert_int_equal(letters("abc", "abc"), 0);
	assert_int_equal(letters("kitten", "sitting"), 3);
	assert_int_equal(letters("saturday", "sunday"), 3);
	assert_int_equal(letters("intention", "execution"), 5);
	assert_int_equal(letters("ab", "ba"), 2);       /* turning round is no single edit */
	assert_int_equal(letters("aaa", "aa"), 1);
	assert_int_equal(letters("abab", "baba"), 2);
	assert_int_equal(ur_edits(0, NULL, 0, NULL), 0);
}

/* By its definition, without a table. */
static int64_t plain(int n, const int32_t *a, int m, const int32_t *b)
{
	int64_t least, other;

	if (!n || !m)
		return n + m;
	least = plain(n - 1, a, m - 1, b) + (a[n - 1] != b[m - 1]);
	other = plain(n - 1, a, m, b) + 1;
	least = other < least ? other : least;
	other = plain(n, a, m - 1, b) + 1;
	return other < least ? other : least;
}

static void distances_of_all_short_texts(void **state)
{
	int32_t a[5], b[5];

	(void)state;
	for (int i = 0; i < 3 * 3 * 3 * 3 * 3; i++)
		for (int j = 0; j < 3 * 3 * 3 * 3 * 3; j += 1 + i % 3)
			for (int n = i % 6, m = 0; m <= 5; m++) {
				for (int k = 0, x = i, y = j; k < 5; k++, x /= 3, y /= 3) {
					a[k] = x % 3;
					b[k] = y % 3;
				}
				assert_int_equal(ur_edits(n, a, m, b), plain(n, a, m, b));
			}
}

static int64_t words(const char *a, const char *b, int64_t *count)
{
	return ur_word_edits(a, strlen(a), b, strlen(b), count);
}

static void distances_of_words(void **state)
{
	int64_t n = -1;

	(void)state;
	assert_int_equal(words("the cat sat", " the\tcat  sat\n", &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(words("the cat sat", "the dog sat down", &n), 2);
	assert_int_equal(n, 4);
	assert_int_equal(words("", "a b", NULL), 2);
	assert_int_equal(words("a b", "", &n), 2);
	assert_int_equal(n, 0);
	assert_int_equal(words("", " ", &n), 0);
	assert_int_equal(words("ab", "a b", &n), 2);
	assert_int_equal(ur_word_edits(NULL, 0, NULL, 0, &n), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_of_13a),
		cmocka_unit_test(scores_by_hand),
		cmocka_unit_test(scores_of_corners),
		cmocka_unit_test(a_corpus_is_its_sums),
		cmocka_unit_test(known_distances),
		cmocka_unit_test(distances_of_all_short_texts),
		cmocka_unit_test(distances_of_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
