/* Models that read values instead of tokens: gradients against finite differences, steps as whole sequences, files, and
 * what is said of ports that cannot be. */
#include "small_models.h"

#include "run/step.h"
#include "train/chunked.h"

#include <float.h>
#include <math.h>

enum { T = 6, B = 3, IN = 5 };
static const char *const specs[] = {
	"rnn:2x8", "gru:1x8", "lstm:2x8", "lstm:1x4", "attention:2x8,block=llama,heads=2,context=32",
	"attention:1x8,block=gpt2,heads=2,context=32", "gru:1x8,block=llama", "attention:1x8,block=llama,heads=2,window=3",
};
enum { SPECS = sizeof specs / sizeof *specs };

static ur_model *value_model(const char *text, unroll_says says, int out, int training)
{
	ur_spec spec;
	ur_ports *ports;
	ur_model *m;

	assert_ok(ur_spec_parse(text, &spec, why));
	assert_ok(ur_ports_new(IN, says == UNROLL_HIDDEN ? spec.width : out, says, 1, &ports, why));
	for (int i = 0; i < IN; i++) {
		ports->in.mean[i] = (float)i;
		ports->in.scale[i] = 0.5f;
	}
	assert_ok(ur_port_name(&ports->in, 1, "b \xC3\xA9", why));
	assert_ok(ur_model_create(&spec, &(ur_words){ .V = says == UNROLL_HIDDEN ? 0 : out, .ports = ports },
	                          ur_kernels_pick(NULL), training, &m, why));
	ur_ports_free(ports);
	ur_model_init(m, 3);
	for (int i = 0; i < m->params; i++) /* gains, too, and weights that start small */
		for (size_t j = 0; j < m->param[i].count; j++) {
			float *w = &m->weights[m->param[i].at + j];
			*w = *w * 2 + 0.02f * (float)((j * 7) % 5) - 0.04f;
		}
	ur_model_pack(m, &(ur_ctx){ .k = m->k, .threads = 1 });
	return m;
}

static void some_values(float *x, int n, unsigned seed)
{
	for (int i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		x[i] = (float)(seed >> 8) / 8388608.0f - 1;
	}
}

typedef struct rig { ur_ctx ctx; ur_net net; ur_backward back; ur_arena memory; } rig;

static void plan(rig *r, const ur_model *m, ur_arena *a)
{
	ur_net_plan(&r->net, m, &r->ctx, T, B, 1, 0, a);
	ur_backward_plan(&r->back, &r->net, a);
}

static void rig_open(rig *r, const ur_model *m)
{
	*r = (rig){ 0 };
	assert_true(ur_ctx_open(&r->ctx, NULL, 2));
	plan(r, m, &r->memory);
	assert_true(ur_arena_open(&r->memory));
	plan(r, m, &r->memory);
}

static void rig_close(rig *r)
{
	ur_arena_close(&r->memory);
	ur_ctx_close(&r->ctx);
}

static double pass(rig *r, const float *x, const ur_aim *aim)
{
	const ur_pass p = { .T = T, .B = B, .values = x };

	ur_model_pack((ur_model *)r->net.m, &r->ctx);
	memset(r->back.all, 0, r->net.m->floats * sizeof(float));
	ur_net_forward(&r->net, &p);
	return ur_net_backward(&r->back, &p, aim);
}

/* Chunk by chunk it is the same gradient. */
static void in_chunks(void **state)
{
	(void)state;
	for (int i = 0; i < 2 * SPECS; i++) {
		const int values = i % 2, V = 3;
		ur_model *m = value_model(specs[i / 2], values ? UNROLL_VALUES : UNROLL_CLASSES, V, 1);
		float x[T * B * IN], want[T * B * 3];
		int32_t targets[T * B];
		const ur_pass p = { .T = T, .B = B, .values = x };
		ur_aim aim = { .targets = targets, .weight = 1 };
		double loss, norm = 0, off = 0;
		ur_arena memory = { 0 };
		ur_backward back;
		ur_chunked chunked;
		ur_net net;
		rig r;

		some_values(x, T * B * IN, 9);
		some_values(want, T * B * V, 10);
		for (int t = 0; t < T * B; t++)
			targets[t] = t % V;
		if (values)
			aim = (ur_aim){ .values = want, .weight = 1 };
		rig_open(&r, m);
		loss = pass(&r, x, &aim);
		for (int cut = 0; cut < 2; cut++) {
			assert_true(!cut || ur_arena_open(&memory));
			ur_chunked_plan(&chunked, &net, &back, m, &r.ctx, T, B, 4, 0, &memory);
		}
		assert_true(fabs(ur_chunked_pass(&chunked, &p, &aim) - loss) < 1e-5 * loss);
		for (size_t j = 0; j < m->floats; j++) {
			const double d = (double)back.all[j] - r.back.all[j];
			off += d * d;
			norm += (double)r.back.all[j] * r.back.all[j];
		}
		if (!(norm > 0 && off < 1e-10 * norm))
			fail_msg("%s: chunks are off by %.2g of the gradient's norm", specs[i / 2], sqrt(off / norm));
		ur_arena_close(&memory);
		rig_close(&r);
		ur_model_free(m);
	}
}

