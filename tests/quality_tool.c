/* Prints what src/quality makes of standard input, for comparing it with other programs.
 *
 *     quality_tool tokens     each text's 13a tokens, on a line
 *     quality_tool bleu       of lines that are a hypothesis, then its reference, each behind a letter that is not part
 *                             of it; at an empty line the corpus so far is scored and another begins
 *
 * Texts are lines in which \n stands for a newline, \r for a carriage return and \\ for a backslash. */
#include "quality/bleu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t unescape(char *line, size_t n)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		char c = line[i];
		if (c == '\\' && i + 1 < n)
			c = line[++i] == 'n' ? '\n' : line[i] == 'r' ? '\r' : line[i];
		line[used++] = c;
	}
	return used;
}

/* A line, unescaped; -1: there is none. */
static ssize_t next(char **line, size_t *room)
{
	ssize_t n = getline(line, room, stdin);

	if (n > 0 && (*line)[n - 1] == '\n')
		n--;
	return n < 0 ? -1 : (ssize_t)unescape(*line, (size_t)n);
}

int main(int argc, char **argv)
{
	char *a = NULL, *b = NULL;
	size_t a_room = 0, b_room = 0;
	ssize_t n, m;
	ur_bleu bleu = { 0 };

	if (argc != 2 || (strcmp(argv[1], "tokens") && strcmp(argv[1], "bleu")))
		return 2;
	while ((n = next(&a, &a_room)) >= 0) {
		if (argv[1][0] == 't') {
			char *tokens = ur_bleu_tokenize(a, (size_t)n);
			if (!tokens)
				return 1;
			puts(tokens);
			free(tokens);
			continue;
		}
		if (n == 0) {
			printf("%.12f\n", ur_bleu_score(&bleu));
			bleu = (ur_bleu){ 0 };
			continue;
		}
		if ((m = next(&b, &b_room)) < 1 || !ur_bleu_add(&bleu, a + 1, (size_t)n - 1, b + 1, (size_t)m - 1))
			return 1;
	}
	free(a);
	free(b);
	return 0;
}
