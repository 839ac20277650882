/* What calls that fail with an ur_err are held to. cmocka's header comes before. */
#ifndef ASSERTS_H
#define ASSERTS_H

#include "base/status.h"

#include <string.h>

/* The call passes `why` for its error. */
#define assert_ok(call) \
	do { \
		ur_err ok_err = { 0 }, *why = &ok_err; \
		if ((call) != UR_OK) \
			fail_msg("%s: %s", #call, ok_err.text); \
	} while (0)

#define assert_says(err, part) \
	do { \
		if (!strstr((err).text, part)) \
			fail_msg("\"%s\" does not say \"%s\"", (err).text, part); \
	} while (0)

#endif
