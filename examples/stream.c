/* Reads text, then writes what a model of text expects next: stream MODEL < text
 * cc stream.c $(pkg-config --cflags --libs unroll) -o stream */
#include <stdio.h>
#include <unroll.h>

static int fail(const char *why) { fprintf(stderr, "stream: %s\n", why); return 1; }

int main(int argc, char **argv)
{
	ur_model *model;
	ur_stream *stream;
	ur_err err;
	char text[4096];
	int32_t tokens[4096];
	const float *logits;
	const char *piece;

	if (argc != 2)
		return fail("give a model file, and a text on standard input");
	if (unroll_open(argv[1], &model, &err) || unroll_stream_open(model, NULL, &stream, &err))
		return fail(err.text);
	int64_t n = unroll_encode(model, text, fread(text, 1, sizeof text, stdin), tokens, 4096, &err);
	if (n == 0)
		return fail("there is no text");
	if (n < 0 || unroll_prefill(stream, tokens, n, &logits, &err))
		return fail(err.text);
	for (int i = 0, best = 0; i < 80; i++, best = 0) {
		for (int j = 1; j < unroll_outputs(model); j++)
			if (logits[j] > logits[best])
				best = j;
		size_t bytes = unroll_decode(model, best, &piece);
		fwrite(piece, 1, bytes, stdout);
		fflush(stdout);
		if (unroll_step(stream, best, &logits, &err)) /* a model of attention may be full */
			break;
	}
	puts("");
	unroll_stream_close(stream);
	unroll_close(model);
	return 0;
}