static void gradients(void **state)
{
	(void)state;
	for (int i = 0; i < 2 * SPECS; i++) {
		const char *text = specs[i / 2];
		const int values = i % 2, V = 3;
		ur_model *m = value_model(text, values ? UNROLL_VALUES : UNROLL_CLASSES, V, 1);
		float x[T * B * IN], want[T * B * 3], *kept, *gradient;
		int32_t targets[T * B];
		ur_aim aim = { .targets = targets, .weight = 1 };
		rig r;

		some_values(x, T * B * IN, 9);
		some_values(want, T * B * V, 10);
		want[4] = NAN; /* not scored */
		for (int t = 0; t < T * B; t++)
			targets[t] = t % 5 ? t % V : -1;
		if (values)
			aim = (ur_aim){ .values = want, .weight = 1 };
		rig_open(&r, m);
		assert_true(pass(&r, x, &aim) > 0);
		kept = malloc(m->floats * sizeof *kept);
		gradient = malloc(m->floats * sizeof *gradient);
		assert_true(kept && gradient);
		memcpy(kept, m->weights, m->floats * sizeof *kept);
		memcpy(gradient, r.back.all, m->floats * sizeof *gradient);
		for (int p = 0; p < m->params; p++) {
			/* along the gradient itself, a parameter at a time */
			const ur_parameter *of = &m->param[p];
			const double norm = sqrt(r.ctx.k->sum_squares(of->count, gradient + of->at)), h = 4e-3;
			double up, down, slope;

			if (!(norm > 1e-6))
				fail_msg("%s, %s: no gradient reaches %s", text, values ? "values" : "classes", of->name);
			for (int sign = 0; sign < 2; sign++) {
				for (size_t j = 0; j < of->count; j++)
					m->weights[of->at + j] = kept[of->at + j] +
					                         (float)((sign ? -h : h) * (double)gradient[of->at + j] / norm);
				*(sign ? &down : &up) = pass(&r, x, &aim);
			}
			memcpy(m->weights + of->at, kept + of->at, of->count * sizeof *kept);
			slope = (up - down) / (2 * h);
			if (fabs(slope - norm) > 0.01 * norm + 2e-3)
				fail_msg("%s, %s: gradient of %s: %g by backward, %g by differences", text,
				         values ? "values" : "classes", of->name, norm, slope);
		}
		free(kept);
		free(gradient);
		rig_close(&r);
		ur_model_free(m);
	}
}

/* A step gives what the whole sequence gave at its place, and the last layer's output where there is no head. */
static void steps(void **state)
{
	(void)state;
	for (int i = 0; i < 3 * SPECS; i++) {
		const unroll_says says = (unroll_says)(i % 3);
		ur_model *m = value_model(specs[i / 3], says, 4, 0);
		const int V = ur_model_outputs(m);
		float x[T * B * IN], out[B * 8], whole[B * 8];
		char *block = calloc(B, ur_model_state_size(m));
		void *states[B];
		ur_arena memory = { 0 };
		ur_step step;
		rig r = { 0 };

		assert_int_equal(V, says == UNROLL_HIDDEN ? m->spec.width : 4);
		some_values(x, T * B * IN, 77);
		assert_true(ur_ctx_open(&r.ctx, NULL, 1));
		ur_net_plan(&r.net, m, &r.ctx, T, B, 0, 0, &r.memory);
		assert_true(ur_arena_open(&r.memory));
		ur_net_plan(&r.net, m, &r.ctx, T, B, 0, 0, &r.memory);
		ur_net_forward(&r.net, &(ur_pass){ .T = T, .B = B, .values = x });
		ur_step_plan(&step, m, B, &memory);
		assert_true(ur_arena_open(&memory));
		ur_step_plan(&step, m, B, &memory);
		for (int b = 0; b < B; b++)
			states[b] = block + (size_t)b * ur_model_state_size(m);
		for (int t = 0; t < T; t++) {
			ur_step_streams(&step, &(ur_step_call){ .n = B, .values = x + t * B * IN, .states = states, .logits = out });
			ur_model_head(m, B, r.net.last + (size_t)(t * B * m->spec.width), whole);
			for (int j = 0; j < B * V; j++)
				if (fabs((double)out[j] - (double)whole[j]) > 2e-5)
					fail_msg("%s: step %d differs from the whole sequence by %g", specs[i / 3], t,
					         (double)(out[j] - whole[j]));
		}
		ur_arena_close(&memory);
		free(block);
		rig_close(&r);
		ur_model_free(m);
	}
}

