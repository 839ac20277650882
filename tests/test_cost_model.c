/* The cost model with made-up rates, where what it should say is known: a second a call, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "measure/cost_model.h"

#include <math.h>

/* Every call takes `call` seconds, whatever it does. */
static ur_rates flat(double call)
{
	static const int rows[UR_RATE_ROWS] = { 1, 2, 4, 6, 12, 24, 32, 48, 96, 120 };
	static const int panels[UR_RATE_PANELS] = { 1, 4, 16, 64, 128 }, depths[UR_RATE_DEPTHS] = { 8, 32, 128, 512 };
	const ur_kernels *k = ur_kernels_pick(NULL);
	ur_rates r = { .nr = k->nr, .mr = k->mr, .between = call };

	for (int i = 0; i < UR_RATE_ROWS; i++)
		r.rows[i] = rows[i];
	for (int i = 0; i < UR_RATE_PANELS; i++)
		r.panels[i] = panels[i];
	for (int i = 0; i < UR_RATE_DEPTHS; i++)
		r.depths[i] = depths[i];
	for (int i = 0; i < UR_RATE_ROWS; i++)
		for (int p = 0; p < UR_RATE_PANELS; p++)
			for (int d = 0; d < UR_RATE_DEPTHS; d++)
				r.product[i][p][d] = -700; /* of seconds, in logs: nothing */
	return r;
}

static void test_calls(void **state)
{
	const ur_rates r = flat(1);
	const double units[3] = { 1, 2, 1e12 };
	(void)state;

	for (int i = 0; ur_mixer_forwards[i]; i++)
		for (int pass = 0; pass < UR_PASSES; pass++) {
			const ur_mixer_forward *f = ur_mixer_forwards[i];
			const ur_mixer_backward *b = ur_mixer_backward_of(f->mixer);
			const ur_dims d = ur_rig_dims(f->mixer, 32);
			double seconds, each[3];
			ur_count count;
			ur_err err;

			assert_int_equal(ur_count_mixer(f, b, &d, 70, 3, (ur_rig_pass)pass, &count, &err), UR_OK);
			assert_int_equal(ur_predict(&r, f, b, &d, 70, 3, (ur_rig_pass)pass, &seconds, &err), UR_OK);
			assert_true(fabs(seconds - (double)count.calls) < 1e-6 * seconds);
			/* one unit does all calls, any number of them no fewer than the chain */
			assert_int_equal(ur_predict_units(&r, f, b, &d, 70, 3, (ur_rig_pass)pass, 3, units, each, &err), UR_OK);
			assert_true(fabs(each[0] - (double)count.calls) < 1e-6 * each[0]);
			assert_true(fabs(each[2] - (double)count.chain) < 1e-6 * each[2]);
			assert_true(each[1] >= each[0] / 2 - 1e-6 && each[1] <= each[0] && each[1] >= each[2]);
		}
}

/* What is far away costs more, by the byte; a product between two points of its grid takes a time between theirs. */
static void test_rates(void **state)
{
	ur_rates r = flat(0);
	ur_slot_call call = { .slot = UR_SLOT_ADD, .rows = 1, .n = 100 };
	double few, more;
	(void)state;

	r.slot[UR_SLOT_ADD] = (ur_slot_rate){ 2, 3, 0.5 };
	assert_true(fabs(ur_rates_call(&r, &call) - (2 + 3 + 50)) < 1e-9);
	r.beyond[4] = 7;
	call.far[4] = 10;
	call.far[3] = 1000;
	assert_true(fabs(ur_rates_call(&r, &call) - (2 + 3 + 50 + 70)) < 1e-9);

	for (int i = 0; i < UR_RATE_ROWS; i++)
		for (int p = 0; p < UR_RATE_PANELS; p++)
			for (int d = 0; d < UR_RATE_DEPTHS; d++) /* a second for each row, panel and depth */
				r.product[i][p][d] = log((double)r.rows[i] * r.panels[p] * r.depths[d]);
	call = (ur_slot_call){ .slot = UR_SLOT_PRODUCT_F32, .rows = 20, .n = 9 * r.nr, .K = 100 };
	assert_true(fabs(ur_rates_call(&r, &call) / (20.0 * 9 * 100) - 1) < 1e-9);
	call.rows = 4000;
	call.K = 2048;
	call.n = 1000 * r.nr;
	assert_true(fabs(ur_rates_call(&r, &call) / (4000.0 * 1000 * 2048) - 1) < 1e-9);
	call.rows = 7;
	few = ur_rates_call(&r, &call);
	call.rows = 8;
	more = ur_rates_call(&r, &call);
	assert_true(more > few);
}

/* Measured rates are numbers, and what they say of an LSTM is of the right size. */
static void test_measured(void **state)
{
	const ur_dims d = ur_rig_dims(&ur_mixer_lstm, 128);
	double one, two;
	ur_rates r;
	ur_ctx c;
	ur_err err;
	(void)state;

	assert_true(ur_ctx_open(&c, NULL, 1));
	assert_int_equal(ur_rates_measure(&c, &r, &err), UR_OK);
	ur_ctx_close(&c);
	for (int s = UR_SLOT_PACK; s < UR_SLOTS; s++)
		assert_true(r.slot[s].call >= 0 && r.slot[s].row >= 0 && r.slot[s].value >= 0 &&
		            r.slot[s].call + r.slot[s].row + r.slot[s].value > 0);
	for (int i = 0; i < UR_FARS; i++)
		assert_true(r.beyond[i] >= 0 && r.beyond[i] < 1e-6);
	assert_int_equal(ur_predict(&r, &ur_mixer_forward_lstm, NULL, &d, 256, 1, UR_PASS_FORWARD, &one, &err), UR_OK);
	assert_int_equal(ur_predict(&r, &ur_mixer_forward_lstm, NULL, &d, 512, 1, UR_PASS_FORWARD, &two, &err), UR_OK);
	assert_true(one > 1e-5 && one < 10);
	assert_true(two > 1.9 * one && two < 2.1 * one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls), cmocka_unit_test(test_rates), cmocka_unit_test(test_measured),
	};
	return cmocka_run_group_tests_name("cost model", tests, NULL, NULL);
}
