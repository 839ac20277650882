/* Kernels that count. Sums are held to formulas and to each other, and no mixer of the table, none of which is named
 * here, moves numbers past the kernels: what it reads was given or written by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "measure/count.h"

static ur_rig_spec spec_of(int i, int width, int T, int B, ur_rig_pass pass)
{
	const ur_mixer_forward *f = ur_mixer_forwards[i];

	return (ur_rig_spec){ .forward = f, .backward = ur_mixer_backward_of(f->mixer), .pass = pass, .T = T, .B = B,
	                      .dims = ur_rig_dims(f->mixer, width), .S = T < 90 ? T + 5 : 90 };
}

static ur_count counted(const ur_rig_spec *spec, unsigned how)
{
	ur_count c;
	ur_err err;

	if (ur_count_rig(spec, how, NULL, NULL, &c, &err))
		fail_msg("%s: %s", spec->forward->mixer->name, err.text);
	return c;
}

/* Dry and real counts of a call: alike, and nothing blind. Returns whether the mixer takes these dims. */
static int check_call(const ur_rig_spec *spec)
{
	const ur_mixer *m = spec->forward->mixer;
	ur_rig_spec dry = *spec;
	ur_dims d = spec->dims;
	ur_count a, b;

	d.context = spec->T + 1;
	if (m->check(&d))
		return 0;
	dry.empty = 1;
	a = counted(spec, 0);
	b = counted(&dry, UR_COUNT_DRY);
	if (a.blind || b.blind)
		fail_msg("%s %s, width %d, T %d, B %d, ragged %d, indexed %d, stateful %d: %lld floats read blind, dry %lld",
		         m->name, ur_rig_pass_name(spec->pass), d.out, spec->T, spec->B, spec->ragged, spec->indexed,
		         spec->stateful, (long long)a.blind, (long long)b.blind);
	if (a.flops != b.flops || a.bytes != b.bytes || a.calls != b.calls || a.chain != b.chain)
		fail_msg("%s %s, width %d, T %d, B %d: counted %lld calls, chain %lld; dry %lld and %lld", m->name,
		         ur_rig_pass_name(spec->pass), d.out, spec->T, spec->B, (long long)a.calls, (long long)a.chain,
		         (long long)b.calls, (long long)b.chain);
	assert_true(a.chain > 0 && a.chain <= a.calls);
	return 1;
}

static void test_nothing_blind(void **state)
{
	static const struct { int width, T, B; } shapes[] = { { 32, 20, 3 }, { 24, 7, 1 }, { 68, 131, 2 }, { 64, 300, 1 } };
	(void)state;

	for (int i = 0; ur_mixer_forwards[i]; i++)
		for (int pass = 0; pass < UR_PASSES; pass++)
			for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++)
				for (int bits = 0; bits < (pass == UR_PASS_STEP ? 1 : 8); bits++) {
					ur_rig_spec s = spec_of(i, shapes[j].width, shapes[j].T, shapes[j].B, (ur_rig_pass)pass);

					s.ragged = bits & 1;
					s.indexed = bits >> 1 & 1;
					s.stateful = bits >> 2 & 1;
					/* a layer that reads an encoder's outputs is a top layer: its x has no index */
					if (s.indexed && s.forward->mixer->flags & UR_READS_MEMORY)
						continue;
					assert_true(check_call(&s));
				}
}

/* Every option at several of its values. */
static void test_options(void **state)
{
	static const double values[] = { 0, 1, 2, 3, 8 };
	(void)state;

	for (int i = 0; ur_mixer_forwards[i]; i++)
		for (int pass = 0; pass < UR_PASSES; pass++) {
			const ur_option *o = ur_mixer_forwards[i]->mixer->options;

			for (int n = 0; o[n].name; n++)
				for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
					ur_rig_spec s = spec_of(i, 48, 37, 2, (ur_rig_pass)pass);

					s.dims.option[n] = values[v];
					s.stateful = pass != UR_PASS_STEP;
					if (values[v] >= o[n].least && values[v] <= o[n].most)
						check_call(&s);
				}
		}
}

static ur_slot last_slot;
static void keep_slot(void *arg, const ur_slot_call *call)
{
	(void)arg;
	last_slot = call->slot;
}

