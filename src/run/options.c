/* How far attention reaches back, chosen when a model is opened: its states are laid out anew, its weights stay. */
#include "run/options.h"

#include <string.h>

enum { MOST_OPTIONS = 4096 /* bytes: more is no size that was set */ };

ur_status ur_options_read(const unroll_options *given, unroll_options *options, ur_err *err)
{
	const unsigned char *bytes = (const void *)given;

	*options = (unroll_options){ .size = sizeof *options };
	if (!given)
		return UR_OK;
	if (given->size < sizeof given->size || given->size > MOST_OPTIONS)
		return ur_fail(err, UR_E_INVALID, "options: set their size to sizeof(unroll_options)");
	for (size_t i = sizeof *options; i < given->size; i++)
		if (bytes[i])
			return ur_fail(err, UR_E_INVALID, "options: this library, version %s, does not know all that is set in "
			               "them", UNROLL_VERSION);
	memcpy(options, given, given->size < sizeof *options ? given->size : sizeof *options);
	return UR_OK;
}

/* Where among its options a mixer has its window; -1: it has none. */
static int window_at(const ur_mixer *mixer)
{
	static const char name[] = "window";
	int at;
	return mixer->options && ur_option_find(mixer->options, name, sizeof name - 1, &at) ? at : -1;
}

int64_t ur_model_window(const ur_model *m)
{
	const int at = window_at(m->spec.mixer);
	return at < 0 ? 0 : (int64_t)m->spec.option[at];
}

static ur_status check_reach(const unroll_options *o, const ur_model *m, int window, ur_err *err)
{
	const char *what = o->context ? "context" : "window";
	const int64_t asked = o->context ? o->context : o->window;

	if (asked < 1 || asked > UR_MOST_REACH)
		return ur_fail(err, UR_E_INVALID, "options: a %s is 1 to %d positions, not %lld", what, UR_MOST_REACH,
		               (long long)asked);
	if (m->spec.pair)
		return ur_fail(err, UR_E_INVALID, "options: %s is a model of pairs, which takes no other %s", m->spec.text,
		               what);
	if (window < 0 || !(m->spec.mixer->flags & UR_STATE_GROWS))
		return ur_fail(err, UR_E_INVALID, "options: a %s is attention's, and %s has none: its streams take constant "
		               "memory and any number of steps", what, m->spec.text);
	if (o->context && o->window)
		return ur_fail(err, UR_E_INVALID, "options: give a context or a window, not both: with a window streams have "
		               "no end");
	if (o->context && m->spec.option[window] > 0)
		return ur_fail(err, UR_E_INVALID, "options: %s has a window of %d positions and so no end that a context could "
		               "move; give another window", m->spec.text, (int)m->spec.option[window]);
	if (m->spec.positions != UR_NOWHERE && (o->window || o->context > m->spec.context))
		return ur_fail(err, UR_E_INVALID, "options: %s knows %d positions, from a table, and no window or context "
		               "takes it further; block=llama, which turns by position, goes anywhere", m->spec.text,
		               m->spec.context);
	return UR_OK;
}

ur_status ur_options_reach(const unroll_options *options, ur_model *m, ur_err *err)
{
	ur_spec *spec = &m->spec;
	const int window = window_at(spec->mixer);
	ur_status status;

	if (options->context == 0 && options->window == 0)
		return UR_OK;
	if ((status = check_reach(options, m, window, err)))
		return status;
	if (options->context)
		spec->context = (int)options->context;
	else
		spec->option[window] = (double)options->window;
	m->stack.state = 0;
	for (int i = 0; i < m->stack.layers; i++) {
		ur_layer *l = &m->stack.layer[i];

		l->dims.context = spec->context;
		l->dims.option[window] = spec->option[window];
		l->state = m->stack.state;
		m->stack.state += ur_layer_state(l);
	}
	return UR_OK;
}