static void files(void **state)
{
	(void)state;
	for (int i = 0; i < 3 * SPECS; i++) {
		ur_model *made = value_model(specs[i / 3], (unroll_says)(i % 3), 4, 0), *m;
		char path[64];

		small_path(path);
		assert_ok(ur_model_save(made, path, 0, NULL, why));
		assert_ok(unroll_open(path, &m, why));
		unlink(path);
		assert_int_equal(m->floats, made->floats);
		assert_memory_equal(m->weights, made->weights, m->floats * sizeof *m->weights);
		assert_int_equal(m->ports->says, i % 3);
		assert_int_equal(m->ports->in.n, IN);
		assert_string_equal(m->ports->in.name[1], "b \xC3\xA9");
		assert_null(m->ports->in.name[0]);
		assert_memory_equal(m->ports->in.mean, made->ports->in.mean, IN * sizeof(float));
		assert_memory_equal(m->ports->in.scale, made->ports->in.scale, IN * sizeof(float));
		assert_true((m->ports->out.mean != NULL) == (i % 3 == UNROLL_VALUES));
		assert_int_equal(unroll_vocabulary(m), 0);
		ur_model_free(made);
		unroll_close(m);
	}
}

static void units(void **state)
{
	ur_ports *p;
	float seen[2], said[1] = { 2 };

	(void)state;
	assert_ok(ur_ports_new(2, 1, UNROLL_VALUES, 1, &p, why));
	p->in.mean[0] = 10;
	p->in.scale[0] = 2;
	p->out.mean[0] = -1;
	p->out.scale[0] = 4;
	ur_port_see(&p->in, (float[]){ 13, NAN }, seen);
	assert_true(seen[0] == 6 && seen[1] == 0); /* missing is the mean */
	ur_port_say(&p->out, said);
	assert_true(said[0] == -0.5f);
	ur_ports_free(p);
}

