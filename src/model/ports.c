/* Names and units of what a model of values reads and says. */
#include "model/ports.h"

#include "vocab/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *name; unroll_says says; } kinds[] = {
	{ "classes", UNROLL_CLASSES }, { "values", UNROLL_VALUES }, { "hidden", UNROLL_HIDDEN },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static int make(ur_port *p, int n, int units)
{
	*p = (ur_port){ .n = n, .name = calloc((size_t)n + 1, sizeof *p->name) };
	if (units) {
		p->mean = calloc((size_t)n + 1, sizeof *p->mean);
		p->scale = calloc((size_t)n + 1, sizeof *p->scale);
		for (int i = 0; p->scale && i < n; i++)
			p->scale[i] = 1;
	}
	return p->name && (!units || (p->mean && p->scale));
}

/* NULL: no memory. */
static ur_ports *empty(int in, int in_units, int out, int out_units, unroll_says says)
{
	ur_ports *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->says = says;
	if (make(&p->in, in, in_units) && make(&p->out, out, out_units))
		return p;
	ur_ports_free(p);
	return NULL;
}

ur_status ur_ports_new(int in, int out, unroll_says says, int units, ur_ports **ports, ur_err *err)
{
	ur_ports *p;

	*ports = NULL;
	if (in < 1 || in > UR_MOST_PORTS)
		return ur_fail(err, UR_E_INVALID, "a model of values reads 1 to %d of them, not %d", (int)UR_MOST_PORTS, in);
	if (out < 1 || out > UR_MOST_PORTS)
		return ur_fail(err, UR_E_INVALID, "a model of values says 1 to %d of them, not %d", (int)UR_MOST_PORTS, out);
	if (!(p = empty(in, units, out, units && says == UNROLL_VALUES, says)))
		return ur_fail(err, UR_E_NOMEM, "no memory for the names of %d values", in + out);
	*ports = p;
	return UR_OK;
}

/* *to = name. */
static ur_status take_name(char **to, const char *name, const char *what, int i, ur_err *err)
{
	char *copy;

	if (ur_utf8_valid((const unsigned char *)name, strlen(name)) != strlen(name))
		return ur_fail(err, UR_E_INVALID, "the name of %s %d is not UTF-8 text; convert the data, or rename it", what,
		               i + 1);
	if (!(copy = strdup(name)))
		return ur_fail(err, UR_E_NOMEM, "no memory for a name");
	free(*to);
	*to = copy;
	return UR_OK;
}

ur_status ur_port_name(ur_port *p, int i, const char *name, ur_err *err)
{
	return take_name(&p->name[i], name, "value", i, err);
}

ur_status ur_ports_answer(ur_ports *p, const char *column, ur_err *err)
{
	return take_name(&p->answer, column, "answer", 0, err);
}

const char *ur_ports_before(unroll_says says, int i, ur_before_name name)
{
	(void)snprintf(name, sizeof(ur_before_name), says == UNROLL_CLASSES ? "%s=%d" : "%s", UR_ANSWER_BEFORE, i);
	return name;
}

int ur_ports_fed(const ur_ports *p)
{
	const int n = p->says == UNROLL_HIDDEN ? 0 : p->out.n, from = p->in.n - n;
	int named = 0;

	if (from < 0 || (p->says == UNROLL_VALUES && n != 1))
		return 0;
	for (int i = 0; i < n; i++) {
		ur_before_name name;
		if (!p->in.name[from + i] || strcmp(p->in.name[from + i], ur_ports_before(p->says, i, name)))
			return 0;
	}
	for (int i = 0; i < from; i++)
		named |= p->in.name[i] != NULL;
	return p->answer || !named ? n : 0;
}

/* A mean that is a number, a scale that can be divided by as well. */
static int usable(float mean, float scale) { return isfinite(mean) && isfinite(scale) && isfinite(1 / scale); }

