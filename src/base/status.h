/* How calls fail: a status says what kind, an ur_err says what, where, and what to do about it.
 * Nothing in the library prints or exits; only src/cli turns an ur_err into words on a screen. */
#ifndef UR_STATUS_H
#define UR_STATUS_H

#include "unroll.h"

#if defined(__GNUC__)
#define UR_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define UR_PRINTF(f, a)
#endif

/* Fills *err (NULL: nothing to fill) and returns `status`, so that a failure is one line: return ur_fail(...).
 * err->text itself may be an argument: ur_fail(err, status, "%s: %s", where, err->text) puts context before it. */
ur_status ur_fail(ur_err *err, ur_status status, const char *format, ...) UR_PRINTF(3, 4);

#endif
