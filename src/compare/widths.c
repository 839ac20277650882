/* Parameters grow with width, but not every width is allowed (heads must divide it), so the search is a bisection over
 * "the next allowed width from here on". */
#include "compare/widths.h"


#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FARTHEST = 1024 }; /* an allowed width lies at most this far from any: no spec has more heads */

ur_status ur_width_parse(const char *text, ur_spec *spec, int *open, ur_err *err)
{
	char shaped[UR_SPEC_TEXT + 32];
	size_t name = ur_spec_name(text);
	ur_status status = ur_spec_parse(text, spec, err);

	*open = text[name] != ':';
	/* its options may not allow the width that specs have by default, which is not what it will be */
	for (int w = 256; status && *open && w < 256 + FARTHEST; w++) {
		snprintf(shaped, sizeof shaped, "%.*s:2x%d%s", (int)name, text, w, text + name);
		status = ur_spec_parse(shaped, spec, NULL);
	}
	if (status || !*open)
		return status;
	snprintf(shaped, sizeof shaped, "%.*s:%dx%d%s", (int)name, text, spec->form->norm && !spec->pair ? 4 : 2,
	         spec->width, text + name);
	return ur_spec_parse(shaped, spec, err);
}

ur_status ur_width_measure(const ur_spec *spec, const ur_words *words, int64_t target, const ur_kernels *k,
                           ur_width *out, ur_err *err)
{
	ur_model *m;
	ur_status status = ur_model_shape(spec, words, k, 0, &m, NULL, err);

	if (status)
		return status;
	*out = (ur_width){ .spec = *spec, .parameters = m->scalars,
	                   .limit = spec->pair ? ur_spec_limit(spec) : ur_model_limit(m) };
	out->deviation = target > 0 ? (double)m->scalars / (double)target - 1 : 0;
	ur_model_free(m);
	return UR_OK;
}

struct search { const ur_spec *like; const ur_words *words; int64_t target; const ur_kernels *k; };

/* False: the spec does not allow this width, or no such model fits. */
static int try_width(const struct search *s, int width, ur_width *out)
{
	ur_spec spec;
	return width >= 1 && width <= UR_MOST_WIDTH && !ur_spec_resize(s->like, width, &spec, NULL) &&
	       !ur_width_measure(&spec, s->words, s->target, s->k, out, NULL);
}

/* The first allowed width from `from` on; false: there is none near. */
static int next_width(const struct search *s, int from, ur_width *out)
{
	for (int w = from; w < from + FARTHEST && w <= UR_MOST_WIDTH; w++)
		if (try_width(s, w, out))
			return 1;
	return 0;
}

/* The better of *best and the allowed width nearest to `near` among multiples of `step`, to either side of it. */
static void nearest_multiple(const struct search *s, int near, int step, ur_width *best, int *found)
{
	ur_width w;

	for (int side = 0; side < 2; side++)
		for (int i = 0, width = near / step * step + side * step; i < FARTHEST / step + 1;
		     i++, width += side ? step : -step)
			if (try_width(s, width, &w)) {
				if (!*found || fabs(w.deviation) < fabs(best->deviation))
					*best = w;
				*found = 1;
				break;
			}
}

ur_status ur_width_solve(const ur_spec *like, const ur_words *words, int64_t target, const ur_kernels *k,
                         ur_width *out, ur_err *err)
{
	static const int steps[] = { 16, 8, 4, 1 };
	const struct search s = { like, words, target, k };
	int low = 1, high = 1;
	ur_width at;

	if (target < 1)
		return ur_fail(err, UR_E_INVALID, "a model has at least one parameter");
	if (!next_width(&s, 1, &at))
		return ur_fail(err, UR_E_INVALID, "%s: no width is possible with its options", like->text);
	/* low: at most the target (or the narrowest there is); high: above it */
	while (next_width(&s, high, &at) && at.parameters <= target) {
		low = at.spec.width;
		high = 2 * low > low + 1 ? 2 * low : low + 1;
	}
	while (high - low > 1) {
		int middle = low + (high - low) / 2;
		if (next_width(&s, middle, &at) && at.parameters <= target)
			low = middle;
		else
			high = middle;
	}
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		int found = 0;
		nearest_multiple(&s, low, steps[i], out, &found);
		if (found && (fabs(out->deviation) <= UR_WIDTH_TOLERANCE || steps[i] == 1))
			return UR_OK;
	}
	return ur_fail(err, UR_E_INVALID, "%s: no width comes near %lld parameters", like->text, (long long)target);
}
