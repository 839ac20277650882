/* Random operations on streams: step, step in a group, prefill, save, restore, fork, reset, and those that must be
 * refused, over models of every kind, against a plain reference. Each stream has its history beside it: all it was fed
 * since its start, and in which pieces. At random times its last output must be what the whole-sequence pass says of
 * that history, to the bound of the laws; and output and state must be, bit for bit, those of a fresh stream that is
 * fed the same pieces and never saved, restored, copied or stepped beside another. No step allocates.
 *
 * usage: test_streams [--operations N] [--seed N]     prints what was done, by kind */
#include "stream_models.h"
#include "counted_malloc.h"

#include "base/rng.h"

enum { STREAMS = 6, SLOTS = 4, IN = 3, HISTORY = 700, PIECE = 40, LONG_PIECE = 300 };

static int64_t operations = 10000;
static uint64_t seed = 1;

/* says < 0: it reads tokens; else values, and gives `out` of that kind */
static const struct kind { const char *spec; int says, out; int64_t window; unroll_weights weights; } kinds[] = {
	{ "rnn:2x12", -1, 0, 0, 0 }, { "gru:2x12", -1, 0, 0, 0 }, { "lstm:2x12", -1, 0, 0, 0 },
	{ "lstm:1x12,block=llama", -1, 0, 0, 0 },
	{ "attention:2x12,block=plain,heads=2,context=60", -1, 0, 0, 0 },
	{ "transformer:2x16,heads=4,context=48", -1, 0, 0, 0 },
	{ "transformer:2x16,heads=4,kv_heads=2,block=llama,context=90", -1, 0, 0, 0 },
	{ "attention:2x16,heads=2,window=8,block=llama", -1, 0, 0, 0 },
	{ "attention:2x16,heads=2,block=llama,context=50", -1, 0, 13, 0 },
	{ "transformer:1x16,heads=2,context=48,block=vaswani", -1, 0, 0, 0 },
	{ "gru:2x12,block=gpt2,positions=learned,context=70", -1, 0, 0, 0 },
	{ "lstm:2x12", UNROLL_VALUES, 2, 0, 0 }, { "gru:1x12", UNROLL_CLASSES, 5, 0, 0 },
	{ "rnn:1x12", UNROLL_HIDDEN, 0, 0, 0 },
	{ "attention:2x12,heads=2,window=8,block=llama", UNROLL_VALUES, 4, 0, 0 },
	{ "transformer:1x12,heads=2,context=40", UNROLL_CLASSES, 3, 0, 0 },
	{ "lstm:2x12", -1, 0, 0, UNROLL_BF16 }, { "attention:2x16,heads=2,window=8,block=llama", -1, 0, 0, UNROLL_BF16 },
	{ "gru:2x12", -1, 0, 0, UNROLL_INT8 },
	{ "attention:2x12,heads=2,window=8,block=llama", UNROLL_VALUES, 4, 0, UNROLL_INT8 },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

enum op { STEP, GROUP, PREFILL, FORWARD, SAVE, RESTORE, FORK, RESET, DAMAGED, STRANGE, OPS };
static const char *const op_names[OPS] = {
	"step", "group step", "prefill", "forward", "save", "restore", "fork", "reset", "restore of damage",
	"strange input"
};
/* how often, in 100 */
static const int often[OPS] = { 44, 14, 10, 4, 7, 7, 6, 2, 3, 3 };

static struct tally { int64_t done[OPS], refused_full, steps, wraps, checks; double worst[2]; } tally;

/* ---- what a stream was fed ---- */

typedef struct history {
	int n, pieces;
	int32_t token[HISTORY];
	float value[HISTORY * IN];
	int piece[HISTORY];             /* steps in each; 1 as -1 where it was a prefill */
} history;

typedef struct live {
	ur_stream *s;
	void *block;                    /* the caller's memory, of every other one */
	history h;
	float *out;                     /* of its last step; means something where h.n > 0 */
} live;

typedef struct slot { int used; char *bytes; size_t n; history h; float *out; } slot;

typedef struct world {
	const struct kind *kind;
	ur_model *m;
	int outputs;
	ur_ports *ports;                /* the model's */
	live live[STREAMS];
	slot slot[SLOTS];
	ur_stream *fresh;
	ur_group *group;
	ur_ctx ctx;
	ur_net net;
	ur_arena memory;
	float *reference;
	uint64_t drawn;
} world;

/* 0 .. n - 1 */
static int draw(world *w, int n)
{
	const int at = (int)(w->kind - kinds);
	return (int)ur_rng_below(seed, ur_rng_for(UR_RNG_TEST, (uint64_t)at), w->drawn++, (uint64_t)n);
}

static float draw_value(world *w) { return draw(w, 20) ? (float)draw(w, 4000) / 500 - 3 : NAN; }

/* ---- the models ---- */

static ur_model *make(const struct kind *k)
{
	ur_spec spec;
	ur_ports *ports;
	ur_model *m;

	if (k->says < 0)
		return small_model(k->spec, "char", 0, 7);
	assert_ok(ur_spec_parse(k->spec, &spec, why));
	assert_ok(ur_ports_new(IN, k->out ? k->out : spec.width, (unroll_says)k->says, 1, &ports, why));
	for (int i = 0; i < IN; i++) {
		ports->in.mean[i] = (float)i - 1;
		ports->in.scale[i] = 0.5f + (float)i;
	}
	for (int i = 0; ports->out.mean && i < ports->out.n; i++) {
		ports->out.mean[i] = 2 * (float)i;
		ports->out.scale[i] = 0.25f + (float)i;
	}
	assert_ok(ur_model_create(&spec, &(ur_words){ .V = k->out, .ports = ports }, ur_kernels_pick(NULL), 0, &m, why));
	ur_ports_free(ports);
	ur_model_init(m, 7);
	for (size_t i = 0; i < m->floats; i++)
		m->weights[i] = m->weights[i] * 2 + 0.02f * (float)(i * 7 % 5) - 0.04f;
	ur_model_pack(m, &(ur_ctx){ .k = m->k, .threads = 1 });
	return m;
}

static void open_world(world *w, const struct kind *k)
{
	ur_model *made = make(k);
	char path[64];

	*w = (world){ .kind = k, .m = made };
	if (k->window || k->weights) {
		small_path(path);
		assert_ok(ur_model_save(made, path, 0, NULL, why));
		ur_model_free(made);
		assert_ok(unroll_open_with(path, &(unroll_options){ .size = sizeof(unroll_options), .window = k->window,
		                           .weights = k->weights }, &w->m, why));
		unlink(path);
	}
	if (k->weights)
		assert_int_equal(unroll_weights_kept(w->m), k->weights);
	w->ports = w->m->ports;
	w->outputs = unroll_outputs(w->m);
	assert_true(ur_ctx_open(&w->ctx, w->m->k->name, 1));
	for (int pass = 0; pass < 2; pass++) {
		if (pass)
			assert_true(ur_arena_open(&w->memory));
		ur_net_plan(&w->net, w->m, &w->ctx, HISTORY, 1, 0, 0, &w->memory);
		w->reference = UR_TAKE(&w->memory, float, w->outputs);
		for (int i = 0; i < STREAMS; i++)
			w->live[i].out = UR_TAKE(&w->memory, float, w->outputs);
		for (int i = 0; i < SLOTS; i++)
			w->slot[i].out = UR_TAKE(&w->memory, float, w->outputs);
	}
	for (int i = 0; i < STREAMS; i++) {
		if (i % 2)
			w->live[i].block = aligned_alloc(64, (unroll_stream_size(w->m) + 63) / 64 * 64);
		assert_ok(unroll_stream_open(w->m, w->live[i].block, &w->live[i].s, why));
	}
	w->fresh = small_stream(w->m);
	assert_ok(unroll_group_open(w->m, STREAMS, NULL, &w->group, why));
}

static void close_world(world *w)
{
	for (int i = 0; i < STREAMS; i++) {
		unroll_stream_close(w->live[i].s);
		free(w->live[i].block);
	}
	for (int i = 0; i < SLOTS; i++)
		free(w->slot[i].bytes);
	unroll_stream_close(w->fresh);
	unroll_group_close(w->group);
	ur_arena_close(&w->memory);
	ur_ctx_close(&w->ctx);
	unroll_close(w->m);
}

/* ---- the reference ---- */

/* The last output of a history, in plain terms of the whole-sequence pass. */
static const float *whole_of(world *w, const history *h)
{
	static float seen[HISTORY * IN];
	const ur_port *in = w->ports ? &w->ports->in : NULL, *out = w->ports ? &w->ports->out : NULL;

	for (int i = 0; in && i < h->n * IN; i++)
		seen[i] = isnan(h->value[i]) ? 0 : (h->value[i] - in->mean[i % IN]) * in->scale[i % IN];
	ur_net_forward(&w->net, &(ur_pass){ .T = h->n, .B = 1, .ids = in ? NULL : h->token, .values = in ? seen : NULL });
	ur_model_head(w->m, 1, w->net.last + (size_t)(h->n - 1) * (size_t)w->m->spec.width, w->reference);
	for (int i = 0; out && w->ports->says == UNROLL_VALUES && i < w->outputs; i++)
		w->reference[i] = w->reference[i] / out->scale[i] + out->mean[i];
	return w->reference;
}

static ur_status feed_piece(world *w, ur_stream *s, const history *h, int at, int piece, const float **out, ur_err *err)
{
	const long before = atomic_load(&allocations);

	if (piece == 1) {
		ur_status status = w->ports ? unroll_step_values(s, h->value + at * IN, out, err)
		                            : unroll_step(s, h->token[at], out, err);
		assert_int_equal(atomic_load(&allocations), before);
		return status;
	}
	piece = piece < 0 ? 1 : piece;
	return w->ports ? unroll_prefill_values(s, h->value + at * IN, piece, out, err)
	                : unroll_prefill(s, h->token + at, piece, out, err);
}

static void check(world *w, const live *l)
{
	const history *h = &l->h;
	const size_t row = (size_t)w->outputs * sizeof(float);
	/* a product of int8 rounds what it reads, and a difference of the last bit may round another way */
	const int rounds = w->kind->weights == UNROLL_INT8;
	const float *out = NULL, *want;
	double size = 1, off;

	assert_int_equal(unroll_position(l->s), h->n);
	unroll_stream_reset(w->fresh);
	for (int p = 0, at = 0; p < h->pieces; at += abs(h->piece[p++]))
		assert_ok(feed_piece(w, w->fresh, h, at, h->piece[p], &out, why));
	if (memcmp(w->fresh->state, l->s->state, ur_model_state_size(w->m)))
		fail_msg("%s: after %d steps the state is not that of an unbroken stream", w->kind->spec, h->n);
	tally.checks++;
	if (h->n == 0)
		return;
	if (memcmp(out, l->out, row))
		fail_msg("%s: after %d steps the output is not that of an unbroken stream", w->kind->spec, h->n);
	want = whole_of(w, h);
	for (int i = 0; i < w->outputs; i++)
		size = fmax(size, fabs((double)want[i]));
	off = difference(w->outputs, l->out, want) / size;
	tally.worst[rounds] = fmax(tally.worst[rounds], off);
	if (!(off <= (rounds ? 0.05 : 1e-5)))
		fail_msg("%s: after %d steps the output is %g from the whole sequence's", w->kind->spec, h->n, off);
}

/* ---- operations ---- */

static int64_t room_of(const world *w, const live *l)
{
	const int64_t limit = unroll_limit(w->m), most = limit ? limit : HISTORY;
	return most - l->h.n;
}

/* Draws n steps behind the history, which stays as long as it is. */
static void draw_steps(world *w, history *h, int n)
{
	for (int i = h->n; i < h->n + n && i < HISTORY; i++) {
		h->token[i] = w->ports ? 0 : draw(w, w->m->V);
		for (int j = 0; j < IN; j++)
			h->value[i * IN + j] = w->ports ? draw_value(w) : 0;
	}
}

static void took(world *w, live *l, int piece, const float *out)
{
	const int n = abs(piece), window = (int)w->m->spec.option[2];

	if (unroll_limit(w->m) == 0 && w->m->spec.mixer->state_fits) /* attention's ring */
		tally.wraps += (l->h.n + n) / window - l->h.n / window;
	l->h.piece[l->h.pieces++] = piece;
	l->h.n += n;
	tally.steps += n;
	memcpy(l->out, out, (size_t)w->outputs * sizeof *out);
}

static void reset(live *l)
{
	unroll_stream_reset(l->s);
	l->h.n = l->h.pieces = 0;
}

/* Feeds a piece, where it fits; else it must be refused, unless it is the test's own room that ends. */
static void feed_some(world *w, live *l, int piece)
{
	const int n = abs(piece);
	const int64_t room = room_of(w, l);
	const float *out;
	ur_err err = { 0 };

	if (n > room && unroll_limit(w->m) == 0) {
		reset(l);
		return;
	}
	draw_steps(w, &l->h, n);
	if (n > room) {
		if (l->h.n + n > HISTORY)
			return;
		assert_int_equal(feed_piece(w, l->s, &l->h, l->h.n, piece, &out, &err), UR_E_FULL);
		tally.refused_full++;
		if (draw(w, 3) == 0)
			reset(l);
		return;
	}
	assert_ok(feed_piece(w, l->s, &l->h, l->h.n, piece, &out, why));
	took(w, l, piece, out);
	if (n > LONG_PIECE / 2) /* in more than one pass, perhaps; rare */
		check(w, l);
}

static int draw_piece(world *w)
{
	int n = 1 + draw(w, draw(w, 20) ? PIECE : LONG_PIECE);
	return n == 1 ? -1 : n;
}

static void op_step(world *w, live *l) { feed_some(w, l, 1); }
static void op_prefill(world *w, live *l) { feed_some(w, l, draw_piece(w)); }

static void op_forward(world *w, live *l)
{
	static float all[LONG_PIECE * 64];
	int piece = draw_piece(w), n = abs(piece);

	if (n > room_of(w, l)) {
		feed_some(w, l, piece);
		return;
	}
	draw_steps(w, &l->h, n);
	if (w->ports)
		assert_ok(unroll_forward_values(l->s, l->h.value + l->h.n * IN, n, all, why));
	else
		assert_ok(unroll_forward(l->s, l->h.token + l->h.n, n, all, why));
	took(w, l, piece, all + (size_t)(n - 1) * (size_t)w->outputs);
}

/* Some streams, in any order; where one is full nobody may have moved. */
static void op_group(world *w, live *unused)
{
	ur_stream *s[STREAMS];
	live *of[STREAMS];
	int32_t tokens[STREAMS];
	float values[STREAMS * IN];
	const float *out;
	int n = 1 + draw(w, STREAMS), full = 0, from = draw(w, STREAMS), by = draw(w, 2) ? 1 : STREAMS - 1;
	long before;
	ur_status status;

	(void)unused;
	for (int i = 0; i < n; i++) {
		live *l = of[i] = &w->live[(from + i * by) % STREAMS];
		s[i] = l->s;
		if (room_of(w, l) < 1 && unroll_limit(w->m) == 0)
			reset(l);
		full |= room_of(w, l) < 1;
		draw_steps(w, &l->h, 1);
		tokens[i] = l->h.n < HISTORY ? l->h.token[l->h.n] : 0;
		for (int j = 0; j < IN; j++)
			values[i * IN + j] = l->h.n < HISTORY ? l->h.value[l->h.n * IN + j] : 0;
	}
	before = atomic_load(&allocations);
	status = w->ports ? unroll_group_step_values(w->group, n, s, values, &out, NULL)
	                  : unroll_group_step(w->group, n, s, tokens, &out, NULL);
	assert_int_equal(atomic_load(&allocations), before);
	assert_int_equal(status, full ? UR_E_FULL : UR_OK);
	tally.refused_full += full;
	for (int i = 0; !full && i < n; i++)
		took(w, of[i], 1, out + i * w->outputs);
	for (int i = 0; i < n; i++)
		assert_int_equal(unroll_position(s[i]), of[i]->h.n);
}

static void op_save(world *w, live *l)
{
	slot *v = &w->slot[draw(w, SLOTS)];
	size_t n = unroll_stream_save_size(l->s), said;

	v->bytes = realloc(v->bytes, n);
	assert_non_null(v->bytes);
	assert_ok(unroll_stream_save(l->s, v->bytes, n, &said, why));
	assert_int_equal(said, n);
	v->n = n;
	v->used = 1;
	v->h = l->h;
	memcpy(v->out, l->out, (size_t)w->outputs * sizeof *v->out);
}

static void op_restore(world *w, live *l)
{
	const slot *v = &w->slot[draw(w, SLOTS)];

	if (!v->used)
		return;
	assert_ok(unroll_stream_restore(l->s, v->bytes, v->n, why));
	l->h = v->h;
	memcpy(l->out, v->out, (size_t)w->outputs * sizeof *v->out);
}

static void op_damaged(world *w, live *l)
{
	const slot *v = &w->slot[draw(w, SLOTS)];
	ur_err err = { 0 };
	size_t at;
	int flip;

	if (!v->used)
		return;
	at = (size_t)draw(w, (int)v->n);
	flip = 1 << draw(w, 8);
	v->bytes[at] = (char)(v->bytes[at] ^ flip);
	assert_int_equal(unroll_stream_restore(l->s, v->bytes, draw(w, 2) ? v->n : at, &err), UR_E_FORMAT);
	v->bytes[at] = (char)(v->bytes[at] ^ flip);
}

static void op_fork(world *w, live *l)
{
	live *to = &w->live[draw(w, STREAMS)];

	assert_ok(unroll_stream_copy(to->s, l->s, why));
	if (to == l)
		return;
	to->h = l->h;
	memcpy(to->out, l->out, (size_t)w->outputs * sizeof *to->out);
}

static void op_reset(world *w, live *l)
{
	(void)w;
	reset(l);
}

static void op_strange(world *w, live *l)
{
	const float values[IN] = { 0, draw(w, 2) ? INFINITY : -3e38f, 1 };
	const int32_t tokens[2] = { 0, draw(w, 2) ? -1 - draw(w, 1000) : w->m->V + draw(w, 1000) };
	ur_status status;

	if (room_of(w, l) < 2)
		return;
	if (draw(w, 2)) /* the other kind */
		status = w->ports ? unroll_step(l->s, 0, NULL, NULL) : unroll_step_values(l->s, values, NULL, NULL);
	else
		status = w->ports ? unroll_step_values(l->s, values, NULL, NULL) : unroll_prefill(l->s, tokens, 2, NULL, NULL);
	assert_int_equal(status, UR_E_INVALID);
}

static void (*const ops[OPS])(world *w, live *l) = {
	op_step, op_group, op_prefill, op_forward, op_save, op_restore, op_fork, op_reset, op_damaged, op_strange
};

static void run(world *w, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		live *l = &w->live[draw(w, STREAMS)];
		int op = 0, of = draw(w, 100);

		for (; of >= often[op]; op++)
			of -= often[op];
		ops[op](w, l);
		tally.done[op]++;
		if (draw(w, 60) == 0)
			check(w, &w->live[draw(w, STREAMS)]);
	}
	for (int i = 0; i < STREAMS; i++)
		check(w, &w->live[i]);
}

static void streams_are_their_histories(void **unused)
{
	static world w;

	(void)unused;
	for (int i = 0; i < KINDS; i++) {
		open_world(&w, &kinds[i]);
		run(&w, operations / KINDS + (i < operations % KINDS));
		close_world(&w);
	}
	/* a run in which something never came up would say nothing about it */
	for (int i = 0; i < OPS; i++) {
		print_message("%12lld %s\n", (long long)tally.done[i], op_names[i]);
		assert_true(tally.done[i] > 0);
	}
	print_message("%12lld refused because full\n%12lld steps in all\n%12lld times round a window's ring\n"
	              "%12lld histories checked: the worst is %.3g of the largest output from the whole sequence's, "
	              "of int8 %.3g\n", (long long)tally.refused_full, (long long)tally.steps, (long long)tally.wraps,
	              (long long)tally.checks, tally.worst[0], tally.worst[1]);
	assert_true(tally.refused_full > 0 && tally.wraps > 0 && tally.checks > 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(streams_are_their_histories) };

	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--operations"))
			operations = atoll(argv[i + 1]);
		if (!strcmp(argv[i], "--seed"))
			seed = strtoull(argv[i + 1], NULL, 10);
	}
	if (!ur_kernels_pick(NULL))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