static void refused(void **state)
{
	static const struct { const char *json, *says; } bad[] = {
		{ "{}", "\"says\" must be" },
		{ "{\"says\": \"what\", \"in\": {\"n\": 1}, \"out\": {\"n\": 1}}", "\"says\" must be" },
		{ "{\"says\": \"classes\", \"in\": {\"n\": 0}, \"out\": {\"n\": 1}}", "\"in\" needs a number" },
		{ "{\"says\": \"classes\", \"in\": {\"n\": 1}, \"out\": {\"n\": 70000}}", "\"out\" needs a number" },
		{ "{\"says\": \"classes\", \"in\": 7, \"out\": {\"n\": 7}}", "\"in\" needs a number" },
		{ "{\"says\": \"classes\", \"in\": {\"n\": 1, \"names\": [\"a\", \"b\"]}, \"out\": {\"n\": 1}}", "a list of 1" },
		{ "{\"says\": \"classes\", \"in\": {\"n\": 1, \"names\": [3]}, \"out\": {\"n\": 1}}", "is no text" },
		{ "{\"says\": \"classes\", \"in\": {\"n\": 1, \"mean\": [1]}, \"out\": {\"n\": 1}}", "alone" },
		{ "{\"says\": \"classes\", \"in\": {\"n\": 1, \"mean\": [1], \"scale\": [0]}, \"out\": {\"n\": 1}}", "a scale not 0" },
		{ "{\"says\": \"classes\", \"in\": {\"n\": 1, \"scale\": [1]}, \"out\": {\"n\": 1}}", "alone" },
		{ "{\"says\": \"classes\", \"in\": {\"n\": 1, \"mean\": [1], \"scale\": [1e-44]}, \"out\": {\"n\": 1}}",
		  "a scale not 0" },
		{ "{\"says\": \"classes\", \"in\": {\"n\": 1, \"mean\": [1e300], \"scale\": [1]}, \"out\": {\"n\": 1}}", "infinite" },
		{ "{\"says\": \"classes\", \"in\": {\"n\": 1}, \"out\": {\"n\": 1, \"mean\": [1], \"scale\": [1]}}", "only outputs" },
	};
	const struct { const char *spec; int in, out; unroll_says says; const char *text; } wrong[] = {
		{ "seq2seq:lstm:1x8", 3, 2, UNROLL_CLASSES, "reads tokens" },
		{ "attention:1x8,heads=2,context=9,block=plain", 3, 2, UNROLL_CLASSES, "block=llama" },
		{ "lstm:1x8", 3, 7, UNROLL_HIDDEN, "gives 8 outputs, not the 7" },
		{ "lstm:1x8,positions=learned", 3, 2, UNROLL_CLASSES, "has positions" },
		{ "lstm:1x8,positions=sinusoidal", 3, 2, UNROLL_CLASSES, "has positions" },
	};
	ur_ports *p;
	ur_model *m;
	ur_err err;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		json_t *json = json_loads(bad[i].json, 0, NULL);
		assert_non_null(json);
		assert_int_equal(ur_ports_from_json(json, &p, &err), UR_E_FORMAT);
		assert_null(p);
		assert_says(err, bad[i].says);
		json_decref(json);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		ur_spec spec;
		assert_ok(ur_spec_parse(wrong[i].spec, &spec, why));
		assert_ok(ur_ports_new(wrong[i].in, wrong[i].out, wrong[i].says, 0, &p, why));
		assert_int_equal(ur_model_create(&spec, &(ur_words){ .V = wrong[i].says == UNROLL_HIDDEN ? 0 : wrong[i].out,
			.source_V = 5, .ports = p }, ur_kernels_pick(NULL), 0, &m, &err), UR_E_INVALID);
		assert_null(m);
		assert_says(err, wrong[i].text);
		ur_ports_free(p);
	}
	/* units that are no numbers, and a name that no file could keep */
	for (int i = 0; i < 4; i++) {
		static const float bad_units[4][2] = { { NAN, 1 }, { 0, INFINITY }, { 0, 0 }, { 0, 1e-44f } };
		ur_spec spec;

		assert_ok(ur_spec_parse("gru:1x4", &spec, why));
		assert_ok(ur_ports_new(2, 1, UNROLL_VALUES, 1, &p, why));
		p->out.mean[0] = bad_units[i][0];
		p->out.scale[0] = bad_units[i][1];
		assert_int_equal(ur_model_create(&spec, &(ur_words){ .V = 1, .ports = p }, ur_kernels_pick(NULL), 0, &m, &err),
		                 UR_E_INVALID);
		assert_says(err, "output value 1");
		assert_int_equal(ur_port_name(&p->in, 1, "Temp\xE9rature", &err), UR_E_INVALID);
		assert_says(err, "value 2 is not UTF-8");
		ur_ports_free(p);
	}
	assert_int_equal(ur_ports_new(0, 1, UNROLL_CLASSES, 0, &p, &err), UR_E_INVALID);
	assert_int_equal(ur_ports_new(1, 1 << 20, UNROLL_CLASSES, 0, &p, &err), UR_E_INVALID);
}

/* The rule of unroll.h: what the layers see of a value is below 1e16 in magnitude, each by itself. */
static void large_values(void **state)
{
	ur_model *m = value_model("gru:1x8", UNROLL_CLASSES, 3, 0);
	ur_stream *s = small_stream(m);
	const float seen_as = 1 / m->ports->in.scale[0], most = nextafterf(1e16f * seen_as, 0);
	const float wrong[] = { 1e16f * seen_as, -1e16f * seen_as, 1e18f, FLT_MAX, INFINITY, -INFINITY };
	float row[IN], rows[3 * IN] = { 0 };
	const float *out;
	ur_err err;

	(void)state;
	for (int i = 0; i < IN; i++)
		row[i] = i % 2 ? -most : most;
	assert_ok(unroll_step_values(s, row, &out, why));
	for (int i = 0; i < 3; i++)
		assert_true(isfinite(out[i]));
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		float one[IN] = { wrong[i] };

		if (unroll_step_values(s, one, &out, &err) != UR_E_INVALID)
			fail_msg("%g was taken", (double)wrong[i]);
		assert_says(err, "value 0 of row 0");
		rows[2 * IN] = wrong[i];
		assert_int_equal(unroll_prefill_values(s, rows, 3, &out, &err), UR_E_INVALID);
		assert_says(err, "value 0 of row 2");
	}
	assert_int_equal(unroll_position(s), 1);
	/* outputs that nobody wants */
	assert_ok(unroll_forward_values(s, row, 1, NULL, why));
	assert_int_equal(unroll_position(s), 2);
	unroll_stream_close(s);
	ur_model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gradients), cmocka_unit_test(in_chunks), cmocka_unit_test(steps),
		cmocka_unit_test(files), cmocka_unit_test(units),
		cmocka_unit_test(refused), cmocka_unit_test(large_values),
	};

	if (!ur_kernels_pick(NULL))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
