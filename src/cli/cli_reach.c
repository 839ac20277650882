/* How far back a model looks, in words and numbers. */
#include "cli/cli_train.h"

#include <math.h>

const char *ur_reach_text(const ur_reach *r, ur_reach_words out)
{
	char decay[100] = "";

	if (r->ahead > 0) {
		(void)snprintf(out, sizeof(ur_reach_words), "it looks AHEAD: an answer depends on what is read after it "
		               "(gradient up to %.2g)", r->ahead);
		return out;
	}
	if (r->bin[0].mean <= 0) {
		(void)snprintf(out, sizeof(ur_reach_words), "no gradient comes back at all");
		return out;
	}
	if (!isnan(r->decay))
		(void)snprintf(decay, sizeof decay, "; a step back is worth %.4g of the one after it%s", r->decay,
		               r->fitted < r->T - 1 ? ", and soon less than float32 holds" : "");
	(void)snprintf(out, sizeof(ur_reach_words), "it looks about %.3g of %d steps back, where 99 %% of the squared "
	               "gradient lies%s", r->within, r->T - 1, decay);
	return out;
}

void ur_reach_print(FILE *to, const ur_reach *r, int64_t step)
{
	ur_reach_words words;
	ur_short at;

	(void)fprintf(to, "looking back     step %s: %s\n", ur_commas(step, at), ur_reach_text(r, words));
	(void)fprintf(to, "  steps back     ");
	for (int i = 0; i < r->bins; i++)
		(void)fprintf(to, "%8d", r->bin[i].from);
	(void)fprintf(to, "\n  gradient       ");
	for (int i = 0; i < r->bins; i++)
		(void)fprintf(to, "%8.1e", r->bin[i].mean);
	(void)fputc('\n', to);
}
