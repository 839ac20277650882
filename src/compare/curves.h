/* Loss over what it cost: reading curves at equal tokens, arithmetic or time, and who leads when. Pure. */
#ifndef UR_CURVES_H
#define UR_CURVES_H

#include <stdint.h>

/* One validation. Axes: tokens, flops and seconds of training so far, each rising along a curve. */
typedef enum ur_axis { UR_AXIS_TOKENS, UR_AXIS_FLOPS, UR_AXIS_SECONDS, UR_AXES } ur_axis;
/* decayed: the rate has begun to fall */
typedef struct ur_curve_point { double x[UR_AXES], loss; int decayed; } ur_curve_point;
typedef struct ur_curve { int n; const ur_curve_point *at; } ur_curve;

const char *ur_axis_name(ur_axis axis);     /* "tokens", "flops", "seconds" */

/* Loss at x, straight between points in log x; NaN before the first point and beyond the last. */
double ur_curve_at(const ur_curve *c, ur_axis axis, double x);
/* The largest x that every one of n curves reached before its rate began to fall (its last point not `decayed`), so
 * that what is read there was trained in the same way by all; 0: there is none. */
double ur_curves_common(int n, const ur_curve *c, ur_axis axis);

/* Stretches of x over which one curve has the lowest loss of all that have begun, in order, without gaps;
 * neighbours have different leaders. Returns how many of at most `room` were written. */
typedef struct ur_lead { double from, to; int who; } ur_lead;
int ur_curves_leads(int n, const ur_curve *c, ur_axis axis, int room, ur_lead *leads);

#endif
