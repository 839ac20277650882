/* What a model of values reads and says: how many, their names and their units. A model of text has none. Kept in the
 * metadata of a model file as JSON. */
#ifndef UR_PORTS_H
#define UR_PORTS_H

#include "base/status.h"
#include "unroll.h"

#include <jansson.h>

enum { UR_MOST_PORTS = 65536 };

/* The values of one side. */
typedef struct ur_port {
	int n;
	char **name;                    /* (n); NULL: it has none */
	float *mean, *scale;            /* what the layers see is (value - mean) * scale; NULL: the value */
} ur_port;

typedef struct ur_ports {
	ur_port in, out;                /* out: classes, named or not; values; of hidden outputs only n counts */
	unroll_says says;
	char *answer;                   /* the column of the data that it says, or NULL */
} ur_ports;

/* Models that learn from a stream may read the answer before: inputs behind the others, "answer[-1]=0" and on, one for
 * each class, or "answer[-1]" for the one value that it says. */
#define UR_ANSWER_BEFORE "answer[-1]"
typedef char ur_before_name[64];
const char *ur_ports_before(unroll_says says, int i, ur_before_name name);
/* How many inputs are of it: all that it says, or 0. Columns of the data that happen to have these names are not: such
 * data has names for its other columns, and of it unroll learn names the answer's column too. */
int ur_ports_fed(const ur_ports *p);

/* Zero but for the numbers and what it says; with `units`, means of 0 and scales of 1 that the caller may set.
 * UR_E_INVALID: no number of values at all, or too many; UR_E_NOMEM. *ports is NULL on failure. */
ur_status ur_ports_new(int in, int out, unroll_says says, int units, ur_ports **ports, ur_err *err);
ur_ports *ur_ports_copy(const ur_ports *p); /* NULL: no memory */
void ur_ports_free(ur_ports *p);
/* Names a value; the text is copied. UR_E_INVALID: it is not UTF-8; UR_E_NOMEM. */
ur_status ur_port_name(ur_port *p, int i, const char *name, ur_err *err);

/* Names the column that it says. As above. */
ur_status ur_ports_answer(ur_ports *p, const char *column, ur_err *err);
/* Whether its units are numbers to reckon with. UR_E_INVALID. */
ur_status ur_ports_check(const ur_ports *p, ur_err *err);

/* What the layers see of a row of p->n values; missing ones (NaN) are 0: the mean, where there are units. */
void ur_port_see(const ur_port *p, const float *values, float *seen);
/* What the layers said, in the data's units, in place. */
void ur_port_say(const ur_port *p, float *said);

json_t *ur_ports_to_json(const ur_ports *p); /* a new reference; NULL: no memory */
/* UR_E_FORMAT says what is wrong in text that is not trusted. */
ur_status ur_ports_from_json(const json_t *json, ur_ports **ports, ur_err *err);

#endif