static void test_formulas(void **state)
{
	enum { H = 40, T = 9, B = 3, K = 17, M = 5 };
	const double rows = T * B;
	static const ur_slot slots[UR_DTYPES] = { UR_SLOT_PRODUCT_F32, UR_SLOT_PRODUCT_BF16, UR_SLOT_PRODUCT_I8 };
	float x[M * K] = { 0 }, w[M * K] = { 0 }, y[M * M];
	const ur_kernels *real;
	ur_counter *c;
	ur_count count;
	ur_ctx ctx;
	ur_err err;
	(void)state;

	/* an LSTM: two products, nine operations a unit, and the sum of the biases once */
	for (int i = 0; ur_mixer_forwards[i]; i++)
		if (ur_mixer_forwards[i] == &ur_mixer_forward_lstm) {
			ur_rig_spec s = spec_of(i, H, T, B, UR_PASS_FORWARD);
			count = counted(&s, 0);
			assert_true(count.flops == rows * (2.0 * 4 * H * (H + H) + 9 * H) + 4 * H);
		}
	/* a product: y(M, M) = x(M, K) w(M, K)^T */
	assert_true(ur_ctx_open(&ctx, NULL, 1));
	real = ctx.k;
	assert_int_equal(ur_counter_open(real, 0, &c, &err), UR_OK);
	ctx.k = ur_counter_kernels(c);
	{
		ur_arena memory = { 0 };
		ur_mat mat = { .rows = M, .cols = K, .blocks = 1, .data = w };
		float *panels;

		(void)UR_TAKE(&memory, float, ur_pack_size(ctx.k, &mat, 0));
		assert_true(ur_arena_open(&memory));
		mat.panels = panels = UR_TAKE(&memory, float, ur_pack_size(ctx.k, &mat, 0));
		ur_counter_declare(c, x, sizeof x);
		ur_counter_declare(c, w, sizeof w);
		ur_pack_weights(&ctx, 1, &mat);
		ur_linear(&ctx, M, &mat, NULL, x, K, y, M, 0);
		assert_int_equal(ur_counter_read(c, &count, &err), UR_OK);
		assert_true(count.flops == 2.0 * M * M * K);
		assert_int_equal(count.chain, 2);
		assert_int_equal(count.blind, 0);
		/* what nobody declared and no kernel wrote */
		ur_counter_reset(c);
		ctx.k->add(M, x, y);
		assert_int_equal(ur_counter_read(c, &count, &err), UR_OK);
		assert_int_equal(count.blind, 2 * M);
		ur_arena_close(&memory);
	}
	/* the same of smaller weights, whole and as two parts: fewer bytes, and each its own slot */
	for (int dtype = UR_F32; dtype < UR_DTYPES; dtype++)
		for (int cut = 0; cut < K; cut += 8) {
			float panels[M * 2 * K * 16], scale[M];
			ur_mat mat = { .rows = M, .cols = K, .blocks = 1, .cut = cut, .dtype = (ur_dtype)dtype, .panels = panels,
			               .scale = scale };
			const size_t bytes = ur_mat_bytes(ctx.k, &mat);

			assert_true(bytes <= sizeof panels);
			ur_i8_scales(M, K, w, scale);
			ur_pack_as(real, &mat, w);
			ur_counter_reset(c);
			ur_counter_declare(c, x, sizeof x);
			ur_counter_declare(c, panels, sizeof panels);
			ur_counter_declare(c, scale, sizeof scale);
			last_slot = UR_SLOTS;
			ur_counter_watch(c, keep_slot, NULL);
			if (cut) {
				ur_linear_part(ctx.k, M, &mat, 0, NULL, x, K, y, M, 0);
				ur_linear_part(ctx.k, M, &mat, 1, NULL, x + cut, K, y, M, 1);
			} else {
				ur_linear(&ctx, M, &mat, NULL, x, K, y, M, 0);
			}
			assert_int_equal(ur_counter_read(c, &count, &err), UR_OK);
			assert_int_equal(last_slot, slots[dtype]);
			assert_true(count.flops == 2.0 * M * M * K);
			assert_true(count.bytes == (double)bytes + 4.0 * (M * K + M * M * (cut ? 3 : 1)));
			assert_int_equal(count.chain, cut ? 2 : 1);
			assert_int_equal(count.blind, 0);
		}
	ur_counter_close(c);
	ur_ctx_close(&ctx);
}

/* The smallest chains there are: 64 numbers added one after the other, and as a tree. */
static void test_sums(void **state)
{
	enum { N = 64 };
	float x[N], sum;
	ur_counter *c, *second;
	ur_count count;
	ur_err err;
	const ur_kernels *real = ur_kernels_pick(NULL), *k;
	(void)state;

	for (int i = 0; i < N; i++)
		x[i] = 1;
	assert_int_equal(ur_counter_open(real, 0, &c, &err), UR_OK);
	assert_int_equal(ur_counter_open(real, 0, &second, &err), UR_E_INVALID);
	k = ur_counter_kernels(c);
	ur_counter_declare(c, x, sizeof x);
	k->copy(1, 1, x, 1, &sum, 1);
	for (int i = 1; i < N; i++)
		k->add(1, x + i, &sum);
	assert_int_equal(ur_counter_read(c, &count, &err), UR_OK);
	assert_true(sum == N);
	assert_int_equal(count.chain, N);       /* 63 additions and the copy */

	ur_counter_reset(c);
	ur_counter_declare(c, x, sizeof x);
	for (int half = N / 2; half; half /= 2)
		for (int i = 0; i < half; i++)
			k->add(1, x + half + i, x + i);
	assert_int_equal(ur_counter_read(c, &count, &err), UR_OK);
	assert_true(x[0] == N);
	assert_int_equal(count.calls, N - 1);
	assert_int_equal(count.chain, 6);
	assert_int_equal(count.blind, 0);
	ur_counter_close(c);
}

