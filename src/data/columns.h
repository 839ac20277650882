/* Which fields of events are the values that a model reads: those of its names, where it and the event have names, else
 * all fields, in order. */
#ifndef UR_COLUMNS_H
#define UR_COLUMNS_H

#include "data/events.h"

typedef struct ur_columns ur_columns;

/* Of n values, named or not (name NULL, or any of name[i]; the texts are the caller's and outlive it). *columns is NULL
 * on failure: UR_E_NOMEM. */
ur_status ur_columns_open(int n, const char *const *name, ur_columns **columns, ur_err *err);
void ur_columns_close(ur_columns *c);
/* The values of an event, NaN what is missing. A key that JSON leaves out is missing, if not all are left out; a column
 * that csv lacks is not. UR_E_INVALID, naming source, line and field. */
ur_status ur_columns_read(ur_columns *c, const ur_events *reader, const ur_event *event, float *values, ur_err *err);

#endif
