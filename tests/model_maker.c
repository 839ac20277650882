/* Writes a model with weights that were drawn, not learnt, for tests of programs that only run models.
 * usage: model_maker FILE SPEC                        reads text: characters of its vocabulary
 *        model_maker FILE SPEC classes|values|hidden IN OUT   reads IN values and gives OUT */
#include "small_models.h"

static ur_ports *ports_of(const char *says, int in, int out)
{
	static const struct { const char *name; unroll_says says; } kinds[] = {
		{ "classes", UNROLL_CLASSES }, { "values", UNROLL_VALUES }, { "hidden", UNROLL_HIDDEN },
	};
	ur_ports *ports;
	char name[32];

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(kinds[i].name, says))
			continue;
		assert_ok(ur_ports_new(in, out, kinds[i].says, 1, &ports, why));
		for (int j = 0; j < in; j++) {
			snprintf(name, sizeof name, "in %d", j);
			assert_ok(ur_port_name(&ports->in, j, name, why));
			ports->in.mean[j] = (float)j;
			ports->in.scale[j] = 0.5f;
		}
		for (int j = 0; ports->out.mean && j < out; j++) {
			ports->out.mean[j] = -1;
			ports->out.scale[j] = 4;
		}
		return ports;
	}
	fail_msg("'%s' is nothing that a model says", says);
	return NULL;
}

int main(int argc, char **argv)
{
	ur_spec spec;
	ur_ports *ports;
	ur_model *m;

	if (argc == 3) {
		m = small_model(argv[2], "char", 0, 7);
	} else if (argc == 6) {
		ports = ports_of(argv[3], atoi(argv[4]), atoi(argv[5]));
		assert_ok(ur_spec_parse(argv[2], &spec, why));
		assert_ok(ur_model_create(&spec, &(ur_words){ .V = ports->says == UNROLL_HIDDEN ? 0 : ports->out.n,
			.ports = ports }, ur_kernels_pick(NULL), 0, &m, why));
		ur_ports_free(ports);
		ur_model_init(m, 7);
	} else {
		fprintf(stderr, "usage: model_maker FILE SPEC [classes|values|hidden IN OUT]\n");
		return 2;
	}
	assert_ok(ur_model_save(m, argv[1], 0, NULL, why));
	ur_model_free(m);
	return 0;
}
