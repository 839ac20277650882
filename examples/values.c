/* Answers each row of numbers ("nan": missing) at once with what a model of values says: values MODEL < rows
 * cc values.c $(pkg-config --cflags --libs unroll) -o values */
#include <stdio.h>
#include <stdlib.h>
#include <unroll.h>

static int fail(const char *why) { fprintf(stderr, "values: %s\n", why); return 1; }

int main(int argc, char **argv)
{
	ur_model *model;
	ur_stream *stream;
	ur_err err;
	const float *said;

	if (argc != 2)
		return fail("give a model file, and rows of numbers on standard input");
	if (unroll_open(argv[1], &model, &err) || unroll_stream_open(model, NULL, &stream, &err))
		return fail(err.text);
	int n = unroll_inputs(model), i = 0;
	if (n == 0)
		return fail("the model reads tokens");
	float *row = (float *)malloc((size_t)n * sizeof *row);
	while (row && scanf("%f%*[, \t]", &row[i]) == 1) {
		if (++i < n)
			continue;
		i = 0;
		if (unroll_step_values(stream, row, &said, &err))
			return fail(err.text);
		for (int j = 0; j < unroll_outputs(model); j++)
			printf("%s%g", j ? "," : "", (double)said[j]);
		puts("");
		fflush(stdout);
	}
	free(row);
	unroll_stream_close(stream);
	unroll_close(model);
	return 0;
}
