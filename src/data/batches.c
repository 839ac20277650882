/* Where each mode's windows lie (batches.h), and how they are read. */
#include "data/batches.h"

#include "base/rng.h"

#include <stdio.h>
#include <string.h>

enum { PIECE = 1024, MOST = 1 << 30 };

static const struct { const char *name, *about; } modes[] = {
#define UR_BATCH_MODE(name, text, about) { text, about },
#include "data/batches.def"
#undef UR_BATCH_MODE
};

const char *ur_batch_mode_name(ur_batch_mode mode)
{
	return modes[mode].name;
}

const char *ur_batch_mode_about(ur_batch_mode mode)
{
	return modes[mode].about;
}

ur_status ur_batch_mode_find(const char *name, ur_batch_mode *mode, ur_err *err)
{
	char list[256] = "";

	for (int i = 0; i < UR_BATCH_MODES; i++) {
		size_t used = strlen(list);
		if (!strcmp(modes[i].name, name)) {
			*mode = (ur_batch_mode)i;
			return UR_OK;
		}
		snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", modes[i].name);
	}
	return ur_fail(err, UR_E_INVALID, "no way to batch is called '%.40s': there are %s", name, list);
}

ur_status ur_batches_check(int64_t n, int T, int B, ur_batch_mode mode, ur_err *err)
{
	int64_t need;

	if (T < 1 || B < 1 || T > MOST || B > MOST)
		return ur_fail(err, UR_E_INVALID, "batches of %d windows of %d tokens: both must be 1 to %d", B, T, MOST);
	switch (mode) {
	case UR_BATCH_RANDOM:
		need = (int64_t)T + 1;
		if (n < need)
			return ur_fail(err, UR_E_INVALID, "%lld tokens are too few for windows of %d: it takes %lld, one more than "
				"the window; use a shorter window or more text", (long long)n, T, (long long)need);
		return UR_OK;
	case UR_BATCH_CARRIED:
		need = (int64_t)T * B + 1;
		if (n < need)
			return ur_fail(err, UR_E_INVALID, "%lld tokens are too few for %d parallel streams of windows of %d: it "
				"takes %d x %d + 1 = %lld; use a shorter window, a smaller batch or more text", (long long)n, B, T, B,
				T, (long long)need);
		return UR_OK;
	case UR_BATCH_SEQUENTIAL:
		if (n < 2)
			return ur_fail(err, UR_E_INVALID, "%lld %s too few to evaluate on: it takes 2, one to ask from and one to "
				"answer; use more text or a larger part of it", (long long)n, n == 1 ? "token is" : "tokens are");
		return UR_OK;
	default:
		return ur_fail(err, UR_E_INVALID, "no way to batch has number %d", (int)mode);
	}
}

ur_status ur_batches_init(ur_batches *b, const ur_corpus *corpus, int64_t from, int64_t to, int T, int B,
                          ur_batch_mode mode, uint64_t seed, ur_err *err)
{
	int64_t predictions = to - from - 1;
	ur_status status;

	if (from < 0 || to < from || to > ur_corpus_tokens(corpus))
		return ur_fail(err, UR_E_INVALID, "batches from tokens %lld to %lld of %s: it has %lld", (long long)from,
			(long long)to, ur_corpus_path(corpus), (long long)ur_corpus_tokens(corpus));
	status = ur_batches_check(to - from, T, B, mode, err);
	if (status)
		return status;
	*b = (ur_batches){ .corpus = corpus, .from = from, .to = to, .T = T, .B = B, .mode = mode, .seed = seed };
	if (mode == UR_BATCH_RANDOM) {
		int64_t each = (int64_t)T * B;
		b->stream = predictions - T + 1;
		b->windows = predictions / each + (predictions % each != 0);
		return UR_OK;
	}
	if (mode == UR_BATCH_SEQUENTIAL && predictions < B)
		b->B = (int)predictions;
	b->stream = predictions / b->B;
	if (b->stream < b->T)
		b->T = (int)b->stream;
	b->windows = b->stream / b->T + (mode == UR_BATCH_SEQUENTIAL && b->stream % b->T != 0);
	return UR_OK;
}

int64_t ur_batches_count(const ur_batches *b)
{
	return b->windows;
}

int64_t ur_batches_predictions(const ur_batches *b)
{
	return b->mode == UR_BATCH_SEQUENTIAL ? b->stream * b->B : b->windows * b->T * b->B;
}

void ur_batches_scored(const ur_batches *b, int64_t *from, int64_t *to)
{
	*from = b->from + 1;
	*to = *from + b->stream * b->B;
}

/* Column `row` of the batch: tokens at .. at + T, those but the last as ids, those but the first as targets. */
static ur_status fill(const ur_batches *b, ur_batch *batch, int row, int64_t at, ur_err *err)
{
	int32_t piece[PIECE];

	for (int t = 0; t <= batch->T; t += PIECE) {
		int now = batch->T + 1 - t < PIECE ? batch->T + 1 - t : PIECE;
		ur_status status = ur_corpus_read(b->corpus, at + t, now, piece, err);
		if (status)
			return status;
		for (int i = 0; i < now; i++) {
			ptrdiff_t here = (ptrdiff_t)(t + i) * batch->B + row;
			if (t + i < batch->T)
				batch->ids[here] = piece[i];
			if (t + i > 0)
				batch->targets[here - batch->B] = piece[i];
		}
	}
	return UR_OK;
}

ur_status ur_batches_get(const ur_batches *b, int64_t step, ur_batch *batch, ur_err *err)
{
	int64_t window = step % b->windows, start = window * b->T;

	batch->B = b->B;
	batch->T = b->T;
	batch->fresh = 1;
	if (b->mode != UR_BATCH_RANDOM) {
		batch->fresh = window == 0;
		if (b->stream - start < b->T)
			batch->T = (int)(b->stream - start);
	}
	for (int row = 0; row < b->B; row++) {
		int64_t at = b->mode == UR_BATCH_RANDOM ?
			(int64_t)ur_rng_below(b->seed, ur_rng_for(UR_RNG_BATCH, (uint64_t)row), (uint64_t)step,
				(uint64_t)b->stream) :
			row * b->stream + start;
		ur_status status = fill(b, batch, row, b->from + at, err);
		if (status)
			return status;
	}
	return UR_OK;
}
