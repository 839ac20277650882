/* Status words and error texts. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *unroll_status_text(ur_status status)
{
	switch (status) {
#define X(name, value, text) case UR_##name: return text;
		UR_STATUSES(X)
#undef X
	}
	return "unknown status";
}

ur_status ur_fail(ur_err *err, ur_status status, const char *format, ...)
{
	if (err) {
		char text[sizeof err->text]; /* the arguments may point into err->text, when context is put before an error */
		va_list args;
		va_start(args, format);
		vsnprintf(text, sizeof text, format, args);
		va_end(args);
		err->status = status;
		memcpy(err->text, text, strlen(text) + 1);
	}
	return status;
}
