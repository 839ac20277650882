/* Learns online: rows of numbers on standard input, the last one of each the class (0, 1, ...) that the others
 * foretell.
 * Says after every thousandth how often it was right, before it learnt.
 *
 *     cc -Iinclude examples/learn.c build/libunroll.a build/libunroll-run.a -ljansson -lm -pthread -o learn
 *     ./learn 3 2 < rows.txt */
#include <stdio.h>
#include <stdlib.h>
#include <unroll_train.h>

int main(int argc, char **argv)
{
	const int features = argc > 1 ? atoi(argv[1]) : 3, classes = argc > 2 ? atoi(argv[2]) : 2;
	float *row = malloc(sizeof *row * (size_t)(features > 0 ? features : 1));
	ur_online *learner;
	ur_err err;

	if (!row || unroll_learn_new("gru:1x32", features, classes, 0, NULL, &learner, &err)) {
		fprintf(stderr, "learn: %s\n", row ? err.text : "out of memory");
		return 1;
	}
	for (;;) {
		unroll_learn_score score = { .size = sizeof score };
		int class, drift, read = 0;

		while (read < features && scanf("%f%*[ ,;\t]", &row[read]) == 1)
			read++;
		if (read < features || scanf("%d", &class) != 1)
			break;
		if (unroll_learn_predict(learner, row, NULL, &err) || unroll_learn_class(learner, class, &drift, &err) ||
		    unroll_learn_ask(learner, &score, &err)) {
			fprintf(stderr, "learn: %s\n", err.text);
			return 1;
		}
		if (drift)
			printf("the stream has changed, as of event %lld\n", (long long)score.events);
		if (score.events % 1000 == 0)
			printf("%lld events: %.1f %% right lately, frozen %.1f %%\n", (long long)score.events,
			       100 * score.model.accuracy_lately, 100 * score.frozen.accuracy_lately);
	}
	unroll_learn_close(learner);
	free(row);
	return 0;
}