/* What a mixer says that its forward pass costs is what is counted. On the diagonal of a causal mask tiles are worked
 * out whole, which cost() leaves out: a few percent of a long sequence. */
static void test_cost_model(void **state)
{
	(void)state;
	for (int i = 0; ur_mixer_forwards[i]; i++)
		for (int j = 0; j < 3; j++) {
			const int width = j == 1 ? 128 : 64, T = j == 2 ? 4096 : 2048, B = j == 2 ? 1 : 4;
			ur_rig_spec s = spec_of(i, width, T, B, UR_PASS_FORWARD);
			ur_span span = { .T = T, .B = B, .S = s.S };
			double share;

			s.empty = 1;
			share = counted(&s, UR_COUNT_DRY | UR_COUNT_TALLY).flops / s.forward->cost(&s.dims, &span).flops;
			printf("%-12s width %4d T %5d B %d: counted %.4f of cost()\n", s.forward->mixer->name, width, T, B, share);
			if (!(share > 0.995 && share < 1.06))
				fail_msg("%s: cost() is not what is counted", s.forward->mixer->name);
		}
}

/* Without state that grows, a step waits for the one before: the chain grows by the same number at each. With it, as
 * attention, only merging one tile of keys after another is serial. */
static void test_chains(void **state)
{
	(void)state;
	for (int i = 0; ur_mixer_forwards[i]; i++) {
		const ur_mixer *m = ur_mixer_forwards[i]->mixer;
		int64_t chain[5];

		for (int j = 1; j < 5; j++) {
			ur_rig_spec s = spec_of(i, 32, 256 * j, 1, UR_PASS_FORWARD);
			s.empty = 1;
			s.S = 20;
			chain[j] = counted(&s, UR_COUNT_DRY).chain;
		}
		printf("%-12s chain of a forward pass at T = 256 to 1024: %lld %lld %lld %lld\n", m->name, (long long)chain[1],
		       (long long)chain[2], (long long)chain[3], (long long)chain[4]);
		if (m->flags & UR_STATE_GROWS) {
			assert_true(chain[4] - chain[2] < 512 / 16);
			continue;
		}
		assert_int_equal((chain[2] - chain[1]) % 256, 0);
		assert_true(chain[2] - chain[1] >= 256);
		assert_int_equal(chain[3] - chain[2], chain[2] - chain[1]);
		assert_int_equal(chain[4] - chain[3], chain[2] - chain[1]);
	}
}

/* -- planted faults: kernels that go past the counter -- */

enum fault { NONE, COPY, FILL, PRODUCT, TANH, ADD };

static ur_count with_fault(int i, ur_rig_pass pass, enum fault fault)
{
	ur_rig_spec s = spec_of(i, 32, 24, 2, pass);
	const ur_kernels *real;
	ur_kernels planted;
	ur_counter *c;
	ur_count count;
	ur_rig rig;
	ur_ctx ctx;
	ur_err err;

	assert_true(ur_ctx_open(&ctx, NULL, 1));
	real = ctx.k;
	assert_int_equal(ur_counter_open(real, 0, &c, &err), UR_OK);
	planted = *ur_counter_kernels(c);
	if (fault == COPY)
		planted.copy = real->copy;
	else if (fault == FILL)
		planted.fill = real->fill;
	else if (fault == PRODUCT)
		planted.product[UR_F32] = real->product[UR_F32];
	else if (fault == TANH)
		planted.tanh = real->tanh;
	else if (fault == ADD)
		planted.add = real->add;
	ctx.k = &planted;
	assert_int_equal(ur_rig_open(&rig, &s, &ctx, &err), UR_OK);
	ur_counter_reset(c);
	ur_counter_declare(c, rig.memory.base, rig.inputs);
	ur_rig_run(&rig);
	assert_int_equal(ur_counter_read(c, &count, &err), UR_OK);
	ur_rig_close(&rig);
	ur_counter_close(c);
	ur_ctx_close(&ctx);
	return count;
}

static void test_faults(void **state)
{
	(void)state;
	for (int i = 0; ur_mixer_forwards[i]; i++) {
		const ur_count right = with_fault(i, UR_PASS_TRAINING, NONE);

		assert_int_equal(right.blind, 0);
		assert_true(with_fault(i, UR_PASS_TRAINING, COPY).blind > 0);
		assert_true(with_fault(i, UR_PASS_TRAINING, FILL).blind > 0);
		assert_true(with_fault(i, UR_PASS_FORWARD, PRODUCT).blind > 0);
		assert_true(with_fault(i, UR_PASS_TRAINING, ADD).flops <= right.flops);
	}
	/* in place, nothing is read blind; but the chain is shorter by that kernel at every step */
	assert_true(with_fault(0, UR_PASS_FORWARD, TANH).chain < with_fault(0, UR_PASS_FORWARD, NONE).chain - 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formulas), cmocka_unit_test(test_sums), cmocka_unit_test(test_nothing_blind),
		cmocka_unit_test(test_options), cmocka_unit_test(test_cost_model), cmocka_unit_test(test_chains),
		cmocka_unit_test(test_faults),
	};
	return cmocka_run_group_tests_name("count", tests, NULL, NULL);
}
