/* What a model that reads the answer before, as those of unroll learn do, is told of it: that of the events, where they
 * bring it, else its own. */
#include "cli/cli_stream.h"

#include "model/model.h"

#include <math.h>
#include <string.h>

int ur_before_features(const ur_model *m) { return m->ports ? m->ports->in.n - ur_ports_fed(m->ports) : 0; }

void ur_before_tell(const ur_model *m, int features, double answer, float *values)
{
	const int n = m->ports->in.n - features, numbers = m->ports->says == UNROLL_VALUES;

	for (int i = 0; i < n; i++)
		values[features + i] = numbers ? (float)answer : answer == i;
}

double ur_before_own(const ur_model *m, const float *outputs)
{
	int best;

	if (m->ports->says == UNROLL_VALUES)
		return (double)outputs[0];
	ur_find_best(outputs, m->ports->out.n, 1, &best);
	return best;
}

/* NaN: one that the model has never met, of which there is no input. */
static double class_of(const ur_port *classes, const ur_field *field)
{
	int named = 0;

	for (int i = 0; i < classes->n; i++) {
		if (classes->name[i] && !strcmp(classes->name[i], field->text))
			return i;
		named |= classes->name[i] != NULL;
	}
	return !named && field->value >= 0 && field->value < classes->n && field->value == floor(field->value)
		? field->value : NAN;
}

ur_status ur_before_read(const ur_model *m, const char *column, const ur_events *reader, const ur_event *event,
                         int *there, double *answer, ur_err *err)
{
	const int at = column ? ur_event_find(event, column, 0) : -1;
	const ur_field *field = at < 0 ? NULL : &event->field[at];
	float value;
	ur_status status;

	*there = field && field->is != UR_FIELD_MISSING;
	*answer = NAN;
	if (!*there)
		return UR_OK;
	if (m->ports->says == UNROLL_VALUES) {
		if ((status = ur_event_float(reader, event, at, &value, err)))
			return status;
		*answer = (double)value;
		return UR_OK;
	}
	*answer = class_of(&m->ports->out, field);
	return UR_OK;
}