ur_status ur_ports_check(const ur_ports *p, ur_err *err)
{
	const ur_port *sides[2] = { &p->in, &p->out };

	for (int s = 0; s < 2; s++)
		for (int i = 0; sides[s]->mean && i < sides[s]->n; i++)
			if (!usable(sides[s]->mean[i], sides[s]->scale[i]))
				return ur_fail(err, UR_E_INVALID, "the mean of %s value %d is %g and its scale %g: neither may be "
				               "infinite or no number, and a scale not 0", s ? "output" : "input", i + 1,
				               (double)sides[s]->mean[i], (double)sides[s]->scale[i]);
	return UR_OK;
}

static int copy_port(ur_port *to, const ur_port *from)
{
	for (int i = 0; i < from->n; i++)
		if (from->name[i] && ur_port_name(to, i, from->name[i], NULL))
			return 0;
	if (from->mean) {
		memcpy(to->mean, from->mean, (size_t)from->n * sizeof *to->mean);
		memcpy(to->scale, from->scale, (size_t)from->n * sizeof *to->scale);
	}
	return 1;
}

ur_ports *ur_ports_copy(const ur_ports *p)
{
	ur_ports *copy = empty(p->in.n, p->in.mean != NULL, p->out.n, p->out.mean != NULL, p->says);

	if (copy && (!copy_port(&copy->in, &p->in) || !copy_port(&copy->out, &p->out) ||
	             (p->answer && ur_ports_answer(copy, p->answer, NULL)))) {
		ur_ports_free(copy);
		return NULL;
	}
	return copy;
}

static void free_port(ur_port *p)
{
	for (int i = 0; p->name && i < p->n; i++)
		free(p->name[i]);
	free(p->name);
	free(p->mean);
	free(p->scale);
}

void ur_ports_free(ur_ports *p)
{
	if (!p)
		return;
	free_port(&p->in);
	free_port(&p->out);
	free(p->answer);
	free(p);
}

void ur_port_see(const ur_port *p, const float *values, float *seen)
{
	for (int i = 0; i < p->n; i++) {
		const float x = p->mean ? (values[i] - p->mean[i]) * p->scale[i] : values[i];
		seen[i] = isnan(values[i]) ? 0 : x;
	}
}

void ur_port_say(const ur_port *p, float *said)
{
	for (int i = 0; p->mean && i < p->n; i++)
		said[i] = said[i] / p->scale[i] + p->mean[i];
}

/* -- as JSON: {"says": "classes", "in": {"n": 3, "names": [...], "mean": [...], "scale": [...]}, "out": {...},
 * "answer": "column"} -- */

