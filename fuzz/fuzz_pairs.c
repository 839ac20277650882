/* Any bytes as a TSV, and as two files. The first byte picks the kinds of vocabulary, one a side, and how pairs are
 * batched, the second whether two files are made and where the bytes are cut. What opens has tokens that spell its
 * texts, the same again with its own vocabularies given, parts that cover it, and batches that have every pair once;
 * what does not says which file. */
#define _GNU_SOURCE
#include "data/pair_batches.h"
#include "vocab/vocab_kind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHECK(condition) do { if (!(condition)) __builtin_trap(); } while (0)

/* A file in memory, and its name. */
static int file_of(const uint8_t *data, size_t bytes, char path[64])
{
	int fd = memfd_create("pairs", 0);

	CHECK(fd >= 0 && write(fd, data, bytes) == (ssize_t)bytes);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static void check_texts(const ur_pairs *p, int side)
{
	const ur_vocab *v = ur_pairs_vocab(p, side);
	const int spells = ur_vocab_unknown(v) < 0; /* its tokens are the text, byte by byte */

	CHECK(ur_pairs_end(p, side) == ur_vocab_size(v));
	for (int64_t i = 0; i < ur_pairs_count(p); i++) {
		size_t bytes, at = 0;
		const char *text = ur_pairs_text(p, i, side, &bytes);
		int n;
		const int32_t *tokens = ur_pairs_tokens(p, i, side, &n);

		CHECK(bytes > 0 && !memchr(text, '\n', bytes) && n > 0 && (size_t)n <= bytes);
		for (int k = 0; k < n; k++) {
			const char *piece;
			size_t length = ur_vocab_decode(v, tokens[k], &piece);
			CHECK(length > 0);
			if (spells)
				CHECK(at + length <= bytes && !memcmp(text + at, piece, length));
			at += length;
		}
		CHECK(!spells || at == bytes);
	}
}

static void check_again(const ur_pairs *p, ur_pairs_request request)
{
	ur_pairs *q;

	for (int side = 0; side < UR_SIDES; side++)
		request.use[side] = ur_pairs_vocab(p, side);
	CHECK(!ur_pairs_open(&request, &q, NULL));
	CHECK(ur_pairs_fingerprint(q) == ur_pairs_fingerprint(p) && ur_pairs_count(q) == ur_pairs_count(p));
	for (int64_t i = 0; i < ur_pairs_count(p); i++)
		for (int side = 0; side < UR_SIDES; side++) {
			int n, m;
			const int32_t *a = ur_pairs_tokens(p, i, side, &n), *b = ur_pairs_tokens(q, i, side, &m);
			CHECK(n == m && !memcmp(a, b, (size_t)n * sizeof *a));
		}
	ur_pairs_close(q);
}

static void check_batches(const ur_pairs *p, const int64_t *index, int64_t n, int B, int in_order)
{
	ur_pair_batches b;
	ur_pair_batch batch;
	char *seen = calloc((size_t)ur_pairs_count(p), 1);
	int64_t rows = 0, tokens = 0;

	CHECK(!ur_pair_batches_open(&b, p, index, n, B, in_order, 1, NULL));
	batch = (ur_pair_batch){ .source = malloc((size_t)b.S * (size_t)b.B * 4), .source_len = malloc((size_t)b.B * 4),
		.ids = malloc((size_t)b.T * (size_t)b.B * 4), .targets = malloc((size_t)b.T * (size_t)b.B * 4),
		.len = malloc((size_t)b.B * 4), .pair = malloc((size_t)b.B * 8) };
	for (int64_t step = b.count; step < 2 * b.count; step++) {
		ur_pair_batches_get(&b, step, &batch);
		CHECK(ur_pair_batches_tokens(&b, step) == batch.tokens);
		for (int r = 0; r < batch.B; r++) {
			CHECK(!seen[batch.pair[r]]++);
			for (int t = 0; t < batch.T; t++)
				CHECK((batch.targets[t * batch.B + r] < 0) == (t >= batch.len[r]));
			CHECK(batch.source[(batch.source_len[r] - 1) * batch.B + r] == ur_pairs_end(p, UR_SOURCE));
		}
		rows += batch.B;
		tokens += batch.tokens;
	}
	CHECK(rows == n && tokens == b.tokens);
	free(batch.source);
	free(batch.source_len);
	free(batch.ids);
	free(batch.targets);
	free(batch.len);
	free(batch.pair);
	free(seen);
	ur_pair_batches_close(&b);
}

static void check_parts(const ur_pairs *p, int most, int B, int in_order)
{
	ur_pair_split split;
	int64_t left_out;
	ur_err err = { 0 };

	CHECK(!ur_pair_split_make(p, 0.3, 0.2, most, &split, &left_out, &err));
	CHECK(split.n[UR_TRAIN] + split.n[UR_VAL] + split.n[UR_TEST] + left_out == ur_pairs_count(p));
	for (int part = 0; part < UR_PARTS; part++)
		if (split.n[part])
			check_batches(p, split.index[part], split.n[part], B, in_order);
	ur_pair_split_free(&split);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[UR_SIDES][64];
	int fd[UR_SIDES] = { -1, -1 }, kinds = 0;
	ur_pairs_request request = { .path = path[0] };
	ur_pairs *p;
	ur_err err = { 0 };
	size_t cut;

	if (size < 2)
		return 0;
	while (ur_vocab_kinds[kinds])
		kinds++;
	for (int side = 0; side < UR_SIDES; side++) {
		int pick = data[0] / (side ? kinds + 1 : 1) % (kinds + 1);
		request.vocab[side].kind = pick < kinds ? ur_vocab_kinds[pick]->name : NULL;
	}
	cut = data[1] < 128 ? size - 2 : (size - 2) * (size_t)(data[1] - 128) / 127;
	fd[0] = file_of(data + 2, cut, path[0]);
	if (data[1] >= 128) {
		fd[1] = file_of(data + 2 + cut, size - 2 - cut, path[1]);
		request.target = path[1];
	}
	if (ur_pairs_open(&request, &p, &err)) {
		CHECK(!p && (err.status == UR_E_INVALID) && strstr(err.text, "/proc/self/fd/"));
	} else {
		check_texts(p, UR_SOURCE);
		check_texts(p, UR_TARGET);
		check_again(p, request);
		check_parts(p, data[0] % 8, 1 + data[0] % 5, data[1] & 1);
		ur_pairs_close(p);
	}
	close(fd[0]);
	if (fd[1] >= 0)
		close(fd[1]);
	return 0;
}
