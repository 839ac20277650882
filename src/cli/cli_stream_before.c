/* What a model that reads the answer before, as those of unroll learn do, is told of it: that of the events, where they
 * bring it, else its own. */
#include "cli/cli_stream.h"

#include "model/model.h"

#include <math.h>
#include <string.h>

int ur_before_features(const ur_model *m) { return m->ports ? m->ports->in.n - ur_ports_fed(m->ports) : 0; }

void ur_before_tell(const ur_model *m, double answer, float *values)
{
	const int from = ur_before_features(m), n = m->ports->in.n - from, numbers = m->ports->says == UNROLL_VALUES;

	for (int i = 0; i < n; i++)
		values[from + i] = numbers ? (float)answer : answer == i;
}

double ur_before_own(const ur_model *m, const float *outputs)
{
	int best = 0;

	if (m->ports->says == UNROLL_VALUES)
		return (double)outputs[0];
	for (int i = 1; i < m->ports->out.n; i++)
		if (outputs[i] > outputs[best])
			best = i;
	return best;
}

ur_status ur_before_read(const ur_model *m, const char *column, const ur_events *reader, const ur_event *event,
                         int *there, double *answer, ur_err *err)
{
	const int at = column ? ur_event_find(event, column, 0) : -1;
	const ur_field *field = at < 0 ? NULL : &event->field[at];
	float value;
	ur_status status;

	*there = field && field->is != UR_FIELD_MISSING;
	*answer = NAN; /* of a class that it has never met there is no input */
	if (!*there)
		return UR_OK;
	if (m->ports->says == UNROLL_VALUES) {
		if ((status = ur_event_float(reader, event, at, &value, err)))
			return status;
		*answer = (double)value;
		return UR_OK;
	}
	for (int i = 0; i < m->ports->out.n; i++)
		if (m->ports->out.name[i] && !strcmp(m->ports->out.name[i], field->text))
			*answer = i;
	return UR_OK;
}