static json_t *numbers(const float *x, int n)
{
	json_t *list = json_array();

	for (int i = 0; list && i < n; i++)
		if (json_array_append_new(list, json_real((double)x[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static int named(const ur_port *p)
{
	for (int i = 0; i < p->n; i++)
		if (p->name[i])
			return 1;
	return 0;
}

static json_t *port_json(const ur_port *p)
{
	json_t *json = json_pack("{s:i}", "n", p->n), *names = named(p) ? json_array() : NULL;
	int failed = !json;

	for (int i = 0; names && i < p->n; i++)
		failed |= json_array_append_new(names, p->name[i] ? json_string(p->name[i]) : json_null()) != 0;
	if (names)
		failed |= json_object_set_new(json, "names", names) != 0;
	if (p->mean) {
		failed |= json_object_set_new(json, "mean", numbers(p->mean, p->n)) != 0;
		failed |= json_object_set_new(json, "scale", numbers(p->scale, p->n)) != 0;
	}
	if (failed) {
		json_decref(json);
		return NULL;
	}
	return json;
}

json_t *ur_ports_to_json(const ur_ports *p)
{
	const char *says = NULL;

	for (int i = 0; i < KINDS; i++)
		if (kinds[i].says == p->says)
			says = kinds[i].name;
	return json_pack("{s:s, s:o, s:o, s:s*}", "says", says, "in", port_json(&p->in), "out", port_json(&p->out), "answer",
	                 p->answer);
}

static ur_status count_of(const json_t *json, const char *side, int *n, ur_err *err)
{
	const json_t *count = json_object_get(json, "n");

	if (!json_is_integer(count) || json_integer_value(count) < 1 || json_integer_value(count) > UR_MOST_PORTS)
		return ur_fail(err, UR_E_FORMAT, "metadata: unroll.ports: \"%s\" needs a number of values \"n\", 1 to %d", side,
		               (int)UR_MOST_PORTS);
	*n = (int)json_integer_value(count);
	return UR_OK;
}

/* n numbers of a list. */
static ur_status read_numbers(const json_t *list, const char *side, const char *what, int n, float *to, ur_err *err)
{
	if ((int)json_array_size(list) != n)
		return ur_fail(err, UR_E_FORMAT, "metadata: unroll.ports: \"%s\" of \"%s\" must be a list of %d numbers", what,
		               side, n);
	for (int i = 0; i < n; i++) {
		const json_t *x = json_array_get(list, (size_t)i);
		if (!json_is_number(x))
			return ur_fail(err, UR_E_FORMAT, "metadata: unroll.ports: \"%s\" of \"%s\" must be a list of %d numbers",
			               what, side, n);
		to[i] = (float)json_number_value(x);
	}
	return UR_OK;
}

static ur_status read_port(const json_t *json, const char *side, ur_port *p, ur_err *err)
{
	const json_t *names = json_object_get(json, "names");
	ur_status status = UR_OK;

	if (names && (int)json_array_size(names) != p->n)
		return ur_fail(err, UR_E_FORMAT, "metadata: unroll.ports: \"names\" of \"%s\" must be a list of %d", side, p->n);
	for (int i = 0; names && i < p->n && !status; i++) {
		const json_t *name = json_array_get(names, (size_t)i);
		if (json_is_string(name))
			status = ur_port_name(p, i, json_string_value(name), err);
		else if (!json_is_null(name))
			status = ur_fail(err, UR_E_FORMAT, "metadata: unroll.ports: name %d of \"%s\" is no text", i + 1, side);
	}
	if (!status && !p->mean != !json_object_get(json, "scale"))
		status = ur_fail(err, UR_E_FORMAT, "metadata: unroll.ports: \"%s\" has a \"mean\" or a \"scale\" alone", side);
	if (!status && p->mean)
		status = read_numbers(json_object_get(json, "mean"), side, "mean", p->n, p->mean, err);
	if (!status && p->mean)
		status = read_numbers(json_object_get(json, "scale"), side, "scale", p->n, p->scale, err);
	return status;
}

ur_status ur_ports_from_json(const json_t *json, ur_ports **ports, ur_err *err)
{
	const json_t *sides[2] = { json_object_get(json, "in"), json_object_get(json, "out") };
	const char *says = json_string_value(json_object_get(json, "says"));
	const json_t *answer = json_object_get(json, "answer");
	ur_ports *p;
	int n[2], kind = 0;
	ur_err why = { 0 };
	ur_status status;

	*ports = NULL;
	while (kind < KINDS && (!says || strcmp(says, kinds[kind].name)))
		kind++;
	if (kind == KINDS)
		return ur_fail(err, UR_E_FORMAT, "metadata: unroll.ports: \"says\" must be classes, values or hidden");
	if ((status = count_of(sides[0], "in", &n[0], err)) || (status = count_of(sides[1], "out", &n[1], err)))
		return status;
	if (!(p = empty(n[0], json_object_get(sides[0], "mean") != NULL, n[1], json_object_get(sides[1], "mean") != NULL,
	                kinds[kind].says)))
		return ur_fail(err, UR_E_NOMEM, "no memory for the names of %d values", n[0] + n[1]);
	if (p->out.mean && p->says != UNROLL_VALUES)
		status = ur_fail(err, UR_E_FORMAT, "metadata: unroll.ports: only outputs that are values have a \"mean\"");
	if (!status && !(status = read_port(sides[0], "in", &p->in, err)))
		status = read_port(sides[1], "out", &p->out, err);
	if (!status && answer)
		status = json_is_string(answer) ? ur_ports_answer(p, json_string_value(answer), err)
			: ur_fail(err, UR_E_FORMAT, "metadata: unroll.ports: \"answer\" is no text");
	if (!status && (status = ur_ports_check(p, &why)))
		status = ur_fail(err, UR_E_FORMAT, "metadata: unroll.ports: %s", why.text);
	if (status) {
		ur_ports_free(p);
		return status;
	}
	*ports = p;
	return UR_OK;
}
